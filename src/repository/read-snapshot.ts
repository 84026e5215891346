/** One snapshot file read: a snapshot, or why it is none. */
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RepositoryKeys } from '../codec/keys.ts';
import { decodeSnapshot, sealedSequence, snapshotFileName } from '../codec/snapshot-codec.ts';
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

/** The highest that these files say themselves, which nothing but their checksums proves: an order, and no more. 0 without any. */
export function lastSealedSequence(folder: string, names: Iterable<string>): number {
  let last = 0;
  for (const name of names) {
    try {
      last = Math.max(last, sealedSequence(readFileSync(join(folder, name)), `snapshot file ${name}`));
    } catch (error) {
      if (!(error instanceof DamageError) && errnoOf(error) === undefined) throw error;
      // Damaged, or forgotten meanwhile: who can read will be told by a check.
    }
  }
  return last;
}

/** They say nothing of the file: this process has too much open, or the machine too little memory. */
const passingErrnos: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** The system does not let us read the file, which may be sound: no repair may take it out of use. */
export function isRefusal(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && errno !== 'EIO' && errno !== 'ENOENT';
}
