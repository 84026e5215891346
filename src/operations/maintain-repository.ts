/** What is done without being asked for, after scheduled backups: never for long, and never in the way of a backup. */
import { ExuviaError, messageOf } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import type { Environment } from './environment.ts';
import { findHome, findRepository, openRepository, type PlaceOptions } from './places.ts';
import { type PrunedRepository, pruneIn } from './prune-repository.ts';

/** With fewer small packs than this, and nothing forgotten, there is nothing worth looking for. */
const smallPacksMax = 50;
const repackBytesMax = 512 * 1024 * 1024;
const durationMsMax = 60_000;

export type Maintained =
  | { readonly pruned: PrunedRepository }
  /** It could not be done this time: the next scheduled run tries again. */
  | { readonly problem: string };

/** @param forgotten number of snapshots that were just dropped. Undefined when there was nothing to do */
export async function maintainRepository(
  environment: Environment,
  options: PlaceOptions,
  forgotten: number,
): Promise<Maintained | undefined> {
  const root = findRepository(environment, options, findHome(environment, options));
  try {
    await using repository = await openRepository(environment, root, 'maintain');
    if (repository.isWriteOnly) return undefined; // left to whoever can read what is there
    const smallPacks = repository.maintenance.countPacksBelow(limits.packBytesTarget / 4);
    if (forgotten === 0 && smallPacks <= smallPacksMax) return undefined;
    const bounds = { limits: { maxRepackBytes: repackBytesMax }, maxDurationMs: durationMsMax };
    return { pruned: await pruneIn(environment, repository, bounds) };
  } catch (error) {
    if (!(error instanceof ExuviaError) || error.kind === 'interrupted') throw error;
    return { problem: messageOf(error) }; // the backup itself is done, and stays
  }
}
