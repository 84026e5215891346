/** Bringing the index in line with the packs that are there. */
import { DamageError } from '../model/errors.ts';
import type { PackId } from '../model/ids.ts';
import { type Database, inTransaction } from './database.ts';
import type { RepositoryLayout } from './layout.ts';
import { listPackFiles, packFileBytes, readPackDirectory } from './pack-files.ts';
import type { PackIndex } from './pack-index.ts';

/**
 * Adds packs the index does not know (copied here, made by another machine, or published just before a crash). When
 * packs have gone, or have another length, the index is filled anew: a row that promises a blob which is not there would lose data.
 * Returns what could not be read.
 */
export function synchronizePackIndex(
  layout: RepositoryLayout,
  database: Database,
  index: PackIndex,
): readonly DamageError[] {
  const onDisk = listPackFiles(layout);
  const known = index.listPacks();
  const isChanged = [...known].some(([id, bytes]) => !onDisk.has(id) || packFileBytes(layout, id) !== bytes);
  if (isChanged) return rebuildPackIndex(layout, database, index);
  const fresh = [...onDisk].filter((id) => !known.has(id));
  return fresh.length === 0 ? [] : addPacks(layout, database, index, fresh);
}

export function rebuildPackIndex(
  layout: RepositoryLayout,
  database: Database,
  index: PackIndex,
): readonly DamageError[] {
  // What is known of files goes with it: it may refer to blobs that have gone, which are then stored anew.
  inTransaction(database, () => index.clear());
  return addPacks(layout, database, index, [...listPackFiles(layout)]);
}

function addPacks(
  layout: RepositoryLayout,
  database: Database,
  index: PackIndex,
  ids: readonly PackId[],
): readonly DamageError[] {
  const damaged: DamageError[] = [];
  inTransaction(database, () => {
    for (const id of ids) {
      try {
        const { directory, packBytes } = readPackDirectory(layout, id);
        index.addPack(directory, packBytes);
      } catch (error) {
        // A damaged pack must not keep the others from being used.
        if (!(error instanceof DamageError)) throw error;
        damaged.push(error);
      }
    }
  });
  return damaged;
}
