import { type PurgedPaths, purgePaths } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText, safeText } from '../text.ts';

interface PurgeWords extends GlobalOptions {
  readonly dryRun?: boolean;
}

const shownMax = 50;

export async function runPurge(
  { environment, console }: CommandContext,
  options: PurgeWords,
  ...patterns: readonly string[]
): Promise<ExitCode> {
  const purged = await purgePaths(environment, options, patterns.flat());
  console.result({ ...purged, pruned: purged.pruned ?? null }, () => purgedText(purged));
  return exitCodes.done;
}

function purgedText({ paths, snapshots, dryRun, pruned }: PurgedPaths): string {
  if (paths.length === 0) return 'No snapshot holds such a path';
  const more = paths.length - shownMax;
  const verb = dryRun ? 'Would purge' : 'Purged';
  return [
    ...paths.slice(0, shownMax).map((path) => `  ${safeText(path)}`),
    ...(more > 0 ? [`  … and ${countText(more, 'more path')}`] : []),
    `${verb} ${countText(paths.length, 'path')} from ${countText(snapshots.length, 'snapshot')}`,
    ...(pruned === undefined
      ? []
      : [
          `Freed ${bytesText(Math.max(0, pruned.freedBytes))}. Archives and copies made before still have them.`,
        ]),
  ].join('\n');
}
