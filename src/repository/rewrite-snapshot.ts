/** A snapshot file that is damaged, written again. */
import { join } from 'node:path';
import { encodeSnapshot, snapshotFileName } from '../codec/snapshot-codec.ts';
import { publishFile } from '../io/files.ts';
import type { DamageError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { RepositoryLayout } from './layout.ts';

/** A snapshot file that cannot be read, and what the index knows of it. */
export interface DamagedSnapshot {
  readonly id: SnapshotId;
  readonly name: string;
  readonly error: DamageError;
  readonly known: Snapshot | undefined;
}

/** From what the index knows of it. False when that gives other bytes than it had. */
export function rewriteSnapshotFile(
  layout: RepositoryLayout,
  { name, id, known }: DamagedSnapshot,
  temporary: string,
): boolean {
  if (known === undefined) return false;
  const { id: _id, ...record } = known;
  if (snapshotFileName(record.time, id) !== name) return false;
  const encoded = [false, true]
    .map((isCompressed) => encodeSnapshot(record, layout.keyring?.keys, isCompressed))
    .find((one) => one.id === id);
  if (encoded === undefined) return false;
  publishFile(join(layout.snapshots, name), encoded.bytes, temporary);
  return true;
}
