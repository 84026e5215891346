/** Builds archives byte by byte, so that a test can write what no honest program would, and reads them whole. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { ArchiveError } from '../../src/model/errors.ts';
import type { ArchiveLimits } from '../../src/portable/archive-limits.ts';
import {
  type ArchiveEntry,
  type ArchiveFormat,
  openArchive,
  type SkippedEntry,
} from '../../src/portable/archive-reader.ts';

export interface CraftedTarEntry {
  readonly name?: string | Buffer;
  /** Type flag; '0' when not given. */
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds. */
  readonly mtime?: number;
  readonly link?: string | Buffer;
  readonly content?: string | Buffer;
  /** What the header says, where it is not the content's length. */
  readonly size?: number;
  /** Bytes written over the finished header before its checksum is computed: [offset, bytes]. */
  readonly patches?: readonly (readonly [number, Buffer | string])[];
  readonly checksum?: string;
  readonly magic?: 'ustar' | 'gnu' | 'none';
  readonly prefix?: string;
}

const magics = { ustar: 'ustar\x0000', gnu: 'ustar  \0', none: '' } as const;

export function bytesOf(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text;
}

/** One header block of 512 bytes, with a right checksum unless told otherwise. */
export function tarHeader(entry: CraftedTarEntry): Buffer {
  const block = Buffer.alloc(512);
  const content = bytesOf(entry.content ?? '');
  bytesOf(entry.name ?? 'file.txt').copy(block, 0, 0, 100);
  block.write(octal(entry.mode ?? 0o644, 7), 100);
  block.write(octal(entry.uid ?? 1000, 7), 108);
  block.write(octal(entry.gid ?? 1000, 7), 116);
  block.write(octal(entry.size ?? content.length, 11), 124);
  block.write(octal(entry.mtime ?? 1_700_000_000, 11), 136);
  block.write(entry.type ?? '0', 156, 'latin1');
  bytesOf(entry.link ?? '').copy(block, 157, 0, 100);
  block.write(magics[entry.magic ?? 'ustar'], 257, 'latin1');
  block.write(entry.prefix ?? '', 345);
  for (const [offset, bytes] of entry.patches ?? []) bytesOf(bytes).copy(block, offset);
  block.write(entry.checksum ?? tarChecksum(block), 148, 'latin1');
  return block;
}

function tarChecksum(block: Buffer): string {
  let sum = 8 * 32;
  for (let index = 0; index < 512; index++) if (index < 148 || index >= 156) sum += block[index]!;
  return `${octal(sum, 6)}\0 `;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** Header, content and padding. */
export function tarEntry(entry: CraftedTarEntry): Buffer {
  return Buffer.concat([tarHeader(entry), padded(bytesOf(entry.content ?? ''))]);
}

export function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), bytesOf(value), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** An extended header that says `records` of the next entry (type x) or of all that follow (type g). */
export function paxHeader(records: Readonly<Record<string, string | Buffer>>, type = 'x'): Buffer {
  const content = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)));
  return tarEntry({ name: 'PaxHeader', type, content });
}

/** A GNU header with the next entry's long name (type L) or link target (type K). */
export function gnuLong(text: string | Buffer, type = 'L'): Buffer {
  const content = Buffer.concat([bytesOf(text), Buffer.alloc(1)]);
  return tarEntry({ name: '././@LongLink', type, magic: 'gnu', content });
}

export const tarEnd = Buffer.alloc(1024);

/** A whole archive; pieces that are bytes are taken as they are. */
export function tarArchive(...pieces: readonly (CraftedTarEntry | Buffer)[]): Buffer {
  const parts = pieces.map((piece) => (Buffer.isBuffer(piece) ? piece : tarEntry(piece)));
  return Buffer.concat([...parts, tarEnd]);
}

export interface CraftedZipEntry {
  readonly name: string | Buffer;
  readonly content?: string | Buffer;
  /** 0 stored, 8 deflate. */
  readonly method?: number;
  readonly flags?: number;
  /** Upper byte of "version made by": 0 FAT, 3 Unix, 10 NTFS. */
  readonly host?: number;
  /** Type and permissions, for a Unix host. */
  readonly unixMode?: number;
  readonly dosAttributes?: number;
  readonly dosDate?: number;
  readonly dosTime?: number;
  readonly extra?: Buffer;
  readonly localName?: string;
  readonly crc?: number;
  readonly size?: number;
  readonly packedSize?: number;
  /** The offset the directory says, where it is not the real one. */
  readonly offset?: number;
  /** Bytes instead of the compressed content. */
  readonly packed?: Buffer;
}

export interface CraftedZipEnd {
  readonly entryCount?: number;
  readonly comment?: string;
  readonly after?: Buffer;
}

/** A zip with local headers, contents, directory and end record. */
export function zipArchive(entries: readonly CraftedZipEntry[], end: CraftedZipEnd = {}): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const local = zipLocal(entry);
    directory.push(zipDirectoryRecord(entry, offset));
    locals.push(local);
    offset += local.length;
  }
  const comment = Buffer.from(end.comment ?? '');
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(end.entryCount ?? entries.length, 8);
  record.writeUInt16LE(end.entryCount ?? entries.length, 10);
  record.writeUInt32LE(Buffer.concat(directory).length, 12);
  record.writeUInt32LE(offset, 16);
  record.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...locals, ...directory, record, comment, end.after ?? Buffer.alloc(0)]);
}

function packedOf(entry: CraftedZipEntry): Buffer {
  const content = bytesOf(entry.content ?? '');
  return entry.packed ?? (entry.method === 8 ? deflateRawSync(content) : content);
}

function zipLocal(entry: CraftedZipEntry): Buffer {
  const name = bytesOf(entry.localName ?? entry.name);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  writeZipFields(header, 6, entry, name.length);
  return Buffer.concat([header, name, entry.extra ?? Buffer.alloc(0), packedOf(entry)]);
}

function zipDirectoryRecord(entry: CraftedZipEntry, offset: number): Buffer {
  const name = bytesOf(entry.name);
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE(((entry.host ?? 3) << 8) | 20, 4);
  record.writeUInt16LE(20, 6);
  writeZipFields(record, 8, entry, name.length);
  const attributes = (entry.unixMode ?? 0) * 0x10000 + (entry.dosAttributes ?? 0);
  record.writeUInt32LE(attributes, 38);
  record.writeUInt32LE(entry.offset ?? offset, 42);
  return Buffer.concat([record, name, entry.extra ?? Buffer.alloc(0)]);
}

/** The fields that local header and directory record share, from the flags to the length of the extra field. */
function writeZipFields(target: Buffer, at: number, entry: CraftedZipEntry, nameBytes: number): void {
  const content = bytesOf(entry.content ?? '');
  target.writeUInt16LE(entry.flags ?? 0, at);
  target.writeUInt16LE(entry.method ?? 0, at + 2);
  target.writeUInt16LE(entry.dosTime ?? 0, at + 4);
  target.writeUInt16LE(entry.dosDate ?? 0x5821, at + 6);
  target.writeUInt32LE(entry.crc ?? crc32(content), at + 8);
  target.writeUInt32LE(entry.packedSize ?? packedOf(entry).length, at + 12);
  target.writeUInt32LE(entry.size ?? content.length, at + 16);
  target.writeUInt16LE(nameBytes, at + 20);
  target.writeUInt16LE(entry.extra?.length ?? 0, at + 22);
}

export interface ReadEntry extends ArchiveEntry {
  readonly content: Buffer;
}

export interface ReadArchive {
  readonly format: ArchiveFormat;
  readonly entries: readonly ReadEntry[];
  readonly skipped: readonly SkippedEntry[];
}

/** Everything in the archive, in its order. */
export async function readArchive(path: string, limits: Partial<ArchiveLimits> = {}): Promise<ReadArchive> {
  await using reader = await openArchive(path, limits);
  const entries: ReadEntry[] = [];
  for await (const { entry, content } of reader.entries()) {
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(piece);
    entries.push({ ...entry, content: Buffer.concat(pieces) });
  }
  return { format: reader.format, entries, skipped: reader.skipped };
}

/** A folder of its own for the archives of one test, removed afterwards. */
export class ArchiveFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'exuvia-archives-'));

  at(name: string): string {
    return join(this.path, name);
  }

  write(name: string, bytes: Buffer): string {
    writeFileSync(this.at(name), bytes);
    return this.at(name);
  }

  /** Runs a program of the machine in the folder. */
  run(program: string, ...args: string[]): Buffer {
    return execFileSync(program, args, { cwd: this.path, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Reads `bytes` as an archive named `name`. */
export async function readBytes(bytes: Buffer, limits: Partial<ArchiveLimits> = {}): Promise<ReadArchive> {
  using folder = new ArchiveFolder();
  return await readArchive(folder.write('test.archive', bytes), limits);
}

/** Asserts that reading `bytes` ends in an ArchiveError whose message matches. */
export async function refuses(
  bytes: Buffer,
  message: RegExp,
  limits: Partial<ArchiveLimits> = {},
): Promise<void> {
  await assert.rejects(readBytes(bytes, limits), (error) => {
    assert.ok(error instanceof ArchiveError, `not an ArchiveError: ${String(error)}`);
    assert.match(error.message, message);
    return true;
  });
}

/** Whether `program` runs on this machine. */
export function hasProgram(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}
