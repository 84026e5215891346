import { type ConvertedRepository, convertRepository } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { countText, safeText } from '../text.ts';

export async function runEncrypt(context: CommandContext, options: GlobalOptions): Promise<ExitCode> {
  const converted = await convertRepository(context.environment, options, 'encrypted');
  context.console.result(converted, () => convertedText(converted));
  return exitCodes.done;
}

export async function runDecrypt(context: CommandContext, options: GlobalOptions): Promise<ExitCode> {
  const converted = await convertRepository(context.environment, options, 'plain');
  context.console.result(converted, () => convertedText(converted));
  return exitCodes.done;
}

function convertedText({ repository, encrypted, snapshots }: ConvertedRepository): string {
  const what = `${safeText(repository)} is ${encrypted ? 'encrypted' : 'not encrypted any more'}: ${countText(snapshots, 'snapshot')}`;
  const next = encrypted
    ? 'Set "encryption" in the settings, so that no other is taken for it; other copies of it are as they were.'
    : 'Take "encryption" out of the settings.';
  return `${what}\n${next}`;
}
