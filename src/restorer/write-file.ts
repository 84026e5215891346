/** One file put in place: a temporary name beside it, all bytes, times and mode, fsync, rename. */

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { createHasher } from '../codec/hash.ts';
import { hashOfContent } from '../codec/node-codec.ts';
import { removeFile } from '../io/files.ts';
import { DamageError } from '../model/errors.ts';
import { asBuffer } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { type ByteString, fsPath } from '../model/paths.ts';
import type { ContentReader } from '../model/store.ts';
import type { FileNode, TreeNode } from '../model/tree.ts';

export interface WriteOptions {
  /** Bits that an existing file did not have are not given to the new one. */
  readonly modeLimit: number;
  readonly setOwner: boolean;
  readonly onBytes: (bytes: number) => void;
}

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** @throws DamageError when the stored bytes are not what they should be; the file in place is then untouched */
export function writeFileInPlace(
  path: ByteString,
  temporary: ByteString,
  node: FileNode,
  content: ContentReader,
  options: WriteOptions,
): void {
  const fd = openSync(fsPath(temporary), createFlags, 0o600);
  try {
    writeContent(fd, node, content, options.onBytes);
    setFileAttributes(fd, node, options);
    fsyncSync(fd);
    closeSync(fd);
  } catch (error) {
    closeQuietly(fd);
    removeFile(fsPath(temporary));
    throw error;
  }
  try {
    renameSync(fsPath(temporary), fsPath(path));
  } catch (error) {
    removeFile(fsPath(temporary));
    throw error;
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // It was closed before the step that failed; that failure is the one that is reported.
  }
}

function writeContent(
  fd: number,
  node: FileNode,
  content: ContentReader,
  onBytes: (bytes: number) => void,
): void {
  // A file of one blob was verified whole when the blob was read.
  const hasher = node.content.kind === 'blob' || node.content.kind === 'inline' ? undefined : createHasher();
  let position = 0;
  let hasHole = false;
  for (const piece of gathered(content.readContent(node))) {
    hasher?.update(piece);
    if (isHole(piece)) hasHole = true;
    else writeAt(fd, piece, position);
    position += piece.length;
    onBytes(piece.length);
  }
  if (position !== node.size)
    throw new DamageError('file content', `is ${position} bytes, want ${node.size}`);
  if (hasHole) ftruncateSync(fd, node.size); // one at the end has no byte that was written
  const wanted = hashOfContent(node.content);
  if (hasher !== undefined && asBuffer(hasher.digest()).toString('hex') !== wanted) {
    throw new DamageError('file content', 'its hash is not that of the file that was stored');
  }
}

const gatherBuffer = Buffer.allocUnsafe(256 * 1024);
/** Copying these is quicker than a write of each. */
const smallBytesMax = 32 * 1024;

/** The same bytes, but small pieces that follow one another as one: a database comes page by page. Holes stay apart. */
function* gathered(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  let held = 0;
  for (const piece of pieces) {
    const isSmall = piece.length <= smallBytesMax && !isHole(piece);
    if (held > 0 && (!isSmall || held + piece.length > gatherBuffer.length)) {
      yield gatherBuffer.subarray(0, held);
      held = 0;
    }
    if (!isSmall) yield piece;
    else {
      gatherBuffer.set(piece, held);
      held += piece.length;
    }
  }
  if (held > 0) yield gatherBuffer.subarray(0, held);
}

const zeros = Buffer.alloc(limits.holeBytes);

function isHole(piece: Uint8Array): boolean {
  if (piece.length < zeros.length || piece[0] !== 0) return false;
  for (let at = 0; at < piece.length; at += zeros.length) {
    const part = piece.subarray(at, at + zeros.length);
    if (!zeros.subarray(0, part.length).equals(part)) return false;
  }
  return true;
}

function writeAt(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** Mode last: until then only the owner can open the file. */
export function setFileAttributes(
  fd: number,
  node: FileNode,
  options: Pick<WriteOptions, 'modeLimit' | 'setOwner'>,
): void {
  if (options.setOwner) fchownSync(fd, node.uid, node.gid);
  const seconds = secondsOf(node);
  futimesSync(fd, seconds, seconds);
  fchmodSync(fd, modeOf(node, options.setOwner) & (0o7000 | options.modeLimit));
}

/** Set-user-id and its like only where owners are restored too. */
export function modeOf(node: TreeNode, setOwner: boolean): number {
  return node.mode & (setOwner ? 0o7777 : 0o777);
}

/** As precise as Node can set it: about a microsecond. */
export function secondsOf(node: TreeNode): string {
  // As text: Node takes a negative number for "now", but not a negative number in text.
  return String(Number(node.mtimeNs) / 1e9);
}
