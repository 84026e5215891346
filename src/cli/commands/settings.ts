import { initSettings, showSettings, trustSettings } from '../../index.ts';
import { dim } from '../console.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { safeText, tableText } from '../text.ts';

export async function runShowSettings(
  { environment, console }: CommandContext,
  options: GlobalOptions,
): Promise<ExitCode> {
  const shown = showSettings(environment, options);
  console.payload(shown, () => {
    const rows = shown.settings.map(({ name, value, origin }) => [
      name,
      value === null ? '–' : safeText(JSON.stringify(value)),
      origin,
    ]);
    const file = shown.exists ? shown.path : `${shown.path} (not there; exuvia settings init writes one)`;
    const untrusted = shown.untrusted.map(
      (path) => `Hooks of ${path} do not run: it came with a restore or an import (exuvia settings trust)`,
    );
    return [tableText([['setting', 'value', 'from'], ...rows]), dim(safeText(file)), ...untrusted].join('\n');
  });
  for (const warning of shown.warnings) console.warn(warning);
  return exitCodes.done;
}

export async function runInitSettings(
  { environment, console }: CommandContext,
  options: GlobalOptions,
): Promise<ExitCode> {
  const written = initSettings(environment, options);
  console.result(written, () => `Wrote ${safeText(written.path)}; every setting in it is commented out`);
  return exitCodes.done;
}

export async function runTrustSettings(
  { environment, console }: CommandContext,
  options: GlobalOptions,
): Promise<ExitCode> {
  const result = trustSettings(environment, options);
  console.result(result, () =>
    result.trusted.length === 0
      ? 'There is nothing to trust: no settings came with a restore or an import'
      : result.trusted.map((path) => `Hooks of ${safeText(path)} run from now on`).join('\n'),
  );
  return exitCodes.done;
}
