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
} from 'node:fs';
import { fsPath } from '../model/paths.ts';
import { isHole } from '../model/pieces.ts';
import type { FileAttributes, FilePlace } from '../model/store.ts';
import { removeFile, writeFully } from './files.ts';

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/**
 * The file in place is untouched until the pieces have come to their end: whoever gives them throws where they are not what they should be.
 */
export function placeFile(place: FilePlace, pieces: Iterable<Uint8Array>): void {
  const { path, temporary, attributes, obsolete } = place;
  const fd = openSync(fsPath(temporary), createFlags, 0o600);
  try {
    writePieces(fd, pieces);
    setFileAttributes(fd, attributes);
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
  // At once: in a moment it may belong to the new one.
  for (const one of obsolete) removeFile(fsPath(one));
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // It was closed before the step that failed; that failure is the one that is reported.
  }
}

function writePieces(fd: number, pieces: Iterable<Uint8Array>): void {
  let position = 0;
  let hasHole = false;
  for (const piece of pieces) {
    if (isHole(piece)) hasHole = true;
    else writeFully(fd, piece, position);
    position += piece.length;
  }
  if (hasHole) ftruncateSync(fd, position); // one at the end has no byte that was written
}

/** For `fs`. Node takes a negative number for "now", but not a negative number in text. */
export function timeOf(seconds: number): number | string {
  return seconds < 0 ? String(seconds) : seconds;
}

/** Mode last: until then only the owner can open the file. */
export function setFileAttributes(fd: number, { owner, mtime, mode }: FileAttributes): void {
  if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
  futimesSync(fd, timeOf(mtime), timeOf(mtime));
  fchmodSync(fd, mode);
}
