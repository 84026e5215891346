/** The file-system primitives that durability rests on. Everything written here is 0600 or 0700 from its first byte. */
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  type PathLike,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf, FileSystemError } from '../model/errors.ts';

/** For a file that others may change: a pipe put in its place must not hang the run, and a link must not lead elsewhere. */
export const liveFileFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export const privateFileMode = 0o600;
export const privateFolderMode = 0o700;

/** Runs `work`; an error of the operating system becomes a FileSystemError that says what was done to which path. */
export function withPath<T>(action: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (errnoOf(error) === undefined || error instanceof FileSystemError) throw error;
    throw new FileSystemError(action, path, error);
  }
}

/**
 * Makes `path` and what is missing above it, readable by nobody else. Step by step: Node's own recursive call never ends
 * where a parent exists and yet nothing can be made in it, as in /proc.
 */
export function makePrivateFolder(path: string): void {
  if (isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) makePrivateFolder(parent);
  withPath('create folder', path, () => {
    try {
      mkdirSync(path, { mode: privateFolderMode });
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || !isFolder(path)) throw error; // another process was quicker
    }
  });
}

/** Makes the names in `folder` durable. Windows has no such call: its file systems journal names. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  withPath('sync folder', folder, () => {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}

/** Makes the name of `path` durable, and those of the folders it is in: any of them may be new. */
export function syncFoldersAbove(path: string): void {
  for (let at = path; dirname(at) !== at; at = dirname(at)) {
    try {
      syncFolder(dirname(at));
    } catch (error) {
      // A folder that may not be opened or synced is not ours, so it was not made a moment ago.
      if (!(error instanceof FileSystemError) || lossErrnos.has(error.errno)) throw error;
      return;
    }
  }
}

/** What was to become durable may be lost. */
const lossErrnos: ReadonlySet<string> = new Set(['EIO', 'ENOSPC', 'EDQUOT']);

/** Writes all of `bytes` at `position`: a short write is continued, not taken for success. */
export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** Creates a new file that only its owner can read, open to be written and read; never follows or overwrites what is there. */
export function createPrivateFile(path: string): number {
  const fd = openSync(path, 'wx+', privateFileMode);
  if (process.platform !== 'win32') fchmodSync(fd, privateFileMode); // whatever the umask took away
  return fd;
}

/**
 * Puts `bytes` at `path` so that a crash leaves the old file, no file or the whole new one: temporary name, fsync,
 * rename, fsync of the folder. `temporary` must be on the same file system.
 */
export function publishFile(path: string, bytes: Uint8Array, temporary: string): void {
  withPath('write', path, () => {
    const fd = createPrivateFile(temporary);
    try {
      writeFully(fd, bytes, 0);
      fsyncSync(fd);
    } catch (error) {
      closeSync(fd);
      removeFile(temporary);
      throw error;
    }
    closeSync(fd);
    renameInto(temporary, path);
  });
}

/** Renames and makes the new name durable. A failed rename removes the temporary file. */
export function renameInto(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    removeFile(temporary);
    throw error;
  }
  syncFolder(dirname(path));
}

/** A name beside `path` that nothing else uses. */
export function temporaryBeside(path: string, unique: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 100)}.${unique}.tmp`);
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Removes a file, if it is there. Not `rmSync`: its errors have no code. */
export function removeFile(path: PathLike): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** Removes whatever is at a path where a file of ours should be and is not: a folder, a link, a pipe. */
export function removeStranger(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile()) return false;
  withPath('remove', path, () => (stat.isDirectory() ? rmSync(path, { recursive: true }) : unlinkSync(path)));
  return true;
}

/** Removes a folder of temporary files. What cannot be removed is left to a later run: the work that is done does not fail for it. */
export function removeTemporary(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
  }
}
