/**
 * Repository parameters: `exuvia-repository.json`, written once. JSON for people; canonical for machines: the file must
 * be exactly what `formatParameters` makes of its content, checksum included, so that no byte can change unseen.
 */
import { ParametersDamageError, RepositoryFormatError } from '../model/errors.ts';
import { byteStringOf } from '../model/paths.ts';
import { hashBytes } from './hash.ts';
import { isKeySlot, type KeySlot } from './key-slots.ts';

export const formatName = 'exuvia repository';
export const formatVersion = 1;
export const repositoryIdPattern = /^[0-9a-f]{32}$/;

export interface CutParameters {
  readonly name: string;
  readonly minBytes: number;
  readonly avgBytes: number;
  readonly maxBytes: number;
}

export interface RepositoryParameters {
  readonly format: typeof formatName;
  readonly version: number;
  /** 128 random bits, hex. */
  readonly id: string;
  readonly created: string;
  /** A reader that does not know one of these must refuse. */
  readonly requiredFeatures: readonly string[];
  readonly hash: string;
  readonly chunker: { readonly algorithm: string; readonly profiles: readonly CutParameters[] };
  readonly compression: { readonly codec: 'zstd'; readonly level: number };
  /** Wrapped keys of an encrypted repository; empty otherwise. */
  readonly keySlots: readonly KeySlot[];
  /** With the feature `encryption`. */
  readonly encryption?: EncryptionParameters;
}

export interface EncryptionParameters {
  readonly cipher: 'aes-256-gcm';
  /** X25519, hex. */
  readonly publicKey: string;
  /** HMAC-SHA256 of the other members, hex: see parameters-seal.ts. */
  readonly seal: string;
}

export const encryptionFeature = 'encryption';
export const knownFeatures: ReadonlySet<string> = new Set([encryptionFeature]);

export function isEncrypted(parameters: RepositoryParameters): boolean {
  return parameters.requiredFeatures.includes(encryptionFeature);
}

/** The members in their order, which is that of the file. */
function membersOf(parameters: RepositoryParameters): RepositoryParameters {
  const { format, version, id, created, requiredFeatures, hash, chunker, compression, keySlots } = parameters;
  const members = { format, version, id, created, requiredFeatures, hash, chunker, compression, keySlots };
  if (parameters.encryption === undefined) return members;
  const { cipher, publicKey, seal } = parameters.encryption;
  return { ...members, encryption: { cipher, publicKey, seal } };
}

/** What the seal of encrypted parameters is made of. */
export function sealedText(parameters: RepositoryParameters): string {
  const { encryption, ...members } = membersOf(parameters);
  return JSON.stringify({ ...members, encryption: { ...encryption, seal: '' } });
}

export function formatParameters(parameters: RepositoryParameters): string {
  const members = membersOf(parameters);
  return `${JSON.stringify({ ...members, checksum: checksumOf({ ...members }) }, undefined, 2)}\n`;
}

function checksumOf(members: Readonly<Record<string, unknown>>): string {
  return Buffer.from(hashBytes(Buffer.from(JSON.stringify(members)))).toString('hex');
}

/** @throws NoRepository…, RepositoryFormatError or ParametersDamageError, each with the path. */
export function parseParameters(text: string, path: string): RepositoryParameters {
  const found = parseObject(text, path);
  if (found['format'] !== formatName)
    throw new ParametersDamageError(path, `it does not say "${formatName}"`);
  checkVersion(found, path);
  const parameters = found as unknown as RepositoryParameters;
  if (!hasShape(found) || formatParameters(parameters) !== text) {
    throw new ParametersDamageError(path, 'its checksum does not match its content');
  }
  return parameters;
}

function parseObject(text: string, path: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ParametersDamageError(path, 'it is not JSON', error);
  }
  if (typeof value !== 'object' || value === null)
    throw new ParametersDamageError(path, 'it is not a JSON object');
  return value as Record<string, unknown>;
}

function checkVersion(found: Readonly<Record<string, unknown>>, path: string): void {
  const version = found['version'];
  const { checksum, ...members } = found;
  const doubt = { isChecksumWrong: checksum !== checksumOf(members) };
  if (typeof version === 'number' && version > formatVersion) {
    throw new RepositoryFormatError(
      path,
      `format version ${version}, this program reads up to ${formatVersion}`,
      doubt,
    );
  }
  const features = found['requiredFeatures'];
  if (!Array.isArray(features)) return;
  const unknown = features.filter((feature) => !knownFeatures.has(String(feature)));
  if (unknown.length > 0) {
    const names = byteStringOf(unknown.map(String).join(', '));
    const detail = `it needs the feature ${names}, which this program does not have`;
    throw new RepositoryFormatError(path, detail, doubt);
  }
}

function hasShape(found: Readonly<Record<string, unknown>>): boolean {
  const { version, id, created, requiredFeatures, hash, chunker, compression, keySlots } = found;
  return (
    version === formatVersion &&
    typeof id === 'string' &&
    repositoryIdPattern.test(id) &&
    typeof created === 'string' &&
    Array.isArray(requiredFeatures) &&
    hash === 'blake3-256' &&
    isRecord(chunker) &&
    Array.isArray(chunker['profiles']) &&
    isRecord(compression) &&
    typeof compression['level'] === 'number' &&
    Array.isArray(keySlots) &&
    hasKeys(found, Array.isArray(requiredFeatures) && requiredFeatures.includes(encryptionFeature))
  );
}

function hasKeys({ keySlots, encryption }: Readonly<Record<string, unknown>>, isEncrypted: boolean): boolean {
  const slots = keySlots as unknown[];
  if (!isEncrypted) return slots.length === 0 && encryption === undefined;
  return (
    slots.every(isKeySlot) &&
    isRecord(encryption) &&
    encryption['cipher'] === 'aes-256-gcm' &&
    isHexOf32(encryption['publicKey']) &&
    isHexOf32(encryption['seal'])
  );
}

function isHexOf32(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
