/** Making keys: of a new encrypted repository, and one more slot of one that is there. */
import { existsSync } from 'node:fs';
import { checkRecipient, encryptAge } from '../codec/age.ts';
import {
  formatKeyFile,
  type KeySlot,
  type SlotRole,
  wrapWithKeyFile,
  wrapWithPassphrase,
} from '../codec/key-slots.ts';
import { masterKeyBytes, RepositoryKeys } from '../codec/keys.ts';
import { encryptionFeature, type RepositoryParameters } from '../codec/parameters.ts';
import { sealParameters } from '../codec/parameters-seal.ts';
import { publishFile, temporaryBeside } from '../io/files.ts';
import { UsageError, WrongKeyError } from '../model/errors.ts';
import { newParameters, newRepositoryId } from '../repository/parameters-file.ts';
import type { Environment } from './environment.ts';
import {
  encryptionSettings,
  type KeyWords,
  type Secret,
  secretOfEnvironment,
  secretOfSettings,
  secretOfWords,
} from './key-source.ts';
import { resolvePath } from './places.ts';
import { rememberUnlocked } from './unlock.ts';

/** Whom a slot is for. */
export type NewSecret = Secret | { readonly kind: 'recipient'; readonly recipient: string };

export interface NewRepository {
  readonly parameters: RepositoryParameters;
  readonly keys: RepositoryKeys;
}

/** Parameters with one slot, for the secret that the user gives. */
export async function newEncryptedRepository(environment: Environment, root: string): Promise<NewRepository> {
  const secret = await firstSecret(environment, root);
  const id = newRepositoryId(environment.random);
  const keys = RepositoryKeys.ofMasterKey(environment.random(masterKeyBytes), Buffer.from(id, 'hex'));
  const slot = await newSlot(environment, keys, secret, { role: 'full', label: '' });
  rememberUnlocked(environment, id, { keys, slot });
  const parameters = { ...newParameters(id, environment.clock.nowMs()), keySlots: [slot] };
  return { parameters: sealParameters({ ...parameters, requiredFeatures: [encryptionFeature] }, keys), keys };
}

/** A key file that is not there yet is made. */
async function firstSecret(environment: Environment, root: string): Promise<Secret> {
  const source = environment.keySource ?? {};
  makeKeyFile(environment, source);
  makeKeyFile(environment, { keyFile: environment.env['EXUVIA_KEY_FILE'] });
  const flags = secretOfWords(environment, source);
  if (flags !== undefined) return flags;
  if (environment.env['EXUVIA_PASSPHRASE'] === undefined)
    makeKeyFile(environment, { keyFile: encryptionSettings(environment)?.keyFile });
  const secret = secretOfEnvironment(environment) ?? secretOfSettings(environment);
  return secret ?? (await askNewPassphrase(environment, `New passphrase for ${root}`));
}

/** Makes a key file where a name was given and nothing is. Whoever loses it loses the backups, so it is said. */
export function makeKeyFile(environment: Environment, { keyFile }: KeyWords): void {
  if (!keyFile) return;
  const path = resolvePath(environment, keyFile);
  if (existsSync(path)) return;
  const text = formatKeyFile({ kind: 'secret', bytes: Buffer.from(environment.random(masterKeyBytes)) });
  const unique = Buffer.from(environment.random(6)).toString('hex');
  publishFile(path, Buffer.from(`${text}\n`), temporaryBeside(path, unique));
  environment.progress.warn(
    `${path} is new: nothing can be restored without this key, so keep a copy of it elsewhere`,
  );
}

export async function askNewPassphrase(environment: Environment, question: string): Promise<Secret> {
  const ask = environment.keySource?.ask;
  if (ask === undefined) {
    throw new WrongKeyError(
      'No key was given for the repository to be encrypted with',
      'Give --passphrase-file, --passphrase-command or --key-file, or set EXUVIA_PASSPHRASE or EXUVIA_KEY_FILE.',
    );
  }
  const text = await ask(`${question}: `);
  if (text === '') throw new UsageError('An empty passphrase keeps nobody out');
  if ((await ask('The same again: ')) !== text)
    throw new UsageError('The two passphrases differ; nothing was done');
  return { kind: 'passphrase', text };
}

export async function newSlot(
  environment: Environment,
  keys: RepositoryKeys,
  secret: NewSecret,
  options: { readonly role: SlotRole; readonly label: string },
): Promise<KeySlot> {
  const { random, clock } = environment;
  const common = {
    id: Buffer.from(random(4)).toString('hex'),
    role: options.role,
    label: options.label,
    created: new Date(clock.nowMs()).toISOString(),
  };
  const key = options.role === 'full' ? keys.masterKey : keys.writerKey;
  if (key === undefined)
    throw new UsageError('A key that only adds snapshots cannot give a key that reads them');
  if (secret.kind === 'passphrase')
    return wrapWithPassphrase(common, key, secret.text, random(32), keys.repositoryId);
  if (secret.kind === 'recipient') return await recipientSlot(common, key, secret.recipient);
  if (secret.kind === 'identities')
    throw new UsageError(
      `${secret.place} holds identities of age`,
      'Name whom the key is for with --recipient age1….',
    );
  if (secret.key.kind === 'master-key')
    throw new UsageError(`${secret.place} is an exported master key; want another file for a slot`);
  return wrapWithKeyFile(common, key, secret.key.bytes, random(32), keys.repositoryId);
}

async function recipientSlot(
  common: Pick<KeySlot, 'id' | 'role' | 'label' | 'created'>,
  key: Uint8Array,
  recipient: string,
): Promise<KeySlot> {
  await checkRecipient(recipient);
  const file = Buffer.from(await encryptAge({ recipients: [recipient] }, key));
  return { ...common, type: 'recipient', recipient, wrapped: file.toString('base64') };
}
