/** Bringing the index in line with the packs that are there. */
import { dirname } from 'node:path';
import { syncFolder } from '../io/files.ts';
import { DamageError } from '../model/errors.ts';
import type { PackId } from '../model/ids.ts';
import { type Database, inTransaction } from './database.ts';
import { packPath, type RepositoryLayout } from './layout.ts';
import { arePackFiles, listPackFiles, packFileBytes, readPackDirectory } from './pack-files.ts';
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
  const hasOtherLength = index
    .newestPacks(lengthsLookedAtMax)
    .some(([id, bytes]) => packFileBytes(layout, id) !== bytes);
  if (hasOtherLength) return rebuildPackIndex(layout, database, index);
  if (arePackFiles(layout, index.packNames())) return [];
  // In this order: a pack is published before the index learns of it, so what is known here is in the list that follows.
  const known = index.listPacks();
  const onDisk = listPackFiles(layout);
  if ([...known.keys()].some((id) => !onDisk.has(id))) return rebuildPackIndex(layout, database, index);
  const fresh = [...onDisk].filter((id) => !known.has(id));
  return fresh.length === 0 ? [] : addPacks(layout, database, index, () => fresh);
}

/**
 * Only the newest packs are compared in length, which a power cut on a careless disk may have cut: with ten thousand of
 * them, looking at each would take longer than a backup. `check` looks at all.
 */
const lengthsLookedAtMax = 500;

export function rebuildPackIndex(
  layout: RepositoryLayout,
  database: Database,
  index: PackIndex,
): readonly DamageError[] {
  // What is known of files goes with it: it may refer to blobs that have gone, which are then stored anew.
  // In one transaction: no other process sees it half filled, and what another adds meanwhile is either in the list or
  // added after it.
  return addPacks(layout, database, index, () => {
    index.clear();
    return [...listPackFiles(layout)];
  });
}

/** Whoever published these packs may have been cut off before their names were durable; from now on they are relied on. */
function syncPackFolders(layout: RepositoryLayout, ids: readonly PackId[]): void {
  const folders = new Set(ids.map((id) => dirname(packPath(layout, id))));
  for (const folder of folders) syncFolder(folder);
  if (folders.size > 0) syncFolder(layout.packs);
}

function addPacks(
  layout: RepositoryLayout,
  database: Database,
  index: PackIndex,
  /** Asked inside the transaction. */
  list: () => readonly PackId[],
): readonly DamageError[] {
  const damaged: DamageError[] = [];
  inTransaction(database, () => {
    const ids = list();
    const bad = index.badFrames();
    if (!database.memory) syncPackFolders(layout, ids);
    for (const id of ids) {
      try {
        const { directory, packBytes } = readPackDirectory(layout, id);
        const frames = directory.frames.filter(({ offset }) => bad.get(id)?.has(offset) !== true);
        index.addPacks([{ directory: { ...directory, frames }, packBytes }]);
      } catch (error) {
        // A damaged pack must not keep the others from being used.
        if (!(error instanceof DamageError)) throw error;
        damaged.push(error);
      }
    }
  });
  return damaged;
}
