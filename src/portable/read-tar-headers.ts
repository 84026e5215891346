/**
 * A strict reader of tar headers that watches the bytes on their way into tar-stream.
 *
 * tar-stream frames an archive and hands out contents, but it is lenient: it takes an archive without its end for a whole
 * one, goes on after the end blocks, drops malformed PAX records silently, decodes names as UTF-8 with losses, and does not
 * look at names and types. So every header is read a second time here, with nothing forgiven, and the two readings must
 * agree on where each entry's content lies and how long it is. What two programs could understand differently is refused.
 */
import type { ByteString } from '../model/paths.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import { displayName } from './entry-rules.ts';
import { cutShort, damaged, overLimit, refusedEntry } from './read-errors.ts';
import { isZeroBlock } from './read-kind.ts';
import { type PaxRecords, parseDecimal, parsePax, paxLinkPathKey, paxPathKey } from './read-pax.ts';
import { parseTarBlock, type TarBlock } from './read-tar-block.ts';

const blockBytes = 512;

/** What stands before one entry's content: its header block and the extended headers that belong to it. */
export interface TarHeader {
  readonly block: TarBlock;
  /** Records of the entry's own PAX header over those of the global one. */
  readonly pax: PaxRecords;
  readonly longName: ByteString | undefined;
  readonly longLink: ByteString | undefined;
  /** The size that holds: the PAX record's where there is one. */
  readonly size: number;
  /** Offset of the content in the tar stream. */
  readonly dataOffset: number;
}

/** Type flags of headers that say something about the next entry. */
const extensionTypes: ReadonlySet<string> = new Set(['x', 'g', 'L', 'K']);
/** Links, devices, folders, pipes and labels have no content; programs disagree on whether a size there counts. */
const emptyTypes: ReadonlySet<string> = new Set(['1', '2', '3', '4', '5', '6', 'V']);
/** What a global header may not say: it would give many entries one name or size. */
const ownKeys = ['path', 'linkpath', 'size', paxPathKey, paxLinkPathKey];

interface Extension {
  readonly type: string;
  readonly parts: Buffer[];
}

export class TarHeaderReader {
  readonly #archive: string;
  readonly #limits: ArchiveLimits;
  readonly #partial = Buffer.alloc(blockBytes);
  #partialBytes = 0;
  /** Bytes seen so far. */
  #position = 0;
  /** Content and padding still to come. */
  #payloadBytes = 0;
  #paddingBytes = 0;
  #extension: Extension | undefined;
  #pax: PaxRecords | undefined;
  #globalPax: PaxRecords = new Map();
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;
  #endBlocks = 0;
  #headers: TarHeader[] = [];
  #headersCount = 0;
  #lastName: ByteString | undefined;

  constructor(archive: string, limits: ArchiveLimits) {
    this.#archive = archive;
    this.#limits = limits;
  }

  /** Looks at the next bytes of the archive. @throws ArchiveError */
  watch(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) {
      const start = offset;
      if (this.#payloadBytes > 0) offset += this.#watchPayload(chunk.subarray(offset));
      else if (this.#paddingBytes > 0) offset += this.#watchPadding(chunk.length - offset);
      else offset += this.#watchBlock(chunk, offset);
      this.#position += offset - start;
    }
  }

  /** The next header; those of all bytes watched so far are there. */
  take(): TarHeader | undefined {
    return this.#headers.shift();
  }

  /** Call at the end of the bytes. @throws ArchiveError when they are not a whole archive. */
  finish(): void {
    const path = this.#archive;
    const inside = this.#lastName === undefined ? 'a header' : `entry ${displayName(this.#lastName)}`;
    if (this.#payloadBytes > 0 || this.#paddingBytes > 0) throw cutShort(path, `it ends inside ${inside}`);
    if (this.#partialBytes > 0) throw cutShort(path, 'it ends inside a block of 512 bytes');
    if (this.#isExtended()) throw cutShort(path, 'it ends after a header that another must follow');
    if (this.#endBlocks < 2) {
      throw cutShort(path, 'the two empty blocks that end a tar archive are missing');
    }
  }

  #watchPayload(rest: Buffer): number {
    const bytes = Math.min(rest.length, this.#payloadBytes);
    this.#extension?.parts.push(rest.subarray(0, bytes));
    this.#payloadBytes -= bytes;
    if (this.#payloadBytes === 0) this.#endExtension();
    return bytes;
  }

  #watchPadding(available: number): number {
    const bytes = Math.min(available, this.#paddingBytes);
    this.#paddingBytes -= bytes;
    return bytes;
  }

  #watchBlock(chunk: Buffer, offset: number): number {
    if (this.#partialBytes === 0 && chunk.length - offset >= blockBytes) {
      this.#endBlock(chunk.subarray(offset, offset + blockBytes), this.#position + blockBytes);
      return blockBytes;
    }
    const bytes = chunk.copy(this.#partial, this.#partialBytes, offset);
    this.#partialBytes += bytes;
    if (this.#partialBytes === blockBytes) {
      this.#partialBytes = 0;
      this.#endBlock(this.#partial, this.#position + bytes);
    }
    return bytes;
  }

  #endBlock(bytes: Buffer, end: number): void {
    if (isZeroBlock(bytes)) {
      if (this.#isExtended()) throw damaged(this.#archive, 'an empty block follows an extended header');
      this.#endBlocks++;
      return;
    }
    if (this.#endBlocks > 0) throw damaged(this.#archive, 'there is more after the empty block that ends it');
    const block = parseTarBlock(bytes);
    if (typeof block === 'string') throw damaged(this.#archive, `${block} (at byte ${end - blockBytes})`);
    if (extensionTypes.has(block.type)) this.#beginExtension(block);
    else this.#beginEntry(block, end);
  }

  #beginExtension(block: TarBlock): void {
    const { headerBytesMax } = this.#limits;
    if (block.size > headerBytesMax) {
      throw overLimit(
        this.#archive,
        `an extended header has ${block.size} bytes`,
        'headerBytesMax',
        headerBytesMax,
      );
    }
    if (block.type === 'g') this.#countHeader();
    this.#extension = { type: block.type, parts: [] };
    this.#expectPayload(block.size);
    if (block.size === 0) this.#endExtension();
  }

  #endExtension(): void {
    if (this.#extension === undefined) return;
    const { type, parts } = this.#extension;
    this.#extension = undefined;
    const payload = Buffer.concat(parts);
    if (type === 'g') this.#globalPax = this.#parseGlobalPax(payload);
    else if (type === 'x') this.#pax = once(this.#pax, this.#parsePax(payload), this.#repeated);
    else if (type === 'L')
      this.#longName = once(this.#longName, this.#parseLongName(payload), this.#repeated);
    else this.#longLink = once(this.#longLink, this.#parseLongName(payload), this.#repeated);
  }

  readonly #repeated = () =>
    damaged(this.#archive, 'two extended headers of one kind stand before one entry');

  #parsePax(payload: Buffer): PaxRecords {
    const records = parsePax(payload);
    if (typeof records === 'string') {
      throw damaged(this.#archive, `an extended header is malformed: ${records}`);
    }
    return records;
  }

  #parseGlobalPax(payload: Buffer): PaxRecords {
    const records = this.#parsePax(payload);
    const key = ownKeys.find((name) => records.has(name));
    if (key !== undefined) {
      throw damaged(this.#archive, `a global header says ${key}, which only an entry can say`);
    }
    const all = new Map([...this.#globalPax, ...records]);
    const { globalRecordsMax } = this.#limits;
    if (all.size > globalRecordsMax) {
      throw overLimit(this.#archive, 'its global headers say too much', 'globalRecordsMax', globalRecordsMax);
    }
    return all;
  }

  /** GNU: the name, then zero bytes. */
  #parseLongName(payload: Buffer): ByteString {
    const name = payload.toString('latin1').replace(/\0+$/, '');
    if (name === '' || name.includes('\0')) throw damaged(this.#archive, 'a long name is malformed');
    return name as ByteString;
  }

  #beginEntry(block: TarBlock, dataOffset: number): void {
    this.#countHeader();
    const pax: PaxRecords =
      this.#pax === undefined ? this.#globalPax : new Map([...this.#globalPax, ...this.#pax]);
    this.#refuseTwoNames(this.#longName, pax.get('path'));
    this.#refuseTwoNames(this.#longLink, pax.get('linkpath'));
    const name = pax.get('path') ?? this.#longName ?? block.name;
    const header: TarHeader = {
      block,
      pax,
      longName: this.#longName,
      longLink: this.#longLink,
      size: this.#sizeOf(block, pax, name),
      dataOffset,
    };
    this.#pax = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#lastName = name;
    this.#headers.push(header);
    this.#expectPayload(header.size);
  }

  #refuseTwoNames(gnu: ByteString | undefined, pax: ByteString | undefined): void {
    if (gnu === undefined || pax === undefined || gnu === pax) return;
    throw damaged(this.#archive, `an entry has two names: ${displayName(gnu)} and ${displayName(pax)}`);
  }

  #sizeOf(block: TarBlock, pax: PaxRecords, name: ByteString): number {
    const text = pax.get('size');
    const size = text === undefined ? block.size : parseDecimal(text);
    if (size === undefined) throw refusedEntry(this.#archive, name, 'its size is not a number');
    if (size > 0 && emptyTypes.has(block.type)) {
      throw refusedEntry(this.#archive, name, 'it has content, which only a file can have');
    }
    const { totalBytesMax } = this.#limits;
    if (this.#position + size > totalBytesMax) {
      const detail = `entry ${displayName(name)} says it has ${size} bytes, too many in all`;
      throw overLimit(this.#archive, detail, 'totalBytesMax', totalBytesMax);
    }
    return size;
  }

  #expectPayload(bytes: number): void {
    this.#payloadBytes = bytes;
    this.#paddingBytes = (blockBytes - (bytes % blockBytes)) % blockBytes;
  }

  #isExtended(): boolean {
    return this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
  }

  #countHeader(): void {
    this.#headersCount++;
    const { entriesMax } = this.#limits;
    if (this.#headersCount > entriesMax) {
      throw overLimit(this.#archive, 'it holds too many entries', 'entriesMax', entriesMax);
    }
  }
}

function once<T>(before: T | undefined, value: T, repeated: () => Error): T {
  if (before !== undefined) throw repeated();
  return value;
}
