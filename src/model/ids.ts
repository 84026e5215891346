import { UsageError } from './errors.ts';

declare const blobIdTag: unique symbol;
declare const snapshotIdTag: unique symbol;
declare const packIdTag: unique symbol;

/** Name of a blob: the (keyed, when encrypted) BLAKE3-256 of its bytes, as 64 lower-case hex digits. */
export type BlobId = string & { readonly [blobIdTag]: true };
/** Name of a snapshot: the BLAKE3-256 of its record, as 64 lower-case hex digits. */
export type SnapshotId = string & { readonly [snapshotIdTag]: true };
/** Name of a pack: 128 random bits, as 32 lower-case hex digits. */
export type PackId = string & { readonly [packIdTag]: true };

export const idBytes = 32;
export const packIdBytes = 16;
const idDigits = 2 * idBytes;

const hex64 = /^[0-9a-f]{64}$/;
const hex32 = /^[0-9a-f]{32}$/;

export function parseBlobId(text: string): BlobId {
  if (!hex64.test(text)) throw new UsageError(`Not a blob id: ${JSON.stringify(text)}; want 64 hex digits`);
  return text as BlobId;
}

export function parsePackId(text: string): PackId {
  if (!hex32.test(text)) throw new UsageError(`Not a pack id: ${JSON.stringify(text)}; want 32 hex digits`);
  return text as PackId;
}

/** The blob id held by 32 bytes of `bytes` at `offset`. */
export function blobIdFromBytes(bytes: Uint8Array, offset = 0): BlobId {
  return asBuffer(bytes).toString('hex', offset, offset + idBytes) as BlobId;
}

/** As many ids, one behind the other. They share the memory of their text: for who keeps all of them or none. */
export function blobIdsFromBytes(bytes: Uint8Array, offset: number, count: number): BlobId[] {
  const text = asBuffer(bytes).toString('hex', offset, offset + idBytes * count);
  return Array.from({ length: count }, (_, at) => text.slice(idDigits * at, idDigits * (at + 1)) as BlobId);
}

/** The pack id held by 16 bytes of `bytes` at `offset`. */
export function packIdFromBytes(bytes: Uint8Array, offset = 0): PackId {
  return asBuffer(bytes).toString('hex', offset, offset + packIdBytes) as PackId;
}

export function idToBytes(id: BlobId | SnapshotId | PackId): Buffer {
  return Buffer.from(id, 'hex');
}

/** A Buffer over the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
