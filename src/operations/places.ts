/** Which OpenClaw home and which repository a command is about. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../model/errors.ts';
import { discoverHome, type OpenClawHome } from '../openclaw/discovery.ts';
import { type OpenOptions, Repository, type RepositoryMode } from '../repository/repository.ts';
import type { Environment } from './environment.ts';
import { loadSettings } from './settings.ts';

/** Names that every command takes. */
export interface PlaceOptions {
  readonly repository?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly profile?: string | undefined;
}

export function findHome(environment: Environment, options: PlaceOptions): OpenClawHome {
  return discoverHome({
    env: environment.env,
    osHome: environment.osHome,
    ...(options.stateDir === undefined ? {} : { stateDir: resolvePath(environment, options.stateDir) }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  });
}

/** The flag, then EXUVIA_REPOSITORY, the settings, `backups` in the state directory; without OpenClaw a folder of our own. */
export function findRepository(environment: Environment, options: PlaceOptions, home: OpenClawHome): string {
  const named = options.repository ?? environment.env['EXUVIA_REPOSITORY'];
  if (named === '')
    throw new UsageError('The repository has an empty name', 'Name a folder with --repository.');
  if (named !== undefined) return resolvePath(environment, named);
  const { path } = loadSettings(home).settings;
  if (path !== undefined) return resolve(home.stateDir, expandHome(environment, path));
  if (existsSync(home.stateDir)) return join(home.stateDir, 'backups');
  return join(environment.osHome, '.exuvia', 'repository');
}

/** An absolute path; `~` is the home of the user, as in the documentation's examples. */
export function resolvePath(environment: Environment, path: string): string {
  return resolve(environment.cwd, expandHome(environment, path));
}

function expandHome({ osHome }: Environment, path: string): string {
  return path === '~' || path.startsWith('~/') ? join(osHome, path.slice(1)) : path;
}

export function openRepository(
  environment: Environment,
  root: string,
  mode: RepositoryMode,
  create = false,
  compress = true,
): Repository {
  return Repository.open(root, { ...openOptions(environment, mode), create, compress });
}

/** Opened although the file of its parameters is damaged. */
export function openToRepair(environment: Environment, root: string, mode: 'read' | 'maintain'): Repository {
  return Repository.open(root, { ...openOptions(environment, mode), repairs: true });
}

function openOptions(environment: Environment, mode: RepositoryMode): OpenOptions {
  return {
    mode,
    lockWaitMs: environment.lockWaitMs,
    random: environment.random,
    nowMs: environment.clock.nowMs(),
  };
}
