/**
 * An unlocked key, kept for a while by choice: so that a snapshot every five minutes does not ask for the passphrase nor derive a
 * key from it. In the user's runtime folder, which is memory and goes with the session; or, when the user says so, in the
 * repository's `local/`, where whoever gets that folder can read everything.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RepositoryKeys } from '../codec/keys.ts';
import type { RepositoryParameters } from '../codec/parameters.ts';
import { makePrivateFolder, publishFile, removeFile, temporaryBeside } from '../io/files.ts';
import { ExuviaError, errnoOf, FileSystemError } from '../model/errors.ts';
import type { Environment } from './environment.ts';

export type KeepPlace = 'session' | 'repository';

interface KeptKey {
  readonly repository: string;
  readonly role: 'full' | 'add';
  /** Hex. */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** Undefined when none is kept, or its time is over. */
export function keptKey(
  environment: Environment,
  root: string,
  parameters: RepositoryParameters,
): RepositoryKeys | undefined {
  for (const path of keptPaths(environment, root, parameters.id)) {
    const kept = readKept(path);
    if (kept?.repository !== parameters.id) continue;
    if (kept.expires <= environment.clock.nowMs()) {
      removeFile(path);
      continue;
    }
    const repositoryId = Buffer.from(parameters.id, 'hex');
    const publicKey = Buffer.from(parameters.encryption?.publicKey ?? '', 'hex');
    const key = Buffer.from(kept.key, 'hex');
    return kept.role === 'full'
      ? RepositoryKeys.ofMasterKey(key, repositoryId)
      : RepositoryKeys.ofWriterKey(key, repositoryId, publicKey);
  }
  return undefined;
}

/** Returns where it is kept. */
export function keepKey(
  environment: Environment,
  root: string,
  keys: RepositoryKeys,
  options: { readonly place: KeepPlace; readonly forMs: number },
): string {
  const id = keys.repositoryId.toString('hex');
  const session = sessionPath(environment, id);
  if (options.place === 'session' && session === undefined) {
    throw new ExuviaError(
      'There is no folder for this session to keep a key in: XDG_RUNTIME_DIR is not set',
      {
        code: 'ERR_NO_RUNTIME_DIR',
        hint: 'Use --in-repository to keep it in the folder "local" of the repository, or a key file.',
      },
    );
  }
  const path = options.place === 'session' && session !== undefined ? session : repositoryPath(root);
  makePrivateFolder(join(path, '..'));
  const kept: KeptKey = {
    repository: id,
    role: keys.canRead ? 'full' : 'add',
    key: (keys.masterKey ?? keys.writerKey).toString('hex'),
    expires: environment.clock.nowMs() + options.forMs,
  };
  const unique = Buffer.from(environment.random(6)).toString('hex');
  publishFile(path, Buffer.from(`${JSON.stringify(kept)}\n`), temporaryBeside(path, unique));
  return path;
}

/** Removes what is kept. Returns how many keys there were. */
export function dropKeptKeys(environment: Environment, root: string, repositoryId: string): number {
  const paths = keptPaths(environment, root, repositoryId).filter(
    (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  );
  for (const path of paths) removeFile(path);
  return paths.length;
}

function keptPaths(environment: Environment, root: string, repositoryId: string): string[] {
  const session = sessionPath(environment, repositoryId);
  return [...(session === undefined ? [] : [session]), repositoryPath(root)];
}

function sessionPath({ env }: Environment, repositoryId: string): string | undefined {
  const folder = env['XDG_RUNTIME_DIR'];
  return folder ? join(folder, 'exuvia', `${repositoryId}.key`) : undefined;
}

function repositoryPath(root: string): string {
  return join(root, 'local', 'unlocked-key');
}

/** Only what nobody else can have written or read is believed. */
function readKept(path: string): KeptKey | undefined {
  try {
    const { mode, uid } = lstatSync(path);
    const isOwn = process.platform === 'win32' || ((mode & 0o077) === 0 && uid === process.getuid?.());
    if (!isOwn) return undefined;
    return parseKept(readFileSync(path, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw new FileSystemError('read', path, error);
  }
}

function parseKept(text: string): KeptKey | undefined {
  let value: Partial<Record<keyof KeptKey, unknown>>;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // cut short by a full disk: as if none were kept
  }
  const { repository, role, key, expires } = value;
  const isKept =
    typeof repository === 'string' &&
    (role === 'full' || role === 'add') &&
    /^[0-9a-f]{64}$/.test(String(key)) &&
    typeof expires === 'number';
  return isKept ? (value as KeptKey) : undefined;
}
