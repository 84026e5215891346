/** Whether a file in place has the bytes that a node describes. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { createHasher } from '../codec/hash.ts';
import { hashOfContent } from '../codec/node-codec.ts';
import { errnoOf } from '../model/errors.ts';
import { asBuffer, type BlobId } from '../model/ids.ts';
import { fsPath } from '../model/paths.ts';
import type { FileStamp, FileToCompare } from '../model/store.ts';
import type { FileContent } from '../model/tree.ts';

const pieceBytes = 1024 * 1024;
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * False also for a file that cannot be read: what is not known to be the same is written. `idOfHash` is the repository's: a
 * file of one blob is named by the blob's id. `onPiece` is called now and then.
 */
export function hasContent(
  { path, content, stat }: Omit<FileToCompare, 'stat'> & Partial<Pick<FileToCompare, 'stat'>>,
  idOfHash: (hash: Uint8Array) => BlobId,
  onPiece: () => void = () => {},
): boolean {
  let fd: number;
  try {
    fd = openSync(fsPath(path), flags);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
  try {
    if (stat !== undefined && !isStamped(fd, stat)) return false;
    if (!areBytesOf(fd, content, idOfHash, onPiece)) return false;
    return stat === undefined || isStamped(fd, stat);
  } finally {
    closeSync(fd);
  }
}

function areBytesOf(
  fd: number,
  content: FileContent,
  idOfHash: (hash: Uint8Array) => BlobId,
  onPiece: () => void,
): boolean {
  if (content.kind === 'inline') return readAll(fd, content.bytes.length + 1).equals(content.bytes);
  const hash = hashOf(fd, onPiece);
  const found = content.kind === 'blob' ? idOfHash(hash) : asBuffer(hash).toString('hex');
  return found === hashOfContent(content);
}

function isStamped(fd: number, stat: FileStamp): boolean {
  const found = fstatSync(fd, { bigint: true });
  return (
    found.isFile() &&
    found.size === stat.size &&
    found.mtimeNs === stat.mtimeNs &&
    found.ctimeNs === stat.ctimeNs &&
    found.ino === stat.ino
  );
}

function readAll(fd: number, bytesMax: number): Buffer {
  const buffer = Buffer.alloc(bytesMax);
  return buffer.subarray(0, readSync(fd, buffer, 0, bytesMax, 0));
}

let piece: Buffer | undefined;

function hashOf(fd: number, onPiece: () => void): Uint8Array {
  piece ??= Buffer.allocUnsafe(pieceBytes); // once: each would be taken from the system and given back
  const hasher = createHasher();
  for (let count = readSync(fd, piece); count > 0; count = readSync(fd, piece)) {
    hasher.update(piece.subarray(0, count));
    onPiece();
  }
  return hasher.digest();
}
