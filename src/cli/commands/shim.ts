import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type InstalledShim,
  installShim,
  removeShim,
  type ShimOptions,
  type ShimStatus,
  shimStatus,
} from '../../index.ts';
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
      ? installed.files.map(plannedText).join('\n')
      : [
          ...installed.files.map(({ path }) => `Wrote ${safeText(path)}`),
          ...nextLines(installed, environment.platform),
        ].join('\n'),
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
      ...(status.installed ? nextLines(status, environment.platform) : []),
    ].join('\n'),
  );
  return exitCodes.done;
}

function plannedText({ path, content }: InstalledShim['files'][number]): string {
  const lines = content.trimEnd().split(/\r?\n/);
  return [`Would write ${safeText(path)}`, ...lines.map((line) => `    ${safeText(line)}`)].join('\n');
}

function nextLines({ path, isFirst, openclaw }: ShimStatus, platform: string): string[] {
  const folder = safeText(dirname(path));
  const howTo =
    platform === 'win32'
      ? `under "Edit environment variables for your account": ${folder}`
      : `for instance in ~/.profile: export PATH="${folder}:$PATH"`;
  return [
    isFirst ? 'It is what "openclaw" means here' : `Put its folder first on PATH, ${howTo}`,
    openclaw === null ? 'OpenClaw itself is not on PATH' : `Everything else goes to ${safeText(openclaw)}`,
  ];
}
