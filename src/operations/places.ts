/** Which OpenClaw home and which repository a command is about. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RepositoryKeys } from '../codec/keys.ts';
import { isEncrypted, type RepositoryParameters } from '../codec/parameters.ts';
import { InterruptedError, UsageError, WrongKeyError } from '../model/errors.ts';
import { discoverHome, type OpenClawHome } from '../openclaw/discovery.ts';
import { finishConversion } from '../repository/conversion.ts';
import { repositoryLayout } from '../repository/layout.ts';
import { findParametersIn } from '../repository/parameters-file.ts';
import { type OpenOptions, Repository, type RepositoryMode } from '../repository/repository.ts';
import type { Environment } from './environment.ts';
import { loadSettings } from './settings.ts';
import { warnOfWideRepository } from './wide-folders.ts';

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

export interface OpenChoice {
  /** Made when it is not there; only with `append`. */
  readonly create?: boolean;
  readonly compress?: boolean | undefined;
  /** Whether one that is made is encrypted; without a word the settings say. */
  readonly encrypt?: boolean | undefined;
}

/** Opens a repository, with its key where it is encrypted. @throws NoRepositoryError, WrongKeyError and others */
export async function openRepository(
  environment: Environment,
  root: string,
  mode: RepositoryMode,
  choice: OpenChoice = {},
): Promise<Repository> {
  const { create = false, compress = true, encrypt } = choice;
  finishConversion(repositoryLayout(root), environment.lockWaitMs);
  const options = { ...openOptions(environment, mode), create, compress };
  const found = findParametersIn(root);
  if (found !== undefined) {
    if (mode !== 'read' && !isEncrypted(found)) warnOfWideRepository(environment, root);
    const keys = await keysFor(environment, root, found, encrypt);
    return Repository.open(root, { ...options, keys });
  }
  if (!create || !(encrypt ?? wantsEncryption(environment))) return Repository.open(root, options);
  const { newEncryptedRepository } = await import('./new-keys.ts');
  return Repository.open(root, { ...options, ...(await newEncryptedRepository(environment, root)) });
}

/**
 * Before what works on when nobody looks any more: why the repository cannot be opened with what keys there are. Whatever else
 * is wrong with it is the first run's to say.
 */
export async function findKeyProblem(
  environment: Environment,
  root: string,
): Promise<WrongKeyError | undefined> {
  try {
    const found = findParametersIn(root);
    if (found !== undefined && isEncrypted(found)) await keysFor(environment, root, found, undefined);
  } catch (error) {
    if (error instanceof InterruptedError) throw error;
    if (error instanceof WrongKeyError) return error;
  }
  return undefined;
}

/** Whether somebody is there to be told, and to begin again. */
export function isAttended({ keySource }: Environment): boolean {
  return keySource?.ask !== undefined;
}

/** Opened although the file of its parameters is damaged. */
export async function openToRepair(
  environment: Environment,
  root: string,
  mode: 'read' | 'maintain',
): Promise<Repository> {
  finishConversion(repositoryLayout(root), environment.lockWaitMs);
  const found = findParametersIn(root);
  const keys = found && (await keysFor(environment, root, found, undefined));
  return Repository.open(root, { ...openOptions(environment, mode), keys, repairs: true });
}

/** A repository that is made for a moment, encrypted as `like` is. */
export function openNewRepository(
  environment: Environment,
  root: string,
  like: Repository | undefined,
): Repository {
  const sealed = like?.keys === undefined ? {} : { keys: like.keys, parameters: like.parameters };
  return Repository.open(root, { ...openOptions(environment, 'append'), create: true, ...sealed });
}

/** Undefined for a repository that is not encrypted. */
async function keysFor(
  environment: Environment,
  root: string,
  parameters: RepositoryParameters,
  encrypt: boolean | undefined,
): Promise<RepositoryKeys | undefined> {
  if (isEncrypted(parameters)) {
    const { unlockRepository } = await import('./unlock.ts');
    return (await unlockRepository(environment, root, parameters)).keys;
  }
  if (!isKeyNamed(environment) && !(encrypt ?? wantsEncryption(environment))) return undefined;
  throw new UsageError(
    `Repository ${root} is not encrypted`,
    'Run exuvia repository encrypt to convert it, or leave out the key, --encrypt and the setting "encryption".',
  );
}

/** A key that is given by a flag says, as the setting does, that the repository is encrypted: another may have been put in its place. */
function isKeyNamed({ keySource }: Environment): boolean {
  const { keyFile, passphraseFile, passphraseCommand } = keySource ?? {};
  return [keyFile, passphraseFile, passphraseCommand].some((word) => word !== undefined);
}

function wantsEncryption(environment: Environment): boolean {
  const places = environment.keySource?.places;
  return places !== undefined && loadSettings(findHome(environment, places)).settings.encryption !== false;
}

function openOptions(environment: Environment, mode: RepositoryMode): OpenOptions {
  return {
    mode,
    lockWaitMs: environment.lockWaitMs,
    random: environment.random,
    unique: environment.unique,
    nowMs: environment.clock.nowMs(),
  };
}
