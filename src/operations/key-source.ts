/**
 * Where the key of an encrypted repository comes from: flags, the environment, the settings of the home, or the terminal. Never
 * from the command line itself, which everybody on the machine can read.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AgeKeys, parseIdentities } from '../codec/age.ts';
import { type KeyFile, parseKeyFile } from '../codec/key-slots.ts';
import { ExuviaError, FileSystemError, UsageError, WrongKeyError } from '../model/errors.ts';
import type { EncryptionSettings } from '../openclaw/settings.ts';
import type { Environment } from './environment.ts';
import { findHome, type PlaceOptions, resolvePath } from './places.ts';
import { loadSettings } from './settings.ts';
import { isUntrusted } from './trusted-settings.ts';

const require = createRequire(import.meta.url);

/** What a command was told about keys. */
export interface KeyWords {
  readonly keyFile?: string | undefined;
  readonly passphraseFile?: string | undefined;
  readonly passphraseCommand?: string | undefined;
}

export interface KeySource extends KeyWords {
  /** Whose settings count when nothing else is said. */
  readonly places?: PlaceOptions;
  /** Of an archive: identities of age, and a passphrase. */
  readonly identity?: string | undefined;
  readonly archivePassphraseFile?: string | undefined;
  /** Asks somebody at the terminal, without showing what is typed; absent where nobody is there. */
  readonly ask?: (question: string) => Promise<string>;
}

export type Secret =
  | { readonly kind: 'passphrase'; readonly text: string }
  | { readonly kind: 'key-file'; readonly place: string; readonly key: KeyFile }
  | { readonly kind: 'identities'; readonly place: string; readonly identities: readonly string[] };

const secretBytesMax = 64 * 1024;

/** What the flags say; undefined without any. @throws UsageError for two of them */
export function secretOfWords(environment: Environment, words: KeyWords): Secret | undefined {
  const given = Object.entries({
    '--key-file': words.keyFile,
    '--passphrase-file': words.passphraseFile,
    '--passphrase-command': words.passphraseCommand,
  }).filter(([, value]) => value !== undefined);
  const [first, second] = given;
  if (first === undefined) return undefined;
  if (second !== undefined) throw new UsageError(`Want one key, not both ${first[0]} and ${second[0]}`);
  if (words.keyFile !== undefined) return readKeyFile(resolvePath(environment, words.keyFile));
  if (words.passphraseFile !== undefined)
    return passphraseOf(readSecret(resolvePath(environment, words.passphraseFile)), words.passphraseFile);
  return runPassphraseCommand(environment, words.passphraseCommand ?? '');
}

export function secretOfEnvironment(environment: Environment): Secret | undefined {
  const { EXUVIA_KEY_FILE: keyFile, EXUVIA_PASSPHRASE: passphrase } = environment.env;
  if (keyFile) return readKeyFile(resolvePath(environment, keyFile));
  return passphrase ? { kind: 'passphrase', text: passphrase } : undefined;
}

/** Of the home that the command is about. A command that a restore or an import brought does not run. */
export function secretOfSettings(environment: Environment): Secret | undefined {
  const { keyFile, passphraseFile, passphraseCommand } = encryptionSettings(environment) ?? {};
  if (passphraseCommand === undefined) return secretOfWords(environment, { keyFile, passphraseFile });
  const loaded = loadSettings(findHome(environment, environment.keySource?.places ?? {}));
  const file = loaded.files[loaded.origins.encryption];
  if (file !== undefined && isUntrusted(environment, file)) {
    throw new WrongKeyError(
      `passphraseCommand of ${file.path} is not run: the file came with a restore or an import`,
      'Look at it, then run exuvia settings trust.',
    );
  }
  return secretOfWords(environment, { keyFile, passphraseFile, passphraseCommand });
}

/** Undefined when encryption is not wanted. */
export function encryptionSettings(environment: Environment): EncryptionSettings | undefined {
  const places = environment.keySource?.places;
  if (places === undefined) return undefined;
  const { encryption } = loadSettings(findHome(environment, places)).settings;
  if (encryption === false) return undefined;
  return encryption === true ? {} : encryption;
}

/** What opens an encrypted archive. The passphrase is asked for once, though the archive may be opened twice. */
export async function archiveKeys(environment: Environment, place: string): Promise<AgeKeys> {
  const { identity, ask } = environment.keySource ?? {};
  const given = archivePassphrase(environment);
  if (identity !== undefined) {
    const secret = readKeyFile(resolvePath(environment, identity));
    if (secret.kind === 'identities') return { identities: secret.identities, passphrase: given };
    throw new WrongKeyError(
      `${secret.kind === 'key-file' ? secret.place : identity} holds no identity of age`,
      wantIdentity,
    );
  }
  if (given !== undefined) return { identities: [], passphrase: given };
  if (ask === undefined) throw new WrongKeyError(`${place} is encrypted, and no key was given`, wantIdentity);
  const asked = askedPassphrases.get(place) ?? (await ask(`Passphrase of ${place}: `));
  askedPassphrases.set(place, asked);
  return { identities: [], passphrase: asked };
}

const wantIdentity = 'Give --identity or --archive-passphrase-file, or set EXUVIA_ARCHIVE_PASSPHRASE.';
const askedPassphrases = new Map<string, string>();

export function archivePassphrase(environment: Environment): string | undefined {
  const { archivePassphraseFile } = environment.keySource ?? {};
  if (archivePassphraseFile === undefined) return environment.env['EXUVIA_ARCHIVE_PASSPHRASE'] || undefined;
  const path = resolvePath(environment, archivePassphraseFile);
  const secret = passphraseOf(readSecret(path), path);
  return secret.kind === 'passphrase' ? secret.text : undefined;
}

/** A key file of ours, or identities of age. */
export function readKeyFile(path: string): Secret {
  const text = readSecret(path);
  const key = parseKeyFile(text, path);
  if (key !== undefined) return { kind: 'key-file', place: path, key };
  const identities = parseIdentities(text);
  if (identities.length > 0) return { kind: 'identities', place: path, identities };
  throw new WrongKeyError(
    `There is no key in ${path}`,
    'Want a file that exuvia key made, or identities of age (AGE-SECRET-KEY-1…).',
  );
}

function readSecret(path: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > secretBytesMax)
      throw new UsageError(`${path} is ${bytes.length} bytes long, which is too much for a key`);
    return bytes.toString('utf8');
  } catch (error) {
    throw error instanceof ExuviaError ? error : new FileSystemError('read', path, error);
  }
}

/** The first line, without its end. */
function passphraseOf(text: string, place: string): Secret {
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  if (line === '') throw new UsageError(`There is no passphrase in ${place}: its first line is empty`);
  return { kind: 'passphrase', text: line };
}

const commandLimitMs = 60_000;

function runPassphraseCommand(environment: Environment, command: string): Secret {
  const { spawnSync } = require('node:child_process') as typeof import('node:child_process');
  const { status, stdout, error } = spawnSync(command, {
    shell: true,
    cwd: environment.cwd,
    env: environment.env,
    stdio: ['inherit', 'pipe', 'inherit'],
    timeout: commandLimitMs,
    maxBuffer: secretBytesMax,
    encoding: 'utf8',
  });
  if (status !== 0) {
    const how = error === undefined ? `exit code ${status}` : error.message;
    throw new WrongKeyError(
      `The command for the passphrase failed: ${how}`,
      'It is to print the passphrase as its first line and end with 0.',
    );
  }
  return passphraseOf(stdout, 'what the command for the passphrase printed');
}
