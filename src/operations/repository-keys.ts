/** `exuvia key …`: the keys of an encrypted repository, and the one that is kept unlocked for a while. */
import { existsSync } from 'node:fs';
import { formatKeyFile, type KeySlot } from '../codec/key-slots.ts';
import type { RepositoryKeys } from '../codec/keys.ts';
import { isEncrypted, type RepositoryParameters } from '../codec/parameters.ts';
import { checkParametersSeal, sealParameters } from '../codec/parameters-seal.ts';
import { publishFile, temporaryBeside } from '../io/files.ts';
import { ExuviaError, NoRepositoryError, UsageError } from '../model/errors.ts';
import { finishConversion } from '../repository/conversion.ts';
import { repositoryLayout } from '../repository/layout.ts';
import { findParametersIn } from '../repository/parameters-file.ts';
import { Repository } from '../repository/repository.ts';
import type { Environment } from './environment.ts';
import { dropKeptKeys, type KeepPlace, keepKey } from './kept-key.ts';
import { secretOfWords } from './key-source.ts';
import { askNewPassphrase, makeKeyFile, type NewSecret, newSlot } from './new-keys.ts';
import { findHome, findRepository, type PlaceOptions, resolvePath } from './places.ts';
import { forgetUnlocked, type Unlocked, unlockRepository } from './unlock.ts';

/** Without the wrapped key. */
export type ListedKey = Pick<KeySlot, 'id' | 'type' | 'role' | 'label' | 'created'> & {
  /** Of a recipient. */
  readonly recipient?: string;
};

export interface ListedKeys {
  readonly repository: string;
  readonly keys: readonly ListedKey[];
}

/** Whom a key is added for; asked at the terminal without any. */
export interface NewKeyWords {
  readonly newKeyFile?: string;
  readonly newPassphraseFile?: string;
  readonly newPassphraseCommand?: string;
  readonly recipient?: string;
  readonly label?: string;
  /** The key adds snapshots and reads none. */
  readonly addOnly?: boolean;
}

/** What everybody who has the repository can see; needs no key. */
export function listKeys(environment: Environment, options: PlaceOptions): ListedKeys {
  const { root, parameters } = findEncrypted(environment, options);
  return { repository: root, keys: parameters.keySlots.map(listed) };
}

export async function addKey(
  environment: Environment,
  options: PlaceOptions & NewKeyWords,
): Promise<{ readonly repository: string; readonly added: ListedKey }> {
  const { root, parameters } = findEncrypted(environment, options);
  const { keys } = await unlockRepository(environment, root, parameters);
  const slot = await slotOf(environment, root, keys, options);
  await writeSlots(environment, root, keys, (slots) => [...slots, slot]);
  return { repository: root, added: listed(slot) };
}

/** Whoever has a copy of the old parameters and the old key can still open what was stored: a key is not taken back from there. */
export async function removeKey(
  environment: Environment,
  options: PlaceOptions,
  name: string,
): Promise<{ readonly repository: string; readonly removed: ListedKey }> {
  const { root, parameters } = findEncrypted(environment, options);
  const { keys } = await unlockRepository(environment, root, parameters);
  const slot = findSlot(parameters, name);
  await writeSlots(environment, root, keys, (slots) => {
    const rest = slots.filter(({ id }) => id !== slot.id);
    if (rest.some(({ role }) => role === 'full')) return rest;
    throw new ExuviaError(`Key ${slot.id} is the last one: without it nothing could be restored`, {
      code: 'ERR_LAST_KEY',
      hint: 'Add another with exuvia key add, then remove this one.',
    });
  });
  dropKeys(environment, root, parameters.id);
  return { repository: root, removed: listed(slot) };
}

/** @param name the key to replace; without it the one that opens the repository now */
export async function changeKey(
  environment: Environment,
  options: PlaceOptions & NewKeyWords,
  name: string | undefined,
): Promise<{ readonly repository: string; readonly removed: ListedKey; readonly added: ListedKey }> {
  const { root, parameters } = findEncrypted(environment, options);
  const unlocked = await unlockRepository(environment, root, parameters);
  const old = slotToChange(parameters, unlocked, name);
  const label = options.label ?? old.label;
  const slot = await slotOf(environment, root, unlocked.keys, {
    ...options,
    label,
    addOnly: old.role === 'add',
  });
  await writeSlots(environment, root, unlocked.keys, (slots) => [
    ...slots.filter(({ id }) => id !== old.id),
    slot,
  ]);
  dropKeys(environment, root, parameters.id);
  return { repository: root, removed: listed(old), added: listed(slot) };
}

function slotToChange(
  parameters: RepositoryParameters,
  { slot }: Unlocked,
  name: string | undefined,
): KeySlot {
  if (name !== undefined) return findSlot(parameters, name);
  if (slot !== undefined) return slot;
  throw new UsageError('Which key is to be changed?', 'Name it: exuvia key list shows them.');
}

/** Writes the master key to a new file: whoever has it can read the repository, whatever keys are removed. */
export async function exportKey(
  environment: Environment,
  options: PlaceOptions,
  file: string,
): Promise<{ readonly repository: string; readonly path: string }> {
  const { root, parameters } = findEncrypted(environment, options);
  const { keys } = await unlockRepository(environment, root, parameters);
  if (keys.masterKey === undefined)
    throw new UsageError('A key that only adds snapshots cannot export the key that reads them');
  const path = resolvePath(environment, file);
  if (existsSync(path)) {
    throw new ExuviaError(`There is a file already: ${path}`, {
      code: 'ERR_EXISTS',
      hint: 'Name another file.',
    });
  }
  const key = formatKeyFile({ kind: 'master-key', bytes: keys.masterKey });
  const text = `# Master key of the exuvia repository ${parameters.id}: opens it with --key-file\n${key}\n`;
  const unique = Buffer.from(environment.random(6)).toString('hex');
  publishFile(path, Buffer.from(text), temporaryBeside(path, unique));
  return { repository: root, path };
}

export async function unlockForAWhile(
  environment: Environment,
  options: PlaceOptions,
  keep: { readonly place: KeepPlace; readonly forMs: number },
): Promise<{ readonly repository: string; readonly path: string; readonly until: string }> {
  const { root, parameters } = findEncrypted(environment, options);
  const { keys } = await unlockRepository(environment, root, parameters);
  checkParametersSeal(parameters, keys, root);
  const path = keepKey(environment, root, keys, keep);
  const until = new Date(environment.clock.nowMs() + keep.forMs).toISOString();
  return { repository: root, path, until };
}

export function lockAgain(
  environment: Environment,
  options: PlaceOptions,
): { readonly repository: string; readonly dropped: number } {
  const { root, parameters } = findEncrypted(environment, options);
  return { repository: root, dropped: dropKeys(environment, root, parameters.id) };
}

/** Returns how many were kept. */
function dropKeys(environment: Environment, root: string, repositoryId: string): number {
  forgetUnlocked(environment, repositoryId);
  return dropKeptKeys(environment, root, repositoryId);
}

function findEncrypted(
  environment: Environment,
  options: PlaceOptions,
): { readonly root: string; readonly parameters: RepositoryParameters } {
  const root = findRepository(environment, options, findHome(environment, options));
  finishConversion(repositoryLayout(root), environment.lockWaitMs);
  const parameters = findParametersIn(root);
  if (parameters === undefined) throw new NoRepositoryError(root);
  if (!isEncrypted(parameters))
    throw new UsageError(
      `Repository ${root} is not encrypted`,
      'Run exuvia repository encrypt to convert it.',
    );
  return { root, parameters };
}

function listed(slot: KeySlot): ListedKey {
  const { id, type, role, label, created } = slot;
  return {
    id,
    type,
    role,
    label,
    created,
    ...(slot.type === 'recipient' ? { recipient: slot.recipient } : {}),
  };
}

function findSlot({ keySlots }: RepositoryParameters, name: string): KeySlot {
  const found = keySlots.filter(({ id, label }) => id.startsWith(name) || label === name);
  const [slot] = found;
  if (slot !== undefined && found.length === 1 && name !== '') return slot;
  const what = found.length === 0 ? 'no key' : `${found.length} keys`;
  throw new UsageError(
    `${what} of the repository is called ${JSON.stringify(name)}`,
    'exuvia key list shows them.',
  );
}

async function slotOf(
  environment: Environment,
  root: string,
  keys: RepositoryKeys,
  words: NewKeyWords,
): Promise<KeySlot> {
  const secret = await newSecretOf(environment, root, words);
  return await newSlot(environment, keys, secret, {
    role: words.addOnly ? 'add' : 'full',
    label: words.label ?? '',
  });
}

async function newSecretOf(environment: Environment, root: string, words: NewKeyWords): Promise<NewSecret> {
  const { newKeyFile, newPassphraseFile, newPassphraseCommand, recipient } = words;
  const given = [newKeyFile, newPassphraseFile, newPassphraseCommand, recipient];
  if (given.filter((word) => word !== undefined).length > 1)
    throw new UsageError(
      'Want one new key: --new-key-file, --new-passphrase-file, --new-passphrase-command or --recipient',
    );
  if (recipient !== undefined) return { kind: 'recipient', recipient };
  makeKeyFile(environment, { keyFile: newKeyFile });
  const secret = secretOfWords(environment, {
    keyFile: newKeyFile,
    passphraseFile: newPassphraseFile,
    passphraseCommand: newPassphraseCommand,
  });
  return secret ?? (await askNewPassphrase(environment, `New passphrase for ${root}`));
}

/** Alone among those who change keys: what another has written meanwhile is not lost. */
async function writeSlots(
  environment: Environment,
  root: string,
  keys: RepositoryKeys,
  change: (slots: readonly KeySlot[]) => readonly KeySlot[],
): Promise<void> {
  const { lockWaitMs, random, clock } = environment;
  const options = { mode: 'maintain', lockWaitMs, random, nowMs: clock.nowMs(), keys } as const;
  await using repository = Repository.open(root, options);
  using _only = repository.maintenance.lock(lockWaitMs);
  const parameters = findParametersIn(root) ?? repository.parameters;
  checkParametersSeal(parameters, keys, root);
  const next = sealParameters({ ...parameters, keySlots: change(parameters.keySlots) }, keys);
  repository.maintenance.replaceParameters(next);
}
