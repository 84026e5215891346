/**
 * The shim: a small `openclaw` in a folder that the user puts first on PATH. What the documentation gives to `openclaw` and Exuvia
 * does goes to Exuvia, everything else to the real `openclaw` further on. So the documentation's lines run word for word.
 */
import { accessSync, chmodSync, constants, readFileSync, realpathSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { makePrivateFolder, publishFile, temporaryBeside } from '../io/files.ts';
import { ExuviaError, errnoOf, FileSystemError, UsageError } from '../model/errors.ts';
import type { Environment } from './environment.ts';
import { resolvePath } from './places.ts';

export interface ShimOptions {
  /** Where it is put; `~/.exuvia/bin` by default. */
  readonly dir?: string;
  readonly dryRun?: boolean;
}

/** What the shim starts: a Node and the command line's launcher, as absolute paths. */
export interface ShimTarget {
  readonly node: string;
  readonly launcher: string;
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
  /** What was, or would be, written. */
  readonly script: string;
}

const mark = '# exuvia shim 1';

export function installShim(
  environment: Environment,
  options: ShimOptions,
  target: ShimTarget,
): InstalledShim {
  refuseWindows(environment);
  const path = shimPath(environment, options);
  const present = readOptional(path);
  if (present !== undefined && !isShim(present)) {
    throw new ExuviaError(`${path} is not a shim of Exuvia: it is left as it is`, {
      code: 'ERR_EXISTS',
      hint: 'Choose another folder with --dir.',
    });
  }
  const script = shimScript(target);
  if (!options.dryRun) {
    makePrivateFolder(join(path, '..'));
    const unique = Buffer.from(environment.random(6)).toString('hex');
    publishFile(path, Buffer.from(script), temporaryBeside(path, unique));
    chmodSync(path, 0o755);
  }
  return { ...shimStatus(environment, options), dryRun: options.dryRun ?? false, script };
}

/** Removes what `installShim` wrote, and nothing else. */
export function removeShim(
  environment: Environment,
  options: ShimOptions,
): { readonly path: string; readonly removed: boolean; readonly dryRun: boolean } {
  const path = shimPath(environment, options);
  const present = readOptional(path);
  const removed = present !== undefined && isShim(present);
  if (removed && !options.dryRun) rmSync(path);
  return { path, removed, dryRun: options.dryRun ?? false };
}

export function shimStatus(environment: Environment, options: ShimOptions): ShimStatus {
  const path = shimPath(environment, options);
  const present = readOptional(path);
  const found = programsOnPath(environment);
  return {
    path,
    installed: present !== undefined && isShim(present),
    isFirst: found[0] !== undefined && isSame(found[0], path),
    openclaw: found.find((candidate) => !isShim(readOptional(candidate) ?? '')) ?? null,
  };
}

function shimPath(environment: Environment, { dir }: ShimOptions): string {
  if (dir === '') throw new UsageError('--dir has an empty name');
  return join(resolvePath(environment, dir ?? '~/.exuvia/bin'), 'openclaw');
}

function refuseWindows({ platform }: Environment): void {
  if (platform !== 'win32') return;
  throw new ExuviaError('The shim is a shell script, and this system is Windows', {
    code: 'ERR_PLATFORM',
    hint: 'Run exuvia itself: exuvia backup create, and so on.',
  });
}

/** Every `openclaw` that PATH offers, in order. */
function programsOnPath({ env, cwd }: Environment): string[] {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders
    .map((folder) => join(folder.startsWith('/') ? folder : join(cwd, folder), 'openclaw'))
    .filter(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
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

function isShim(text: string): boolean {
  return text.split('\n', 2)[1]?.startsWith(mark) ?? false;
}

/** POSIX sh. Options of `openclaw` that stand before the command are passed on as they are. */
function shimScript({ node, launcher }: ShimTarget): string {
  return `#!/bin/sh
${mark}: remove it with "exuvia shim remove"
node=${quoted(node)}
exuvia=${quoted(launcher)}

command= sub= skip=
for word in "$@"; do
  if [ -n "$skip" ]; then skip=; continue; fi
  case $word in
    --profile | --log-level | --container) skip=1 ;;
    -*) ;;
    *) if [ -z "$command" ]; then command=$word; else sub=$word; break; fi ;;
  esac
done

case "$command $sub" in
  'backup sqlite' | 'backup git' | 'backup enable' | 'backup disable') ;;
  'backup '* | 'config export' | 'config import' | 'sessions export' | 'sessions import')
    exec "$node" "$exuvia" "$@" ;;
esac

rest=$PATH:
while [ -n "$rest" ]; do
  place=\${rest%%:*}/openclaw
  rest=\${rest#*:}
  [ -f "$place" ] && [ -x "$place" ] || continue
  case $(sed -n 2p "$place" 2>/dev/null) in '# exuvia shim'*) continue ;; esac
  exec "$place" "$@"
done
echo "openclaw: OpenClaw itself is not on PATH; only backup, config export and import, and sessions export and import work here" >&2
exit 127
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
