/** The central directory of a zip, read by yauzl, as checked and decoded items. */
import type * as Yauzl from 'yauzl';
import { ArchiveError } from '../model/errors.ts';
import { type ByteString, byteStringFromBytes, byteStringOf, isUtf8 } from '../model/paths.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import { cutShort, damaged, overLimit, refusedEntry } from './read-errors.ts';
import type { ArchiveFile } from './read-file.ts';

export interface ZipItem {
  /** Decoded to UTF-8 bytes where the encoding is known; separators as the archive has them. */
  readonly name: ByteString;
  /** Made on a system whose names may contain a backslash and that records permissions. */
  readonly isUnix: boolean;
  /** File type and permissions as `stat` gives them; 0 when not made on Unix. */
  readonly unixMode: number;
  readonly isDosFolder: boolean;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly crc32: number;
  readonly packedBytes: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly headerOffset: number;
  /** What yauzl needs to read the local header. */
  readonly source: YauzlEntry;
}

export interface LocalHeader {
  readonly dataStart: number;
}

/** What is used of yauzl 3; its published type declarations are those of version 2. */
interface YauzlEntry {
  readonly versionMadeBy: number;
  readonly generalPurposeBitFlag: number;
  readonly compressionMethod: number;
  readonly crc32: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  readonly externalFileAttributes: number;
  readonly relativeOffsetOfLocalHeader: number;
  readonly fileNameRaw: Buffer;
  readonly extraFields: readonly { readonly id: number; readonly data: Buffer }[];
  getLastModDate(options?: { readonly forceDosFormat?: boolean }): Date;
}

interface YauzlLocalHeader {
  readonly fileDataStart: number;
  readonly generalPurposeBitFlag: number;
  readonly compressionMethod: number;
  readonly crc32: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  readonly fileName: Buffer;
}

interface YauzlFile {
  readonly entryCount: number;
  readonly readEntryCursor: number;
  eachEntry(): AsyncIterable<YauzlEntry>;
  readLocalFileHeaderPromise(entry: YauzlEntry, options: object): Promise<YauzlLocalHeader>;
}

interface YauzlModule {
  readonly RandomAccessReader: typeof Yauzl.RandomAccessReader;
  fromRandomAccessReaderPromise(
    reader: Yauzl.RandomAccessReader,
    totalBytes: number,
    options: { readonly decodeStrings: boolean },
  ): Promise<YauzlFile>;
  getFileNameLowLevel(
    flags: number,
    name: Buffer,
    extraFields: YauzlEntry['extraFields'],
    strict: boolean,
  ): string;
}

const flagEncrypted = 0x1;
const flagSizesFollow = 0x8;
const flagUtf8 = 0x800;
const dosFolder = 0x10;
const hostUnix = 3;
const hostDarwin = 19;
/** A 32-bit field whose value is in the zip64 extra field. */
const inZip64 = 0xffffffff;
const unicodePathField = 0x7075;

/** Signatures that may follow the last entry of the directory. */
const directoryEnds: readonly number[] = [0x06054b50, 0x06064b50, 0x05054b50];

export class ZipDirectory {
  /** Offset of the directory: contents lie before it. */
  readonly start: number;
  readonly #file: ArchiveFile;
  readonly #yauzl: YauzlModule;
  readonly #zip: YauzlFile;

  private constructor(file: ArchiveFile, yauzl: YauzlModule, zip: YauzlFile) {
    this.start = zip.readEntryCursor;
    this.#file = file;
    this.#yauzl = yauzl;
    this.#zip = zip;
  }

  /** @throws ArchiveError when the directory at the end of the file is missing or wrong, or names too many entries */
  static async open(file: ArchiveFile, limits: ArchiveLimits): Promise<ZipDirectory> {
    const yauzl = (await import('yauzl')) as unknown as YauzlModule;
    const options = { decodeStrings: false };
    const zip = await explained(file.path, () =>
      yauzl.fromRandomAccessReaderPromise(accessTo(file, yauzl), file.size, options),
    );
    if (zip.entryCount > limits.entriesMax) {
      throw overLimit(file.path, `it names ${zip.entryCount} entries`, 'entriesMax', limits.entriesMax);
    }
    return new ZipDirectory(file, yauzl, zip);
  }

  /** Every entry, in directory order; once. @throws ArchiveError when the directory is wrong or longer than it says */
  async *items(): AsyncGenerator<ZipItem> {
    const entries = this.#zip.eachEntry()[Symbol.asyncIterator]();
    for (;;) {
      const next = await explained(this.#file.path, () => entries.next());
      if (next.done === true) break;
      yield this.#itemOf(next.value);
    }
    const after = this.#file.read(this.#zip.readEntryCursor, 4);
    if (after.length < 4 || !directoryEnds.includes(after.readUInt32LE(0))) {
      throw damaged(this.#file.path, 'its directory holds more entries than it says');
    }
  }

  /** The header before the item's content, which must say what the directory says. */
  async localHeader(item: ZipItem): Promise<LocalHeader> {
    const { path } = this.#file;
    const header = await explained(path, () => this.#zip.readLocalFileHeaderPromise(item.source, {}));
    const difference = headerDifference(item.source, header);
    if (difference !== undefined) {
      throw refusedEntry(
        path,
        item.name,
        `its ${difference} in the directory is not that before its content`,
      );
    }
    return { dataStart: header.fileDataStart };
  }

  #itemOf(source: YauzlEntry): ZipItem {
    const host = source.versionMadeBy >>> 8;
    const isUnix = host === hostUnix || host === hostDarwin;
    return {
      name: this.#nameOf(source, isUnix),
      isUnix,
      unixMode: isUnix ? source.externalFileAttributes >>> 16 : 0,
      isDosFolder: (source.externalFileAttributes & dosFolder) !== 0,
      method: source.compressionMethod,
      isEncrypted: (source.generalPurposeBitFlag & flagEncrypted) !== 0,
      crc32: source.crc32,
      packedBytes: source.compressedSize,
      size: source.uncompressedSize,
      mtimeNs: mtimeOf(source),
      headerOffset: source.relativeOffsetOfLocalHeader,
      source,
    };
  }

  /**
   * UTF-8 where the entry says so or the bytes are; programs for macOS and Linux often forget to say it. Otherwise the bytes
   * themselves when made on Unix, and code page 437 (which the format prescribes) when not.
   */
  #nameOf(source: YauzlEntry, isUnix: boolean): ByteString {
    const raw = byteStringFromBytes(source.fileNameRaw);
    const { generalPurposeBitFlag: flags, extraFields } = source;
    const hasUnicodePath = extraFields.some((field) => field.id === unicodePathField);
    const isBytes = (flags & flagUtf8) !== 0 || isUtf8(raw) || isUnix;
    if (isBytes && !hasUnicodePath) return raw;
    const decodeFlags = isUtf8(raw) ? flags | flagUtf8 : flags;
    return byteStringOf(this.#yauzl.getFileNameLowLevel(decodeFlags, source.fileNameRaw, extraFields, true));
  }
}

/**
 * The extended timestamp (UTC) or the NTFS time where there is one. A DOS time has no time zone: it is taken for this machine's
 * local time, as unzip does.
 */
function mtimeOf(source: YauzlEntry): bigint {
  const extended = source.getLastModDate().getTime();
  const milliseconds = Number.isNaN(extended)
    ? source.getLastModDate({ forceDosFormat: true }).getTime()
    : extended;
  return BigInt(milliseconds) * 1_000_000n;
}

function headerDifference(entry: YauzlEntry, header: YauzlLocalHeader): string | undefined {
  if (!header.fileName.equals(entry.fileNameRaw)) return 'name';
  if (header.compressionMethod !== entry.compressionMethod) return 'compression';
  const flags = header.generalPurposeBitFlag;
  if (((flags ^ entry.generalPurposeBitFlag) & flagEncrypted) !== 0) return 'encryption';
  if ((flags & flagSizesFollow) !== 0) return undefined;
  if (header.crc32 !== entry.crc32) return 'checksum';
  if (![inZip64, entry.uncompressedSize].includes(header.uncompressedSize)) return 'size';
  if (![inZip64, entry.compressedSize].includes(header.compressedSize)) return 'compressed size';
  return undefined;
}

type ReadCallback = (error: Error | null, bytesRead?: number) => void;

/** yauzl's reads, from the archive's file and its read-ahead. */
function accessTo(file: ArchiveFile, yauzl: YauzlModule): Yauzl.RandomAccessReader {
  return new (class extends yauzl.RandomAccessReader {
    override read(
      buffer: Buffer,
      offset: number,
      length: number,
      position: number,
      callback: ReadCallback,
    ): void {
      let bytes: Buffer;
      try {
        bytes = position >= 0 && position < file.size ? file.read(position, length) : Buffer.alloc(0);
      } catch (error) {
        callback(error as Error);
        return;
      }
      callback(null, bytes.copy(buffer, offset));
    }
  })();
}

/** yauzl's complaints as sentences about the archive. */
async function explained<T>(archive: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof ArchiveError || 'code' in error) throw error;
    if (error.message.startsWith('End of central directory record signature not found')) {
      throw cutShort(archive, 'the directory at its end is missing', error);
    }
    throw damaged(archive, error.message, error);
  }
}
