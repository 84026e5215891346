/**
 * What a prune does, from how much of each pack is used. Pure.
 *
 * Packs that nothing refers to are removed. Of the others the emptiest are repacked until what stays unused is within
 * `maxUnused`; small packs, which frequent snapshots leave, are merged. Merging follows the runs of a log-structured merge
 * tree: a pack is merged only with others that hold at least as much together, so a byte is rewritten a number of times
 * that grows with the logarithm of the repository's age.
 */
import type { PackId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { PackUsage } from '../model/pack-usage.ts';

export interface PruneLimits {
  /** Unused bytes that may stay, as a share of the used ones. Infinity repacks nothing for its unused bytes. */
  readonly maxUnusedRatio: number;
  /** The same as a number of bytes; the lower of both counts. */
  readonly maxUnusedBytes: number;
  /** Bytes of packs that are read and written again at most. */
  readonly maxRepackBytes: number;
  /** Every pack is written again, compressed anew. */
  readonly repackAll: boolean;
  /** Packs that must go whatever else is said, because they hold what is to be gone. */
  readonly mustRepack: ReadonlySet<PackId>;
}

export interface PrunePlan {
  readonly remove: readonly PackUsage[];
  readonly repack: readonly PackUsage[];
  readonly keep: readonly PackUsage[];
  /** Bytes of files that go when nothing is written: removed packs. */
  readonly removedBytes: number;
  /** Unused bytes in packs that are repacked. */
  readonly repackedUnusedBytes: number;
  /** Unused bytes that stay in packs that are kept. */
  readonly keptUnusedBytes: number;
}

export function planPrune(packs: readonly PackUsage[], bounds: PruneLimits): PrunePlan {
  const remove = packs.filter((pack) => pack.usedBlobs === 0);
  const used = packs.filter((pack) => pack.usedBlobs > 0);
  const chosen = new Set<PackUsage>();
  let repackBytes = 0;
  const choose = (pack: PackUsage, isForced = false): boolean => {
    if (chosen.has(pack)) return true;
    if (!isForced && repackBytes + pack.bytes > bounds.maxRepackBytes) return false;
    chosen.add(pack);
    repackBytes += pack.bytes;
    return true;
  };
  for (const pack of used) if (bounds.mustRepack.has(pack.id)) choose(pack, true);
  if (bounds.repackAll) for (const pack of used) choose(pack);
  for (const pack of emptiestBeyond(used, chosen, bounds)) if (!choose(pack)) break;
  const small = mergeable(used.filter((pack) => !chosen.has(pack)));
  if (small.reduce((sum, pack) => sum + pack.bytes, repackBytes) <= bounds.maxRepackBytes) {
    for (const pack of small) choose(pack);
  }
  const keep = used.filter((pack) => !chosen.has(pack));
  return {
    remove,
    repack: [...chosen],
    keep,
    removedBytes: sum(remove, 'bytes'),
    repackedUnusedBytes: sum([...chosen], 'unusedBytes'),
    keptUnusedBytes: sum(keep, 'unusedBytes'),
  };
}

/** The emptiest packs first, as many as it takes to be within the limit. */
function emptiestBeyond(
  used: readonly PackUsage[],
  chosen: ReadonlySet<PackUsage>,
  bounds: PruneLimits,
): PackUsage[] {
  const usedBytes = sum(used, 'bytes') - sum(used, 'unusedBytes');
  const allowed = Math.min(bounds.maxUnusedBytes, usedBytes * bounds.maxUnusedRatio);
  const rest = used.filter((pack) => !chosen.has(pack) && pack.unusedBytes > 0);
  rest.sort((a, b) => b.unusedBytes / b.bytes - a.unusedBytes / a.bytes);
  let left = sum(rest, 'unusedBytes');
  return rest.filter((pack) => {
    if (left <= allowed) return false;
    left -= pack.unusedBytes;
    return true;
  });
}

/** Fewer small packs than this are left alone: merging them would write a pack for little. */
export const smallPacksMin = 8;
const smallPackBytes = limits.packBytesTarget / 4;

function mergeable(packs: readonly PackUsage[]): PackUsage[] {
  const small = packs.filter((pack) => pack.bytes < smallPackBytes).sort((a, b) => a.bytes - b.bytes);
  let together = 0;
  let count = 0;
  for (const [index, pack] of small.entries()) {
    if (index > 0 && pack.bytes <= together) count = index + 1;
    together += pack.bytes;
  }
  return count >= smallPacksMin ? small.slice(0, count) : [];
}

function sum(packs: readonly PackUsage[], field: 'bytes' | 'unusedBytes'): number {
  return packs.reduce((total, pack) => total + pack[field], 0);
}
