/**
 * The age format (age-encryption.org/v1) by the library of its author: what the `age` program writes can be read here and the
 * other way round. Loaded when it is wanted.
 */
import { ExuviaError, invariant, messageOf, WrongKeyError } from '../model/errors.ts';

/** What opens an age file. */
export interface AgeKeys {
  /** Lines `AGE-SECRET-KEY-1…`. */
  readonly identities: readonly string[];
  readonly passphrase?: string | undefined;
}

/** Whom an age file is for: recipients, or whoever knows the passphrase. */
export type AgeTarget = { readonly recipients: readonly string[] } | { readonly passphrase: string };

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

/** The header of a new age file, and the key of its payload: see age-stream.ts. */
export async function newAgeFile(
  target: AgeTarget,
): Promise<{ readonly header: Uint8Array; readonly fileKey: Uint8Array }> {
  const encrypter = await encrypterFor(target);
  let fileKey: Uint8Array | undefined;
  if ('recipients' in target) {
    encrypter.addRecipient({
      wrapFileKey: (key) => {
        fileKey = key.slice();
        return [];
      },
    });
  }
  const empty = await encrypter.encrypt(new Uint8Array(0));
  const header = empty.subarray(0, empty.length - emptyPayloadBytes);
  if ('passphrase' in target)
    fileKey = await openAgeHeader({ identities: [], passphrase: target.passphrase }, header, 'archive');
  invariant(fileKey !== undefined, 'a header wraps its key');
  return { header, fileKey };
}

/** A nonce of 16 bytes, and the tag of a last chunk that is empty. */
const emptyPayloadBytes = 32;

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

/** The key of the payload. @throws WrongKeyError when none of the keys opens the header */
export async function openAgeHeader(keys: AgeKeys, header: Uint8Array, place: string): Promise<Uint8Array> {
  const decrypter = await decrypterFor(keys, place);
  try {
    return await decrypter.decryptHeader(header);
  } catch (error) {
    throw asOurs(error, place);
  }
}

const headerEnd = Buffer.from('\n---');

/** Length of the header that `start`, the first bytes of a file, begins with; undefined when it does not end there. */
export function ageHeaderBytes(start: Buffer): number | undefined {
  const end = start.indexOf(headerEnd);
  const newline = end < 0 ? -1 : start.indexOf(10, end + 1);
  return newline < 0 ? undefined : newline + 1;
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
