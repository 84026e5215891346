/**
 * What lies at a database's path, seen by plain file calls.
 *
 * POSIX takes away all locks that a process holds on a file when it closes any descriptor of it. So these functions
 * must not run while this process has a SQLite connection to the same database, and never touch a `-shm`.
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { errnoOf } from '../model/errors.ts';
import { type ByteString, byteStringFromLatin1, fsPath } from '../model/paths.ts';
import { isSqliteHeader } from '../model/sqlite-names.ts';

/** One file as `stat` saw it. Equal prints at two moments mean that nobody wrote in between (see `isSettled`). */
export interface FilePrint {
  readonly bytes: number;
  readonly inode: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly linkCount: number;
}

export interface Survey {
  readonly main: FilePrint;
  readonly wal: FilePrint | undefined;
  readonly shm: FilePrint | undefined;
  readonly journal: FilePrint | undefined;
  /** The header's read or write version says write-ahead log. */
  readonly walFlag: boolean;
}

// Of the database header:
//  0 – "SQLite format 3\0"
// 18 – write version, 19 – read version: 1 rollback journal, 2 write-ahead log
const writeVersionOffset = 18;
const readVersionOffset = 19;
const headerBytes = 100;
const walVersion = 2;

/** Times may be this coarse: a write within it of another one may leave the same time. ext4 and xfs: 4 to 10 ms. */
export const settleMs = 25;

/** What lies at `path`; undefined when it is no regular file, or does not begin as a database. Throws what `stat` and `open` throw. */
export function surveyDatabase(path: ByteString): Survey | undefined {
  // A pipe of that name must not make us wait for somebody to write to it.
  const fd = openSync(fsPath(path), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(fd, { bigint: true });
    const header = stats.isFile() ? readHeader(fd) : Buffer.alloc(0);
    if (header.length < headerBytes || !isSqliteHeader(header)) return undefined;
    return { main: printOf(stats), ...surveySidecars(path), walFlag: hasWalFlag(header) };
  } finally {
    closeSync(fd);
  }
}

function surveySidecars(path: ByteString): Pick<Survey, 'wal' | 'shm' | 'journal'> {
  return { wal: printAt(path, '-wal'), shm: printAt(path, '-shm'), journal: printAt(path, '-journal') };
}

function readHeader(fd: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  return header.subarray(0, readSync(fd, header, 0, headerBytes, 0));
}

function hasWalFlag(header: Uint8Array): boolean {
  return header[writeVersionOffset] === walVersion || header[readVersionOffset] === walVersion;
}

/**
 * Whether committed pages may be outside the file. Asked while a read transaction is open, the answer holds until its
 * end: the mode changes only under an exclusive lock. (SQLite itself tells only to who can read the schema.)
 */
export function mayUseLog(fd: number, path: ByteString): boolean {
  return hasWalFlag(readHeader(fd)) || printAt(path, '-wal') !== undefined;
}

export function sidecarPath(path: ByteString, suffix: '-wal' | '-shm' | '-journal'): ByteString {
  return byteStringFromLatin1(path + suffix);
}

function printAt(path: ByteString, suffix: '-wal' | '-shm' | '-journal'): FilePrint | undefined {
  try {
    return printOf(statSync(fsPath(sidecarPath(path, suffix)), { bigint: true }));
  } catch (error) {
    // A name that is too long with its suffix cannot be there either.
    if (['ENOENT', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

function printOf(stats: BigIntStats): FilePrint {
  return {
    bytes: Number(stats.size),
    inode: stats.ino,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    linkCount: Number(stats.nlink),
  };
}

/** Whether nothing that holds content was written to between two surveys. A `-shm` holds none. */
export function isUnchanged(before: Survey, after: Survey): boolean {
  return (
    samePrint(before.main, after.main) &&
    samePrint(before.wal, after.wal) &&
    samePrint(before.journal, after.journal)
  );
}

function samePrint(a: FilePrint | undefined, b: FilePrint | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.bytes === b.bytes && a.inode === b.inode && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

/** Whether the last write is long enough ago that one more would show in the times. */
export function isSettled(survey: Survey, nowMs: number): boolean {
  return [survey.main, survey.wal, survey.journal].every(
    (print) => print === undefined || Math.abs(nowMs - Number(print.ctimeNs / 1_000_000n)) > settleMs,
  );
}

/**
 * Whether a read-only connection makes no file beside the source. One to a database in WAL mode makes the missing
 * `-wal` and `-shm`, and as it may not delete them either, leaves them there.
 */
export function opensWithoutTrace(survey: Survey): boolean {
  const usesWal = survey.walFlag || survey.wal !== undefined;
  return !usesWal || (survey.wal !== undefined && survey.shm !== undefined);
}

/** Whether a transaction may be under way whose undo or redo is in a file: then a copy of all files can be recovered. */
export function hasRecoveryFile(survey: Survey): boolean {
  return survey.wal !== undefined || survey.journal !== undefined;
}

/** Most that a copy of the database and its log can take. */
export function copyBytesMax(survey: Survey): number {
  return survey.main.bytes + (survey.wal?.bytes ?? 0) + (survey.journal?.bytes ?? 0);
}
