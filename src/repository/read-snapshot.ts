/** One snapshot file read: a snapshot, or why it is none. */
import { lstatSync, readFileSync, statSync } from 'node:fs';
import type { RepositoryKeys } from '../codec/keys.ts';
import { decodeSnapshot, snapshotFileName } from '../codec/snapshot-codec.ts';
import { DamageError, ExuviaError, errnoOf, FileSystemError, messageOf } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** Undefined when the file is not there any more: it was forgotten since the folder was listed. @throws what says nothing of the file */
export function readSnapshotFile(
  path: string,
  name: string,
  id: SnapshotId,
  keys: RepositoryKeys | undefined,
): Snapshot | DamageError | undefined {
  try {
    const bytes = statSync(path).size;
    if (bytes > limits.snapshotFileBytesMax) throw new DamageError(`snapshot file ${name}`, `${bytes} bytes`);
    const snapshot = decodeSnapshot(readFileSync(path), `snapshot file ${name}`, keys);
    if (snapshot.id !== id || snapshotFileName(snapshot.time, id) !== name)
      throw new DamageError(`snapshot file ${name}`, 'holds another snapshot');
    return snapshot;
  } catch (error) {
    if (error instanceof DamageError) return error;
    if (error instanceof ExuviaError) throw error;
    if (errnoOf(error) === 'ENOENT' && lstatSync(path, { throwIfNoEntry: false }) === undefined)
      return undefined;
    if (passingErrnos.has(errnoOf(error) ?? '')) throw new FileSystemError('read', path, error);
    return new DamageError(`snapshot file ${name}`, messageOf(error), error);
  }
}

/** They say nothing of the file: this process has too much open, or the machine too little memory. */
const passingErrnos: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** The system does not let us read the file, which may be sound: no repair may take it out of use. */
export function isRefusal(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && errno !== 'EIO' && errno !== 'ENOENT';
}
