/** Whether a file in place has the bytes that a node describes. */
import { closeSync, openSync, readSync } from 'node:fs';
import { createHasher } from '../codec/hash.ts';
import { hashOfContent } from '../codec/node-codec.ts';
import { liveFileFlags } from '../io/files.ts';
import { errnoOf } from '../model/errors.ts';
import { asBuffer, type BlobId } from '../model/ids.ts';
import { type ByteString, fsPath } from '../model/paths.ts';
import type { FileContent } from '../model/tree.ts';

const pieceBytes = 1024 * 1024;

/**
 * False also for a file that cannot be read: what is not known to be the same is written. `idOfHash` is the repository's: a
 * file of one blob is named by the blob's id.
 */
export function hasContent(
  path: ByteString,
  content: FileContent,
  idOfHash: (hash: Uint8Array) => BlobId,
): boolean {
  let fd: number;
  try {
    fd = openSync(fsPath(path), liveFileFlags);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
  try {
    if (content.kind === 'inline') return readAll(fd, content.bytes.length + 1).equals(content.bytes);
    const hash = hashOf(fd);
    const found = content.kind === 'blob' ? idOfHash(hash) : asBuffer(hash).toString('hex');
    return found === hashOfContent(content);
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, bytesMax: number): Buffer {
  const buffer = Buffer.alloc(bytesMax);
  return buffer.subarray(0, readSync(fd, buffer, 0, bytesMax, 0));
}

function hashOf(fd: number): Uint8Array {
  const hasher = createHasher();
  const buffer = Buffer.allocUnsafe(pieceBytes);
  for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer))
    hasher.update(buffer.subarray(0, count));
  return hasher.digest();
}
