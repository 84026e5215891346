/**
 * The shim: a small `openclaw` in a folder that the user puts first on PATH. What the documentation gives to `openclaw` and Exuvia
 * does goes to Exuvia, everything else to the real `openclaw` further on. So the documentation's lines run word for word.
 */
import { accessSync, chmodSync, constants, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makePrivateFolder, publishFile, temporaryBeside } from '../io/files.ts';
import { ExuviaError, errnoOf, FileSystemError, UsageError } from '../model/errors.ts';
import type { Environment } from './environment.ts';
import { resolvePath } from './places.ts';
import { batchShim, isShimText, type ShimTarget, shellShim } from './shim-scripts.ts';

export interface ShimOptions {
  /** Where it is put; `~/.exuvia/bin` by default. */
  readonly dir?: string;
  readonly dryRun?: boolean;
}

export interface ShimStatus {
  readonly path: string;
  readonly installed: boolean;
  /** Whether `openclaw` means the shim in this environment. */
  readonly isFirst: boolean;
  /** The real one, where there is one on PATH. */
  readonly openclaw: string | null;
}

export interface InstalledShim extends ShimStatus {
  readonly dryRun: boolean;
  /** What was, or would be, written: `path` first. */
  readonly files: readonly ShimFile[];
}

export interface ShimFile {
  readonly path: string;
  readonly content: string;
}

export function installShim(
  environment: Environment,
  options: ShimOptions,
  target: ShimTarget,
): InstalledShim {
  const texts = {
    openclaw: shellShim(target),
    'openclaw.cmd': batchShim(target, environment.osHome),
  };
  const folder = shimFolder(environment, options);
  const files = shimNames(environment).map((name) => ({ path: join(folder, name), content: texts[name] }));
  for (const { path } of files) refuseForeign(path);
  for (const file of options.dryRun ? [] : files) writeShim(environment, file);
  return { ...shimStatus(environment, options), dryRun: options.dryRun ?? false, files };
}

function refuseForeign(path: string): void {
  const present = readOptional(path);
  if (present === undefined || isShimText(present)) return;
  throw new ExuviaError(`${path} is not a shim of Exuvia: it is left as it is`, {
    code: 'ERR_EXISTS',
    hint: 'Choose another folder with --dir.',
  });
}

function writeShim(environment: Environment, { path, content }: ShimFile): void {
  makePrivateFolder(join(path, '..'));
  const unique = Buffer.from(environment.random(6)).toString('hex');
  publishFile(path, Buffer.from(content), temporaryBeside(path, unique));
  chmodSync(path, 0o755);
}

/** Removes what `installShim` wrote, and nothing else. */
export function removeShim(
  environment: Environment,
  options: ShimOptions,
): { readonly path: string; readonly removed: boolean; readonly dryRun: boolean } {
  const paths = shimPaths(environment, options);
  const present = paths.filter((path) => isShimText(readOptional(path) ?? ''));
  for (const path of options.dryRun ? [] : present) rmSync(path);
  return { path: paths[0], removed: present.length > 0, dryRun: options.dryRun ?? false };
}

export function shimStatus(environment: Environment, options: ShimOptions): ShimStatus {
  const paths = shimPaths(environment, options);
  const found = programsOnPath(environment);
  const [first] = found;
  return {
    path: paths[0],
    installed: paths.every((path) => isShimText(readOptional(path) ?? '')),
    isFirst: first !== undefined && paths.some((path) => isSame(first, path)),
    openclaw: found.find((candidate) => !isShimText(readOptional(candidate) ?? '')) ?? null,
  };
}

type ShimName = 'openclaw' | 'openclaw.cmd';

/** What users of the system's own shell start comes first; on Windows, those of Git's shell start the other. */
function shimNames({ platform }: Environment): readonly [ShimName, ...ShimName[]] {
  return platform === 'win32' ? ['openclaw.cmd', 'openclaw'] : ['openclaw'];
}

function shimPaths(environment: Environment, options: ShimOptions): [string, ...string[]] {
  const folder = shimFolder(environment, options);
  const [first, ...others] = shimNames(environment);
  return [join(folder, first), ...others.map((name) => join(folder, name))];
}

function shimFolder(environment: Environment, { dir }: ShimOptions): string {
  if (dir === '') throw new UsageError('--dir has an empty name');
  return resolvePath(environment, dir ?? '~/.exuvia/bin');
}

/** Every `openclaw` that PATH offers, in order. */
function programsOnPath({ env, cwd, platform }: Environment): string[] {
  const isWindows = platform === 'win32';
  const names = isWindows ? ['openclaw.exe', 'openclaw.bat', 'openclaw.cmd'] : ['openclaw'];
  const folders = (env['PATH'] ?? '').split(isWindows ? ';' : ':').filter((folder) => folder !== '');
  return folders
    .flatMap((folder) => names.map((name) => resolve(cwd, folder, name)))
    .filter((path) => isProgram(path, isWindows ? constants.F_OK : constants.X_OK));
}

function isProgram(path: string, access: number): boolean {
  try {
    accessSync(path, access);
    return statSync(path).isFile();
  } catch {
    return false; // Not there, or not to be run: the shell passes it by as well.
  }
}

function isSame(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false; // One of them is not there.
  }
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw new FileSystemError('read', path, error);
  }
}
