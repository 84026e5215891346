/**
 * Key slots: the key of an encrypted repository, wrapped for whoever may open it. See docs/FORMAT.md, "Encryption".
 *
 * A passphrase goes through scrypt (RFC 7914), a key file through HKDF; what comes out seals the key. For a recipient the key is
 * in an age file (age-encryption.org/v1), which the `age` program opens as well. Slots are in the repository's parameters.
 */
import { DamageError, ExuviaError } from '../model/errors.ts';
import { hashBytes } from './hash.ts';
import { derive, masterKeyBytes } from './keys.ts';
import { nodeCrypto } from './node-crypto.ts';
import { nonceOf, seal, sealTagBytes, unseal } from './sealing.ts';

/** `full` holds the master key, `add` the writer key: it adds snapshots and reads none. */
export type SlotRole = 'full' | 'add';

interface SlotCommon {
  /** 8 hex digits. */
  readonly id: string;
  readonly role: SlotRole;
  readonly label: string;
  readonly created: string;
}

export interface PassphraseSlot extends SlotCommon {
  readonly type: 'passphrase';
  readonly kdf: ScryptParameters;
  /** The sealed key, hex. */
  readonly wrapped: string;
}

export interface KeyFileSlot extends SlotCommon {
  readonly type: 'key-file';
  readonly salt: string;
  readonly wrapped: string;
}

export interface RecipientSlot extends SlotCommon {
  readonly type: 'recipient';
  readonly recipient: string;
  /** An age file, base64. */
  readonly wrapped: string;
}

export type KeySlot = PassphraseSlot | KeyFileSlot | RecipientSlot;

export interface ScryptParameters {
  readonly algorithm: 'scrypt';
  readonly logN: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
}

/** 128 MiB and about 0.4 s: what OWASP asks for (N = 2^17, r = 8, p = 1). */
export const scryptDefaults = { algorithm: 'scrypt', logN: 17, r: 8, p: 1 } as const;
/** More than this is not tried: parameters may be anybody's. */
const scryptBytesMax = 1024 * 1024 * 1024;

const saltBytes = 32;

export function wrapWithPassphrase(
  common: SlotCommon,
  key: Uint8Array,
  passphrase: string,
  salt: Uint8Array,
  repositoryId: Uint8Array,
): PassphraseSlot {
  const kdf = { ...scryptDefaults, salt: Buffer.from(salt).toString('hex') };
  const slot = { ...common, type: 'passphrase', kdf } as const;
  return { ...slot, wrapped: wrap(passphraseKey(passphrase, kdf), slot, key, repositoryId) };
}

export function wrapWithKeyFile(
  common: SlotCommon,
  key: Uint8Array,
  secret: Uint8Array,
  salt: Uint8Array,
  repositoryId: Uint8Array,
): KeyFileSlot {
  const slot = { ...common, type: 'key-file', salt: Buffer.from(salt).toString('hex') } as const;
  return { ...slot, wrapped: wrap(keyFileKey(secret, slot.salt), slot, key, repositoryId) };
}

/** The key in a slot, or undefined when the passphrase is another's. */
export function unwrapWithPassphrase(
  slot: PassphraseSlot,
  passphrase: string,
  repositoryId: Uint8Array,
): Buffer | undefined {
  return unwrap(passphraseKey(passphrase, slot.kdf), slot, repositoryId);
}

export function unwrapWithKeyFile(
  slot: KeyFileSlot,
  secret: Uint8Array,
  repositoryId: Uint8Array,
): Buffer | undefined {
  return unwrap(keyFileKey(secret, slot.salt), slot, repositoryId);
}

/** The same passphrase typed on another system is the same: NFC, as text with accents may come either way. */
function passphraseKey(passphrase: string, { logN, r, p, salt }: ScryptParameters): Buffer {
  const cost = 2 ** logN;
  return nodeCrypto().scryptSync(passphrase.normalize('NFC'), Buffer.from(salt, 'hex'), 32, {
    N: cost,
    r,
    p,
    maxmem: 128 * cost * r + 128 * r * p + 1024 * 1024,
  });
}

function keyFileKey(secret: Uint8Array, salt: string): Buffer {
  return derive(secret, Buffer.from(salt, 'hex'), 'exuvia 1 key file');
}

/** A slot's key wraps once, so that its nonce can be constant. */
function wrap(key: Uint8Array, slot: SlotContext, wrapped: Uint8Array, repositoryId: Uint8Array): string {
  return seal(key, nonceOf(0), contextOf(slot, repositoryId), wrapped).toString('hex');
}

function unwrap(
  key: Uint8Array,
  slot: PassphraseSlot | KeyFileSlot,
  repositoryId: Uint8Array,
): Buffer | undefined {
  try {
    return unseal(
      key,
      nonceOf(0),
      contextOf(slot, repositoryId),
      Buffer.from(slot.wrapped, 'hex'),
      'key slot',
    );
  } catch (error) {
    if (error instanceof DamageError) return undefined; // the key is another slot's
    throw error;
  }
}

type SlotContext = Pick<KeySlot, 'id' | 'type' | 'role'>;

function contextOf({ id, type, role }: SlotContext, repositoryId: Uint8Array): Buffer {
  return Buffer.concat([repositoryId, Buffer.from(`exuvia 1 slot ${id} ${type} ${role}`)]);
}

/** Whether a value from a parameters file is a slot that can be tried without harm. */
export function isKeySlot(value: unknown): value is KeySlot {
  if (typeof value !== 'object' || value === null) return false;
  const slot = value as Readonly<Record<string, unknown>>;
  const isCommon =
    /^[0-9a-f]{8}$/.test(String(slot['id'])) &&
    (slot['role'] === 'full' || slot['role'] === 'add') &&
    typeof slot['label'] === 'string' &&
    typeof slot['created'] === 'string';
  if (!isCommon) return false;
  if (slot['type'] === 'passphrase') return isScrypt(slot['kdf']) && isWrapped(slot['wrapped']);
  if (slot['type'] === 'key-file') return isHex(slot['salt'], saltBytes) && isWrapped(slot['wrapped']);
  return (
    slot['type'] === 'recipient' &&
    typeof slot['recipient'] === 'string' &&
    typeof slot['wrapped'] === 'string'
  );
}

function isScrypt(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { algorithm, logN, r, p, salt } = value as Partial<Record<keyof ScryptParameters, unknown>>;
  if (algorithm !== 'scrypt' || !isHex(salt, saltBytes)) return false;
  if (!isCount(logN) || !isCount(r) || !isCount(p) || logN > 30) return false;
  return 128 * 2 ** logN * r <= scryptBytesMax && p <= 16;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isWrapped(value: unknown): boolean {
  return isHex(value, masterKeyBytes + sealTagBytes);
}

function isHex(value: unknown, bytes: number): boolean {
  return typeof value === 'string' && value.length === bytes * 2 && /^[0-9a-f]*$/.test(value);
}

const keyFilePattern = /^(EXUVIA-KEY|EXUVIA-MASTER-KEY)-1-([0-9A-F]{64})-([0-9A-F]{8})$/m;

/** What a key file of ours holds: a secret of a slot, or (exported) the master key itself. */
export interface KeyFile {
  readonly kind: 'secret' | 'master-key';
  readonly bytes: Buffer;
}

export function formatKeyFile({ kind, bytes }: KeyFile): string {
  const name = kind === 'secret' ? 'EXUVIA-KEY' : 'EXUVIA-MASTER-KEY';
  const hex = bytes.toString('hex').toUpperCase();
  return `${name}-1-${hex}-${checkDigits(name, bytes)}`;
}

/** Undefined when the text has no key of ours. @throws ExuviaError when it has one with a mistake in it */
export function parseKeyFile(text: string, place: string): KeyFile | undefined {
  const found = keyFilePattern.exec(text.trim());
  if (found === null) return undefined;
  const [, name = '', hex = '', digits] = found;
  const bytes = Buffer.from(hex, 'hex');
  if (checkDigits(name, bytes) !== digits) {
    throw new ExuviaError(
      `The key in ${place} has a mistake in it: its last 8 digits do not fit the others`,
      {
        code: 'ERR_KEY_FILE',
        kind: 'wrong-key',
      },
    );
  }
  return { kind: name === 'EXUVIA-KEY' ? 'secret' : 'master-key', bytes };
}

/** So that a key typed from paper is known to be right. */
function checkDigits(name: string, bytes: Uint8Array): string {
  const hash = Buffer.from(hashBytes(Buffer.concat([Buffer.from(`${name} 1 `), bytes])));
  return hash.toString('hex', 0, 4).toUpperCase();
}
