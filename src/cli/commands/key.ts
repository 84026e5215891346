import {
  addKey,
  changeKey,
  exportKey,
  type ListedKey,
  listKeys,
  lockAgain,
  type NewKeyWords,
  removeKey,
  unlockForAWhile,
} from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { countText, safeText, tableText } from '../text.ts';
import { defaultUnlockMs } from '../words/key.ts';

type NewWords = GlobalOptions & NewKeyWords;

export async function runKeyAdd(context: CommandContext, words: NewWords): Promise<ExitCode> {
  const result = await addKey(context.environment, words);
  context.console.result(result, () => `Added key ${nameOf(result.added)}`);
  return exitCodes.done;
}

export async function runKeyRemove(
  context: CommandContext,
  words: GlobalOptions,
  name: string,
): Promise<ExitCode> {
  const result = await removeKey(context.environment, words, name);
  context.console.result(
    result,
    () =>
      `Removed key ${nameOf(result.removed)}\nWho has it and an old copy of the repository can still open that copy.`,
  );
  return exitCodes.done;
}

export async function runKeyChange(
  context: CommandContext,
  words: NewWords,
  name?: string,
): Promise<ExitCode> {
  const result = await changeKey(context.environment, words, name);
  context.console.result(result, () => `Key ${nameOf(result.removed)} is now ${nameOf(result.added)}`);
  return exitCodes.done;
}

export async function runKeyList(context: CommandContext, words: GlobalOptions): Promise<ExitCode> {
  const result = listKeys(context.environment, words);
  const rows = result.keys.map(({ id, type, role, label, created, recipient }) => [
    id,
    type,
    role,
    created.slice(0, 10),
    safeText(label || (recipient ?? '')),
  ]);
  context.console.result(result, () => tableText([['id', 'type', 'may', 'since', 'for'], ...rows]));
  return exitCodes.done;
}

export async function runKeyExport(
  context: CommandContext,
  words: GlobalOptions,
  file: string,
): Promise<ExitCode> {
  const result = await exportKey(context.environment, words, file);
  context.console.result(
    result,
    () => `Wrote the master key to ${safeText(result.path)}: who has it can read every snapshot`,
  );
  return exitCodes.done;
}

interface UnlockWords extends GlobalOptions {
  readonly for: number | string;
  readonly inRepository?: boolean;
}

export async function runKeyUnlock(context: CommandContext, words: UnlockWords): Promise<ExitCode> {
  const forMs = typeof words.for === 'number' ? words.for : defaultUnlockMs;
  const place = words.inRepository ? 'repository' : 'session';
  const result = await unlockForAWhile(context.environment, words, { place, forMs });
  context.console.result(
    result,
    () => `Unlocked until ${result.until}; the key is in ${safeText(result.path)}`,
  );
  return exitCodes.done;
}

export async function runKeyLock(context: CommandContext, words: GlobalOptions): Promise<ExitCode> {
  const result = lockAgain(context.environment, words);
  context.console.result(result, () =>
    result.dropped === 0 ? 'No key was kept' : `Forgot ${countText(result.dropped, 'kept key')}`,
  );
  return exitCodes.done;
}

function nameOf({ id, type, label }: ListedKey): string {
  return `${id} (${type}${label === '' ? '' : `, ${safeText(label)}`})`;
}
