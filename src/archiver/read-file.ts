/** Reading one live file: what was there when it was opened, and whether it held still. */
import { type BigIntStats, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { liveFileFlags } from '../io/files.ts';
import { type ByteString, fsPath } from '../model/paths.ts';
import { isSqliteHeader } from '../model/sqlite-names.ts';

export interface OpenSource {
  readonly stat: BigIntStats;
  /** Whether it begins like a database of SQLite. */
  isDatabase(): boolean;
  /** Fills `buffer` from `offset` up to `bytes`; returns how many there were. */
  read(buffer: Uint8Array, offset: number, bytes: number): number;
  /** Reads on from there. */
  seek(position: number): void;
  /** Whether size and times are still what they were at open. */
  isUnchanged(): boolean;
}

const head = Buffer.alloc(16);

/** @returns undefined when it is no longer a regular file. */
export async function withSource<T>(
  path: ByteString,
  work: (source: OpenSource) => Promise<T>,
): Promise<T | undefined> {
  const fd = openSync(fsPath(path), liveFileFlags);
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) return undefined;
    let position = 0;
    return await work({
      stat,
      isDatabase: () => readSync(fd, head, 0, head.length, 0) === head.length && isSqliteHeader(head),
      read: (buffer, offset, bytes) => {
        const count = readFully(fd, buffer, { offset, bytes, position });
        position += count;
        return count;
      },
      seek: (to) => {
        position = to;
      },
      isUnchanged: () => sameTimes(stat, fstatSync(fd, { bigint: true })),
    });
  } finally {
    closeSync(fd);
  }
}

/**
 * All of a file that is what the walk saw of it, and held still: a view on the buffer. Undefined for any other, and for what does not fit.
 * One look behind the bytes tells both, and saves one of the four calls.
 */
export function readSmall(path: ByteString, seen: BigIntStats, buffer: Uint8Array): Uint8Array | undefined {
  if (seen.size > buffer.length) return undefined;
  const fd = openSync(fsPath(path), liveFileFlags);
  try {
    const size = Number(seen.size);
    const isWhole = readFully(fd, buffer, { offset: 0, bytes: size, position: 0 }) === size;
    return isWhole && isAsSeen(fstatSync(fd, { bigint: true }), seen) ? buffer.subarray(0, size) : undefined;
  } finally {
    closeSync(fd);
  }
}

interface Piece {
  readonly offset: number;
  readonly bytes: number;
  readonly position: number;
}

function readFully(fd: number, buffer: Uint8Array, { offset, bytes, position }: Piece): number {
  let done = 0;
  while (done < bytes) {
    const count = readSync(fd, buffer, offset + done, bytes - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** In all that is stored of it: where a clock is coarse, a mode may change, or a file take the place of another, and times stay the same. */
function isAsSeen(now: BigIntStats, seen: BigIntStats): boolean {
  const isSameFile = now.ino === seen.ino && now.dev === seen.dev && now.nlink === seen.nlink;
  const isOwned = now.mode === seen.mode && now.uid === seen.uid && now.gid === seen.gid;
  return isSameFile && isOwned && sameTimes(seen, now);
}

function sameTimes(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
}
