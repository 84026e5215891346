/** Which OpenClaw home and which repository a command is about. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../model/errors.ts';
import { discoverHome, type OpenClawHome } from '../openclaw/discovery.ts';
import { Repository, type RepositoryMode } from '../repository/repository.ts';
import type { Environment } from './environment.ts';

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

/** The flag, then EXUVIA_REPOSITORY, then `backups` in the state directory; without OpenClaw a folder of our own. */
export function findRepository(environment: Environment, options: PlaceOptions, home: OpenClawHome): string {
  const named = options.repository ?? environment.env['EXUVIA_REPOSITORY'];
  if (named === '')
    throw new UsageError('The repository has an empty name', 'Name a folder with --repository.');
  if (named !== undefined) return resolvePath(environment, named);
  if (existsSync(home.stateDir)) return join(home.stateDir, 'backups');
  return join(environment.osHome, '.exuvia', 'repository');
}

/** An absolute path; `~` is the home of the user, as in the documentation's examples. */
export function resolvePath(environment: Environment, path: string): string {
  const expanded = path === '~' || path.startsWith('~/') ? join(environment.osHome, path.slice(1)) : path;
  return resolve(environment.cwd, expanded);
}

export function openRepository(
  environment: Environment,
  root: string,
  mode: RepositoryMode,
  create = false,
): Repository {
  return Repository.open(root, {
    mode,
    create,
    lockWaitMs: environment.lockWaitMs,
    random: environment.random,
    nowMs: environment.clock.nowMs(),
  });
}
