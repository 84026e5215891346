import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { installShim, removeShim, type ShimOptions, type ShimStatus, shimStatus } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { safeText } from '../text.ts';

type ShimWords = GlobalOptions & ShimOptions;

export async function runInstallShim(
  { environment, console }: CommandContext,
  options: ShimWords,
): Promise<ExitCode> {
  const launcher = realpathSync(process.argv[1] ?? '');
  const installed = installShim(environment, options, { node: process.execPath, launcher });
  console.result(installed, () =>
    installed.dryRun
      ? installed.script
      : [`Wrote ${safeText(installed.path)}`, ...nextLines(installed)].join('\n'),
  );
  return exitCodes.done;
}

export async function runRemoveShim(
  { environment, console }: CommandContext,
  options: ShimWords,
): Promise<ExitCode> {
  const result = removeShim(environment, options);
  const { path, removed, dryRun } = result;
  const verb = dryRun ? 'Would remove' : 'Removed';
  console.result(result, () =>
    removed ? `${verb} ${safeText(path)}` : `There is no shim at ${safeText(path)}`,
  );
  return exitCodes.done;
}

export async function runShimStatus(
  { environment, console }: CommandContext,
  options: ShimWords,
): Promise<ExitCode> {
  const status = shimStatus(environment, options);
  console.payload(status, () =>
    [
      status.installed
        ? `The shim is at ${safeText(status.path)}`
        : `There is no shim at ${safeText(status.path)}`,
      ...(status.installed ? nextLines(status) : []),
    ].join('\n'),
  );
  return exitCodes.done;
}

function nextLines({ path, isFirst, openclaw }: ShimStatus): string[] {
  const folder = safeText(dirname(path));
  return [
    isFirst
      ? 'It is what "openclaw" means here'
      : `Put its folder first on PATH, for instance in ~/.profile: export PATH="${folder}:$PATH"`,
    openclaw === null ? 'OpenClaw itself is not on PATH' : `Everything else goes to ${safeText(openclaw)}`,
  ];
}
