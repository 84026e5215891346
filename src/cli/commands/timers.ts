import { realpathSync } from 'node:fs';
import {
  type ChangedTimers,
  disableTimer,
  enableTimer,
  type TimerOptions,
  type TimerStep,
} from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { safeText } from '../text.ts';

type TimerWords = GlobalOptions & TimerOptions;

export async function runEnable(
  { environment, console }: CommandContext,
  options: TimerWords,
): Promise<ExitCode> {
  const launcher = realpathSync(process.argv[1] ?? '');
  const enabled = enableTimer(environment, options, { node: process.execPath, launcher });
  console.result(enabled, () =>
    [
      ...stepLines(enabled),
      ...(enabled.dryRun ? [] : [`Backups are made by ${enabled.methods.join(', ')} from now on`]),
      ...enabled.notes.map(safeText),
    ].join('\n'),
  );
  return exitCodes.done;
}

export async function runDisable(
  { environment, console }: CommandContext,
  options: TimerWords,
): Promise<ExitCode> {
  const disabled = disableTimer(environment, options);
  console.result(disabled, () =>
    disabled.methods.length === 0 ? 'There is no timer of this home' : stepLines(disabled).join('\n'),
  );
  return exitCodes.done;
}

/** All of it for a dry run; what was done, in a line for each step, without. */
function stepLines({ steps, dryRun }: ChangedTimers): string[] {
  return steps.flatMap((step) => [
    headLine(step, dryRun),
    ...(dryRun ? contentOf(step).map((line) => `    ${safeText(line)}`) : []),
  ]);
}

function headLine(step: TimerStep, dryRun: boolean): string {
  switch (step.do) {
    case 'write':
      return `${dryRun ? 'Would write' : 'Wrote'} ${safeText(step.path)}`;
    case 'remove':
      return `${dryRun ? 'Would remove' : 'Removed'} ${safeText(step.path)}`;
    case 'run':
      return `${dryRun ? 'Would run' : 'Ran'} ${safeText(step.words.join(' '))}`;
  }
}

function contentOf(step: TimerStep): string[] {
  if (step.do === 'write')
    return step.content
      .replace(/^\ufeff/, '')
      .trimEnd()
      .split('\n');
  if (step.do === 'run' && step.input !== undefined) return step.input.trimEnd().split('\n');
  return [];
}
