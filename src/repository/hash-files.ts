/** A task of a thread: files are read and hashed. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createHasher, hashBytes } from '../codec/hash.ts';
import { liveFileFlags } from '../io/files.ts';
import { errnoOf } from '../model/errors.ts';
import { idBytes } from '../model/ids.ts';
import { type ByteString, fsPath } from '../model/paths.ts';
import { stampBytes } from '../model/store.ts';
import type { HashTask } from './frame-threads.ts';

const pieceBytes = 1024 * 1024;
let buffer: Buffer | undefined;

/** The hash of each file; zeros for one that is not what its stamp says when it has been read, or could not be. `goesOn` is told of each piece. */
export function hashFiles({ paths, stamps }: HashTask, goesOn: () => boolean): Uint8Array<ArrayBuffer> {
  const files = paths.split('\0') as ByteString[];
  const hashes = new Uint8Array(idBytes * files.length);
  for (const [number, path] of files.entries()) {
    if (!goesOn()) break;
    const stamp = stamps.slice(stampBytes * number, stampBytes * (number + 1));
    const hash = hashOf(path, new BigInt64Array(stamp.buffer), goesOn);
    if (hash !== undefined) hashes.set(hash, idBytes * number);
  }
  return hashes;
}

function hashOf(path: ByteString, stamp: BigInt64Array, goesOn: () => boolean): Uint8Array | undefined {
  try {
    const fd = openSync(fsPath(path), liveFileFlags);
    try {
      const hash = hashOfOpen(fd, Number(stamp[0]), goesOn);
      return isAsStamped(fd, stamp) ? hash : undefined;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined; // who asked reads it, and learns what is wrong
  }
}

function hashOfOpen(fd: number, size: number, goesOn: () => boolean): Uint8Array | undefined {
  buffer ??= Buffer.allocUnsafeSlow(pieceBytes);
  const first = readSync(fd, buffer, 0, Math.min(size, pieceBytes), null);
  if (first === size) return hashBytes(buffer.subarray(0, size));
  const hasher = createHasher();
  for (let total = 0, count = first; count > 0; count = readSync(fd, buffer, 0, pieceBytes, null)) {
    hasher.update(buffer.subarray(0, count));
    total += count;
    if (total >= size) return hasher.digest();
    if (!goesOn()) break;
  }
  return undefined;
}

/** All that a write, or another file in its place, would have changed. */
function isAsStamped(fd: number, [size, mtimeNs, ctimeNs, ino]: BigInt64Array): boolean {
  const stat = fstatSync(fd, { bigint: true });
  const isSame = stat.size === size && stat.mtimeNs === mtimeNs && stat.ctimeNs === ctimeNs;
  return isSame && BigInt.asIntN(64, stat.ino) === ino;
}
