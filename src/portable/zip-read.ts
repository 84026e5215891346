/** zip as a stream of checked entries: directory and headers by yauzl, contents unpacked and verified here. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import { ArchiveError, invariant } from '../model/errors.ts';
import { type ByteString, byteStringFromBytes } from '../model/paths.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import { linkTargetProblem } from './entry-rules.ts';
import { damaged, refusedEntry } from './read-errors.ts';
import { type ArchiveFile, packedPieceBytes } from './read-file.ts';
import { EntryGate, type RawEntry } from './read-gate.ts';
import type { ArchiveItem, ArchiveReader, SkippedEntry } from './read-types.ts';
import { UnpackMeter, unpack, unpackError } from './read-unpack.ts';
import { ZipDirectory, type ZipItem } from './read-zip-directory.ts';

const methodStored = 0;
const methodDeflated = 8;
const typeBits = 0o170000;
const unixTypes: ReadonlyMap<number, RawEntry['type']> = new Map([
  [0, 'file'],
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
]);
const specialNames: ReadonlyMap<number, string> = new Map([
  [0o010000, 'named pipe'],
  [0o020000, 'character device'],
  [0o060000, 'block device'],
  [0o140000, 'socket'],
]);
/** Contents up to this size are unpacked in one call: a stream for each small file costs several times more. */
const wholeBytesMax = 64 * 1024;
/** The event loop gets a turn this often, so that signals and progress work. */
const turnMs = 50;

/** What must be known of the whole directory before the first entry is handed out. */
interface Survey {
  /** Offsets of all local headers, ascending. */
  readonly offsets: Float64Array;
  /** Archives made by Windows PowerShell 5 have backslashes instead. */
  readonly hasSlashes: boolean;
}

/** What one pass has counted. */
interface Pass {
  readonly directory: ZipDirectory;
  readonly survey: Survey;
  readonly meter: UnpackMeter;
}

export class ZipReader implements ArchiveReader {
  readonly format = 'zip';
  readonly #file: ArchiveFile;
  readonly #limits: ArchiveLimits;
  #skipped: readonly SkippedEntry[] = [];
  #meter: UnpackMeter | undefined;

  private constructor(file: ArchiveFile, limits: ArchiveLimits) {
    this.#file = file;
    this.#limits = limits;
  }

  /** @throws ArchiveError when the zip has no directory */
  static async open(file: ArchiveFile, limits: ArchiveLimits): Promise<ZipReader> {
    await ZipDirectory.open(file, limits);
    return new ZipReader(file, limits);
  }

  get skipped(): readonly SkippedEntry[] {
    return this.#skipped;
  }

  get packedBytes(): number {
    return this.#meter?.packedBytes ?? 0;
  }

  async *entries(): AsyncGenerator<ArchiveItem> {
    const { path } = this.#file;
    const gate = new EntryGate(path, this.#limits);
    this.#skipped = gate.skipped;
    const survey = await this.#survey();
    const directory = await ZipDirectory.open(this.#file, this.#limits);
    this.#meter = new UnpackMeter(path, this.#limits);
    const pass: Pass = { directory, survey, meter: this.#meter };
    let turnedAtMs = Date.now();
    for await (const item of directory.items()) {
      const result = await this.#itemOf(item, gate, pass);
      if (result !== undefined) yield result;
      if (Date.now() - turnedAtMs < turnMs) continue;
      await nextTurn();
      turnedAtMs = Date.now();
    }
    if (gate.entriesCount === 0) throw new ArchiveError(`${path} is an empty archive: it holds no entries`);
    await this.#file.mustBeUnchanged();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #survey(): Promise<Survey> {
    const offsets: number[] = [];
    let hasSlashes = false;
    const directory = await ZipDirectory.open(this.#file, this.#limits);
    for await (const { name, headerOffset } of directory.items()) {
      offsets.push(headerOffset);
      hasSlashes ||= name.includes('/');
    }
    return { offsets: Float64Array.from(offsets).sort(), hasSlashes };
  }

  async #itemOf(item: ZipItem, gate: EntryGate, pass: Pass): Promise<ArchiveItem | undefined> {
    const { path } = this.#file;
    const name = separated(path, item, pass.survey);
    const problem = methodProblem(item);
    if (problem !== undefined) throw refusedEntry(path, name, problem);
    const dataStart = await this.#dataStart(item, pass);
    const type = typeOf(item, name);
    const content = readOnce(() => this.#content(item, name, dataStart, pass.meter));
    const isLink = type === 'symlink';
    const entry = gate.admit({
      path: name,
      type,
      special: specialNames.get(item.unixMode & typeBits) ?? 'unknown type',
      mode: item.unixMode === 0 ? undefined : item.unixMode,
      mtimeNs: item.mtimeNs,
      size: isLink ? 0 : item.size,
      ...(isLink ? { linkTarget: await this.#linkTarget(item, name, content) } : {}),
    });
    if (entry === undefined) return undefined;
    return { entry, content: isLink ? none() : content };
  }

  /** Where the content begins. Entries that share bytes are refused: some bombs are one content named a thousand times. */
  async #dataStart(item: ZipItem, pass: Pass): Promise<number> {
    const { offsets } = pass.survey;
    const { dataStart } = await pass.directory.localHeader(item);
    const above = indexAbove(offsets, item.headerOffset);
    const end = offsets[above] ?? pass.directory.start;
    const isShared = offsets[above - 2] === item.headerOffset;
    if (isShared || dataStart + item.packedBytes > end) {
      throw refusedEntry(this.#file.path, item.name, 'its content overlaps that of another entry');
    }
    return dataStart;
  }

  async #linkTarget(
    item: ZipItem,
    name: ByteString,
    content: AsyncIterable<Uint8Array>,
  ): Promise<ByteString> {
    const tooLong = item.size > this.#limits.linkTargetBytesMax;
    const pieces: Uint8Array[] = [];
    if (!tooLong) for await (const piece of content) pieces.push(piece);
    const target = byteStringFromBytes(Buffer.concat(pieces));
    const problem = tooLong
      ? `its link target has ${item.size} bytes`
      : linkTargetProblem(target, this.#limits);
    if (problem !== undefined) throw refusedEntry(this.#file.path, name, problem);
    return target;
  }

  /** The item's bytes, of the right number and checksum when it comes to its end. */
  async *#content(
    item: ZipItem,
    name: ByteString,
    dataStart: number,
    meter: UnpackMeter,
  ): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    let sum = 0;
    for await (const piece of this.#unpacked(item, dataStart, meter)) {
      bytes += piece.length;
      meter.addUnpacked(piece.length);
      if (bytes > item.size) break;
      sum = crc32(piece, sum);
      yield piece;
    }
    if (bytes !== item.size)
      throw this.#damagedEntry(name, `it unpacks to another size than ${item.size} bytes`);
    if (sum !== item.crc32) throw this.#damagedEntry(name, 'its checksum is wrong');
  }

  #damagedEntry(name: ByteString, detail: string): ArchiveError {
    return refusedEntry(this.#file.path, name, `it is damaged: ${detail}`);
  }

  #unpacked(
    item: ZipItem,
    dataStart: number,
    meter: UnpackMeter,
  ): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    const { path } = this.#file;
    if (Math.max(item.packedBytes, item.size) <= wholeBytesMax) {
      const packed = this.#file.read(dataStart, item.packedBytes);
      meter.addPacked(packed.length);
      return item.method === methodStored ? [Buffer.from(packed)] : [inflateWhole(packed, item.size, path)];
    }
    const place = { start: dataStart, end: dataStart + item.packedBytes };
    if (item.method === methodStored) return meter.counted(this.#file.pieces(place));
    return unpack(meter.counted(this.#file.pieces({ ...place, bytes: packedPieceBytes })), 'deflate', path);
  }
}

/** Inflates all of `packed`; a result longer than `size` is cut after one byte more, which the caller sees. */
function inflateWhole(packed: Buffer, size: number, archive: string): Buffer {
  try {
    const result = inflateRawSync(packed, { maxOutputLength: size + 1, info: true }) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    if (result.engine.bytesWritten === packed.length) return result.buffer;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return Buffer.alloc(size + 1);
    throw unpackError(error, 'deflate', archive);
  }
  throw damaged(archive, 'bytes follow the end of its deflate data');
}

/** Index of the first value above `value`, or the length. */
function indexAbove(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A content that says so when it is asked for a second time, instead of being empty then. */
function readOnce(make: () => AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  let isTaken = false;
  return {
    [Symbol.asyncIterator]() {
      invariant(!isTaken, 'the content of an archive entry was asked for twice');
      isTaken = true;
      return make();
    },
  };
}

async function* none(): AsyncGenerator<Uint8Array> {}

function methodProblem(item: ZipItem): string | undefined {
  if (item.isEncrypted) return 'it is encrypted';
  if (item.method !== methodStored && item.method !== methodDeflated) {
    return `it is compressed with method ${item.method}; only 0 (stored) and 8 (deflate) are read`;
  }
  return undefined;
}

function typeOf(item: ZipItem, name: ByteString): RawEntry['type'] {
  const type = unixTypes.get(item.unixMode & typeBits) ?? 'special';
  if (type !== 'file') return type;
  return name.endsWith('/') || (!item.isUnix && item.isDosFolder) ? 'directory' : 'file';
}

/**
 * The name with slashes. A backslash is a plain character in names made on Unix; elsewhere it is a separator, when the whole
 * archive uses it as one.
 */
function separated(archive: string, { name, isUnix }: ZipItem, survey: Survey): ByteString {
  if (isUnix || !name.includes('\\')) return name;
  if (survey.hasSlashes) {
    throw refusedEntry(archive, name, 'the archive uses both / and \\ between the parts of names');
  }
  return name.replaceAll('\\', '/') as ByteString;
}
