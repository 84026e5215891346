import { type ChangedSnapshots, changeSnapshots, type TagChanges } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { safeText, tableText } from '../text.ts';

interface TagWords extends GlobalOptions {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly set?: readonly string[];
  readonly dryRun?: boolean;
}

export async function runTag(
  context: CommandContext,
  words: TagWords,
  ...references: readonly string[]
): Promise<ExitCode> {
  return await change(context, words, references.flat());
}

export async function runPin(
  context: CommandContext,
  words: GlobalOptions,
  ...references: readonly string[]
): Promise<ExitCode> {
  return await change(context, { ...words, pinned: true }, references.flat());
}

export async function runUnpin(
  context: CommandContext,
  words: GlobalOptions,
  ...references: readonly string[]
): Promise<ExitCode> {
  return await change(context, { ...words, pinned: false }, references.flat());
}

async function change(
  { environment, console }: CommandContext,
  options: GlobalOptions & TagChanges,
  references: readonly string[],
): Promise<ExitCode> {
  const result = await changeSnapshots(environment, options, references);
  const json = {
    ...result,
    changed: result.changed.map(({ before, snapshot: { id, tags, pinned } }) => ({
      before,
      id,
      tags,
      pinned: pinned ?? false,
    })),
    unchanged: result.unchanged.map(({ id }) => id),
  };
  console.result(json, () => changedText(result));
  return exitCodes.done;
}

function changedText({ changed, unchanged, dryRun }: ChangedSnapshots): string {
  const rows = changed.map(({ before, snapshot: { id, tags, pinned } }) => [
    dryRun ? before.slice(0, 8) : `${before.slice(0, 8)} is now ${id.slice(0, 8)}`,
    tags.length > 0 ? `tags ${safeText(tags.join(', '))}` : 'no tags',
    pinned ? 'pinned' : '',
  ]);
  const same = unchanged.map(({ id }) => [id.slice(0, 8), 'nothing to change', '']);
  return tableText([...rows, ...same]);
}
