/**
 * BLAKE3-256. The native implementation where its binary loads (about 5 GB/s), @noble/hashes where it does not
 * (about 36 MB/s, the same ids). `EXUVIA_HASH=portable` asks for the second, for tests and for doubt.
 */
import { createRequire } from 'node:module';
import { asBuffer, type BlobId } from '../model/ids.ts';

/** Hash of bytes that come in pieces. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** The 32 bytes of what has come until now; more may come. */
  digestSoFar(): Uint8Array;
  /** The 32 bytes; the hasher cannot be used afterwards. */
  digest(): Uint8Array;
}

/** BLAKE3 in its keyed mode. */
export interface KeyedHash {
  hash(bytes: Uint8Array): Uint8Array;
  hashText(bytes: Uint8Array): string;
}

export interface HashBackend {
  readonly name: 'native' | 'portable';
  hash(bytes: Uint8Array): Uint8Array;
  /** The same in hexadecimal: 3.0 µs for 4 KiB, where 32 bytes that are then made text take 4.5. */
  hashText(bytes: Uint8Array): string;
  /**
   * Whether the hash is the one that begins at `place` of `hashes`: 3.2 µs for 4 KiB where the hash in hexadecimal and a look at it take
   * 3.9, because one call of the native implementation gives it, in base64.
   */
  isHashAt(bytes: Uint8Array, hashes: Buffer, place: number): boolean;
  /** The key has 32 bytes. Made once for a key: that is what takes time (16 µs, then 4 a hash, 1.5 in hexadecimal). */
  createKeyedHash(key: Uint8Array): KeyedHash;
  createHasher(): Hasher;
}

interface NativeModule {
  blake3(bytes: Uint8Array): Buffer;
  blake3UrlSafeBase64(bytes: Uint8Array): string;
  Blake3Hasher: { new (): NativeHasher; newKeyed(key: Buffer): NativeHasher };
}

interface NativeHasher {
  reset(): unknown;
  update(bytes: Uint8Array): unknown;
  digest(format: 'hex'): string;
  digestBuffer(): Buffer;
}

interface PortableModule {
  blake3: {
    (bytes: Uint8Array, options?: { readonly key: Uint8Array }): Uint8Array;
    create(): PortableHasher;
  };
}

interface PortableHasher {
  update(bytes: Uint8Array): unknown;
  clone(): PortableHasher;
  digest(): Uint8Array;
}

const require = createRequire(import.meta.url);
const hashBytesCount = 32;

/** The native backend, or undefined where this platform has no binary for it. */
export function loadNativeHash(): HashBackend | undefined {
  let native: NativeModule;
  try {
    native = require('@napi-rs/blake-hash') as NativeModule;
  } catch {
    return undefined; // No binary for this platform: the portable implementation gives the same ids.
  }
  const texts = new native.Blake3Hasher();
  return {
    name: 'native',
    hash: (bytes) => native.blake3(bytes),
    hashText: (bytes) => {
      texts.reset();
      texts.update(bytes);
      return texts.digest('hex');
    },
    isHashAt: (bytes, hashes, place) => {
      const text = hashes.toString('base64url', place, place + hashBytesCount);
      return native.blake3UrlSafeBase64(bytes) === `${text}=`; // padded
    },
    createKeyedHash: (key) => {
      const hasher = native.Blake3Hasher.newKeyed(asBuffer(key));
      const fed = (bytes: Uint8Array): NativeHasher => {
        hasher.reset(); // keeps the key
        hasher.update(bytes);
        return hasher;
      };
      return {
        hash: (bytes) => fed(bytes).digestBuffer(),
        hashText: (bytes) => fed(bytes).digest('hex'),
      };
    },
    createHasher: () => {
      const hasher = new native.Blake3Hasher();
      const digest = (): Uint8Array => hasher.digestBuffer();
      return { update: (bytes) => void hasher.update(bytes), digestSoFar: digest, digest };
    },
  };
}

export function loadPortableHash(): HashBackend {
  const { blake3 } = require('@noble/hashes/blake3.js') as PortableModule;
  return {
    name: 'portable',
    hash: (bytes) => blake3(bytes),
    hashText: (bytes) => asBuffer(blake3(bytes)).toString('hex'),
    isHashAt: (bytes, hashes, place) =>
      asBuffer(blake3(bytes)).equals(hashes.subarray(place, place + hashBytesCount)),
    createKeyedHash: (key) => {
      const hash = (bytes: Uint8Array): Uint8Array => blake3(bytes, { key });
      return { hash, hashText: (bytes) => asBuffer(hash(bytes)).toString('hex') };
    },
    createHasher: () => {
      const hasher = blake3.create();
      return {
        update: (bytes) => void hasher.update(bytes),
        digestSoFar: () => hasher.clone().digest(),
        digest: () => hasher.digest(),
      };
    },
  };
}

const forced = process.env['EXUVIA_HASH'] === 'portable';
let backend: HashBackend | undefined;

/** The backend in use, loaded at first need. */
export function hashBackend(): HashBackend {
  backend ??= (forced ? undefined : loadNativeHash()) ?? loadPortableHash();
  return backend;
}

export function hashBytes(bytes: Uint8Array): Uint8Array {
  return hashBackend().hash(bytes);
}

/** In hexadecimal, which is how the native implementation gives it soonest. */
export function hashTextOf(bytes: Uint8Array): string {
  return hashBackend().hashText(bytes);
}

export function isHashAt(bytes: Uint8Array, hashes: Buffer, place: number): boolean {
  return hashBackend().isHashAt(bytes, hashes, place);
}

export function createKeyedHash(key: Uint8Array): KeyedHash {
  return hashBackend().createKeyedHash(key);
}

export function createHasher(): Hasher {
  return hashBackend().createHasher();
}

export function blobIdOf(bytes: Uint8Array): BlobId {
  return hashBackend().hashText(bytes) as BlobId; // a hash of 32 bytes is one
}

/** Names blobs as a repository does: with its key, where it is encrypted. */
export function blobNamer(idKey: Uint8Array | undefined): (bytes: Uint8Array) => BlobId {
  if (idKey === undefined) return blobIdOf;
  const hash = createKeyedHash(idKey);
  return (bytes) => hash.hashText(hashBytes(bytes)) as BlobId;
}

/** Whether the id of a blob is the one that begins at `place` of `ids`. */
export type BlobProof = (bytes: Uint8Array, ids: Buffer, place: number) => boolean;

export function blobProof(idKey: Uint8Array | undefined): BlobProof {
  if (idKey === undefined) return isHashAt;
  const hash = createKeyedHash(idKey);
  return (bytes, ids, place) =>
    hash.hashText(hashBytes(bytes)) === ids.toString('hex', place, place + hashBytesCount);
}
