import { pruneRepository } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText } from '../text.ts';
import type { Share } from '../words/maintenance.ts';

interface PruneWords extends GlobalOptions {
  readonly maxUnused: Share | string;
  readonly maxRepack?: number;
  readonly recompress?: number;
  readonly dryRun?: boolean;
}

export async function runPrune(
  { environment, console }: CommandContext,
  { maxUnused, maxRepack, recompress, ...options }: PruneWords,
): Promise<ExitCode> {
  const pruned = await pruneRepository(environment, {
    ...options,
    ...(recompress === undefined ? {} : { recompress }),
    limits: { ...unusedLimits(maxUnused), ...(maxRepack === undefined ? {} : { maxRepackBytes: maxRepack }) },
  });
  console.result(pruned, () => {
    const { packsRemoved, packsRepacked, packsLeft, freedBytes, bytesAfter, unusedBytes } = pruned;
    const verbs = pruned.dryRun ? ['Would remove', 'repack', 'free'] : ['Removed', 'repacked', 'freed'];
    const freed = freedBytes >= 0 ? bytesText(freedBytes) : `-${bytesText(-freedBytes)}`;
    const did =
      packsRemoved + packsRepacked === 0
        ? nothingText(packsLeft)
        : `${verbs[0]} ${countText(packsRemoved, 'pack')}, ${verbs[1]} ${packsRepacked}, ${verbs[2]} ${freed}`;
    const stays = unusedBytes > 0 ? `, ${bytesText(unusedBytes)} of it unused` : '';
    return `${did}\n${bytesText(bytesAfter)} stored for ${countText(pruned.snapshots, 'snapshot')}${stays}`;
  });
  return pruned.lackedSpace ? exitCodes.incomplete : exitCodes.done;
}

function nothingText(packsLeft: number): string {
  return packsLeft > 0 ? `Nothing pruned, ${countText(packsLeft, 'pack')} left` : 'Nothing to prune';
}

/** Nothing said is the library's default. */
function unusedLimits(share: Share | string): { maxUnusedRatio?: number; maxUnusedBytes?: number } {
  if (typeof share === 'string') return {};
  return 'ratio' in share
    ? { maxUnusedRatio: share.ratio }
    : { maxUnusedBytes: share.bytes, maxUnusedRatio: Number.POSITIVE_INFINITY };
}
