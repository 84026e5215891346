/**
 * The age format (age-encryption.org/v1) by the library of its author: what the `age` program writes can be read here and the
 * other way round. Loaded when it is wanted.
 */
import { ExuviaError, messageOf, WrongKeyError } from '../model/errors.ts';

/** What opens an age file. */
export interface AgeKeys {
  /** Lines `AGE-SECRET-KEY-1…`. */
  readonly identities: readonly string[];
  readonly passphrase?: string | undefined;
}

/** Whom an age file is for: recipients, or whoever knows the passphrase. */
export type AgeTarget = { readonly recipients: readonly string[] } | { readonly passphrase: string };

type Stream = ReadableStream<Uint8Array>;

async function library(): Promise<typeof import('age-encryption')> {
  return await import('age-encryption');
}

/** The first bytes of every age file that is not armored. */
export const ageMagic = 'age-encryption.org/v1';

/** @throws ExuviaError for what is no recipient */
export async function checkRecipient(recipient: string): Promise<void> {
  await encrypterFor({ recipients: [recipient] });
}

export async function encryptAge(target: AgeTarget, bytes: Uint8Array): Promise<Uint8Array> {
  return await (await encrypterFor(target)).encrypt(bytes);
}

export async function encryptAgeStream(target: AgeTarget, bytes: Stream): Promise<Stream> {
  return await (await encrypterFor(target)).encrypt(bytes);
}

async function encrypterFor(target: AgeTarget): Promise<import('age-encryption').Encrypter> {
  const { Encrypter } = await library();
  const encrypter = new Encrypter();
  if ('passphrase' in target) {
    encrypter.setPassphrase(target.passphrase);
    return encrypter;
  }
  for (const recipient of target.recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (error) {
      throw new ExuviaError(`${JSON.stringify(recipient)} is not a recipient of age: ${messageOf(error)}`, {
        code: 'ERR_RECIPIENT',
        kind: 'usage',
        hint: 'Want what age-keygen -y prints: age1 and 58 letters and digits.',
      });
    }
  }
  return encrypter;
}

/** @throws WrongKeyError when none of the keys opens it */
export async function decryptAge(keys: AgeKeys, bytes: Uint8Array, place: string): Promise<Uint8Array> {
  const decrypter = await decrypterFor(keys, place);
  try {
    return await decrypter.decrypt(bytes);
  } catch (error) {
    throw asOurs(error, place);
  }
}

/** The header is read, and with it the key tried, before this returns. */
export async function decryptAgeStream(keys: AgeKeys, bytes: Stream, place: string): Promise<Stream> {
  const decrypter = await decrypterFor(keys, place);
  try {
    return await decrypter.decrypt(bytes);
  } catch (error) {
    throw asOurs(error, place);
  }
}

async function decrypterFor(
  { identities, passphrase }: AgeKeys,
  place: string,
): Promise<import('age-encryption').Decrypter> {
  const { Decrypter } = await library();
  const decrypter = new Decrypter();
  if (passphrase !== undefined) decrypter.addPassphrase(passphrase);
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity);
    } catch (error) {
      throw new WrongKeyError(
        `An identity for ${place} is none of age: ${messageOf(error)}`,
        'Want lines AGE-SECRET-KEY-1…, as age-keygen writes them.',
      );
    }
  }
  return decrypter;
}

function asOurs(error: unknown, place: string): unknown {
  const message = messageOf(error);
  if (/no identity matched/.test(message)) {
    return new WrongKeyError(
      `Cannot open ${place}: the key does not fit`,
      'Give the identity or the passphrase that it was encrypted for.',
      error,
    );
  }
  return new ExuviaError(`Cannot read ${place}: ${message}`, { code: 'ERR_AGE', cause: error });
}

/** The identities in a file as age-keygen writes it: lines, and comments that begin with #. */
export function parseIdentities(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => /^AGE-SECRET-KEY-/i.test(line));
}
