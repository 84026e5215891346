/** Opening the key slots of an encrypted repository with what the user has. */
import { decryptAge } from '../codec/age.ts';
import { type KeySlot, type SlotRole, unwrapWithKeyFile, unwrapWithPassphrase } from '../codec/key-slots.ts';
import { RepositoryKeys } from '../codec/keys.ts';
import type { RepositoryParameters } from '../codec/parameters.ts';
import { WrongKeyError } from '../model/errors.ts';
import type { Environment } from './environment.ts';
import { keptKey } from './kept-key.ts';
import { type Secret, secretOfEnvironment, secretOfSettings, secretOfWords } from './key-source.ts';

export interface Unlocked {
  readonly keys: RepositoryKeys;
  /** Undefined for an exported master key and for a key that was kept unlocked. */
  readonly slot: KeySlot | undefined;
}

type Ask = NonNullable<NonNullable<Environment['keySource']>['ask']>;

/** What they have opened, by repository: who has typed a passphrase is not asked again by each snapshot of a daemon. */
const opened = new WeakMap<Ask, Map<string, Unlocked>>();

/** As long as the process lives, in the place of an answer that would open them again. */
export function rememberUnlocked({ keySource }: Environment, repositoryId: string, unlocked: Unlocked): void {
  const ask = keySource?.ask;
  if (ask === undefined) return;
  const known = opened.get(ask) ?? new Map<string, Unlocked>();
  opened.set(ask, known.set(repositoryId, unlocked));
}

export function forgetUnlocked({ keySource }: Environment, repositoryId: string): void {
  if (keySource?.ask !== undefined) opened.get(keySource.ask)?.delete(repositoryId);
}

/**
 * By the flags; a key that was kept unlocked; the environment; the settings; the terminal.
 * @throws WrongKeyError when there is no key, or a wrong one
 */
export async function unlockRepository(
  environment: Environment,
  root: string,
  parameters: RepositoryParameters,
): Promise<Unlocked> {
  const flags = secretOfWords(environment, environment.keySource ?? {});
  if (flags !== undefined) return await unlockWith(flags, root, parameters);
  const kept = keptKey(environment, root, parameters);
  if (kept !== undefined) return { keys: kept, slot: undefined };
  const secret = secretOfEnvironment(environment) ?? secretOfSettings(environment);
  if (secret !== undefined) return await unlockWith(secret, root, parameters);
  return await unlockByAsking(environment, root, parameters);
}

async function unlockByAsking(
  environment: Environment,
  root: string,
  parameters: RepositoryParameters,
): Promise<Unlocked> {
  const ask = environment.keySource?.ask;
  const known = ask && opened.get(ask)?.get(parameters.id);
  if (known !== undefined) return known;
  const unlocked = await unlockWith(await askPassphrase(environment, root), root, parameters);
  rememberUnlocked(environment, parameters.id, unlocked);
  return unlocked;
}

async function askPassphrase(environment: Environment, root: string): Promise<Secret> {
  const ask = environment.keySource?.ask;
  if (ask === undefined) {
    throw new WrongKeyError(
      `Cannot open repository ${root}: it is encrypted, and no key was given`,
      'Give --passphrase-file, --passphrase-command or --key-file, or set EXUVIA_PASSPHRASE or EXUVIA_KEY_FILE.',
    );
  }
  return { kind: 'passphrase', text: await ask(`Passphrase of ${root}: `) };
}

export async function unlockWith(
  secret: Secret,
  root: string,
  parameters: RepositoryParameters,
): Promise<Unlocked> {
  const repositoryId = Buffer.from(parameters.id, 'hex');
  if (secret.kind === 'key-file' && secret.key.kind === 'master-key') {
    const keys = RepositoryKeys.ofMasterKey(secret.key.bytes, repositoryId);
    if (keys.publicKey.toString('hex') !== parameters.encryption?.publicKey) throw wrongKey(secret, root);
    return { keys, slot: undefined };
  }
  // Those that read first: where one secret opens both kinds, the better one counts.
  const slots = parameters.keySlots.toSorted((a, b) => roleOrder(a.role) - roleOrder(b.role));
  for (const slot of slots) {
    const key = await tryUnwrap(slot, secret, repositoryId);
    if (key !== undefined) return { keys: keysOf(slot.role, key, parameters), slot };
  }
  throw wrongKey(secret, root);
}

function roleOrder(role: SlotRole): number {
  return role === 'full' ? 0 : 1;
}

async function tryUnwrap(
  slot: KeySlot,
  secret: Secret,
  repositoryId: Buffer,
): Promise<Uint8Array | undefined> {
  if (slot.type === 'passphrase')
    return secret.kind === 'passphrase' ? unwrapWithPassphrase(slot, secret.text, repositoryId) : undefined;
  if (slot.type === 'key-file')
    return secret.kind === 'key-file' ? unwrapWithKeyFile(slot, secret.key.bytes, repositoryId) : undefined;
  if (secret.kind !== 'identities') return undefined;
  try {
    const file = Buffer.from(slot.wrapped, 'base64');
    return await decryptAge({ identities: secret.identities }, file, `key slot ${slot.id}`);
  } catch (error) {
    if (error instanceof WrongKeyError) return undefined; // the slot is of another recipient
    throw error;
  }
}

function keysOf(role: SlotRole, key: Uint8Array, parameters: RepositoryParameters): RepositoryKeys {
  const repositoryId = Buffer.from(parameters.id, 'hex');
  if (role === 'full') return RepositoryKeys.ofMasterKey(key, repositoryId);
  const publicKey = Buffer.from(parameters.encryption?.publicKey ?? '', 'hex');
  return RepositoryKeys.ofWriterKey(key, repositoryId, publicKey);
}

function wrongKey(secret: Secret, root: string): WrongKeyError {
  const what =
    secret.kind === 'passphrase' ? 'the passphrase is wrong' : `the key in ${secret.place} is another's`;
  return new WrongKeyError(
    `Cannot open repository ${root}: ${what}`,
    'exuvia key list shows what keys the repository has.',
  );
}
