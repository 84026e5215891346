import {
  type RestoredBackup,
  type RestoredSource,
  restoreBackup,
  UsageError,
  undoRestore,
} from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText, movedPathLines, safeText, timeText } from '../text.ts';

interface RestoreWords extends GlobalOptions {
  readonly only?: readonly string[];
  readonly path?: readonly string[];
  readonly target?: string;
  readonly conflict?: 'overwrite' | 'keep' | 'newer' | 'fail';
  readonly delete?: boolean;
  readonly undo?: boolean;
  readonly keepPaths?: boolean;
  readonly snapshot: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export async function runRestore(
  { environment, console }: CommandContext,
  words: RestoreWords,
  reference?: string,
): Promise<ExitCode> {
  const { undo, ...options } = words;
  if (undo && reference !== undefined)
    throw new UsageError('--undo takes no snapshot: it goes back before the last restore');
  if (!undo && reference === undefined) {
    throw new UsageError('Which snapshot or archive?', 'Run exuvia backup list, or name "latest".');
  }
  const restored = undo
    ? await undoRestore(environment, options)
    : await restoreBackup(environment, options, reference ?? '');
  console.result(restoredJson(restored), () => restoredText(restored));
  if (restored.failures.some((failure) => failure.isDamage)) return exitCodes.damage;
  const isWhole = restored.failures.length === 0 && restored.paths.failures.length === 0;
  return isWhole ? exitCodes.done : exitCodes.incomplete;
}

function restoredJson(restored: RestoredBackup): unknown {
  const { snapshot, sources, before, ...rest } = restored;
  return {
    snapshot: snapshot.id,
    before: before?.id ?? null,
    ...rest,
    sources: sources.map(({ source, target, plan }) => ({
      kind: source.kind,
      path: source.path,
      target,
      ...plan.totals,
      ...(restored.dryRun ? { actions: actionsOf(plan) } : {}),
    })),
  };
}

function actionsOf(plan: RestoredSource['plan']): { action: string; path: string }[] {
  return plan.actions.flatMap((action) =>
    action.kind === 'keep' ? [] : [{ action: action.kind, path: textOfKey(action.key) }],
  );
}

/** A key as a path: components are separated by a zero byte, and are bytes. */
function textOfKey(key: string): string {
  return Buffer.from(key.replaceAll('\0', '/'), 'latin1').toString('utf8') || '.';
}

function restoredText(restored: RestoredBackup): string {
  const { snapshot, before, failures, sources } = restored;
  const name = `snapshot ${snapshot.id.slice(0, 8)} of ${timeText(snapshot.time)}`;
  if (restored.dryRun) {
    const moves = restored.paths.moves.map(
      ({ from, to }) => `  paths below ${safeText(from)} would become ${safeText(to)}`,
    );
    return [`Would restore ${name}:`, ...sources.flatMap(planLines), ...moves].join('\n');
  }
  return [
    `Restored ${name}: ${countText(restored.filesWritten, 'file')} written (${bytesText(restored.bytesWritten)})`,
    ...sources.map(sourceLine),
    ...(before === undefined
      ? []
      : [
          `What was there before is snapshot ${before.id.slice(0, 8)}; exuvia backup restore --undo goes back to it`,
        ]),
    ...movedPathLines(restored.paths.changes),
    ...failures.map((failure) => `Not restored: ${safeText(failure.path)}: ${safeText(failure.reason)}`),
    ...(restored.secrets?.kept ?? []).map((place) => `Kept the secret that is here: ${safeText(place)}`),
    ...(restored.secrets?.missing ?? []).map((place) => `Secret missing: ${safeText(place)}`),
    ...(restored.notes.length === 0 ? [] : ['What this machine still needs:']),
    ...restored.notes.map((note) => `  ${safeText(note)}`),
  ].join('\n');
}

function sourceLine({ target, plan }: RestoredSource): string {
  const { newFiles, replacedFiles, unchangedFiles, keptFiles, removed } = plan.totals;
  const parts = [
    `${newFiles} new`,
    `${replacedFiles} replaced`,
    `${unchangedFiles} unchanged`,
    ...(keptFiles > 0 ? [`${keptFiles} kept`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
  ];
  return `  ${safeText(target)}: ${parts.join(', ')}`;
}

const planLinesMax = 200;

function planLines(restored: RestoredSource): string[] {
  const lines = actionsOf(restored.plan).map(
    ({ action, path }) => `  ${action.padEnd(15)} ${safeText(path)}`,
  );
  const more = lines.length > planLinesMax ? [`  … and ${lines.length - planLinesMax} more`] : [];
  return [sourceLine(restored), ...lines.slice(0, planLinesMax), ...more];
}
