/**
 * The keys of an encrypted repository, all derived from one random master key. See docs/FORMAT.md, "Encryption".
 *
 * master key (reads and writes)
 *   |- reader key   X25519 private key; its public key is in the parameters
 *   `- writer key   names blobs, reads directories, authenticates; reads no content
 *
 * Each pack and each snapshot has an X25519 key of its own (the ephemeral key), whose public half it carries. What is in it
 * is sealed under a key from the agreement of that key with the repository's *and* the writer key: whoever has only the
 * public key can neither read nor forge, whoever has the writer key can add and not read.
 */
import type { KeyObject } from 'node:crypto';
import { DamageError, invariant } from '../model/errors.ts';
import { asBuffer, type BlobId, idToBytes, type PackId } from '../model/ids.ts';
import { createKeyedHash, hashBytes, type KeyedHash } from './hash.ts';
import { nodeCrypto, secretKey } from './node-crypto.ts';
import { sealKeyBytes } from './sealing.ts';

export const masterKeyBytes = 32;
export const publicKeyBytes = 32;

/** Keys of one pack. */
export interface PackKeys {
  /** Repository and pack, authenticated with everything that is sealed in the pack. */
  readonly context: Uint8Array;
  /** Seals the blocks that say how long things are. */
  readonly blockKey: Uint8Array;
  readonly directoryKey: Uint8Array;
  /** Undefined for who may only add. */
  readonly frameKey: Uint8Array | undefined;
}

/** An X25519 key used once, and the public half that is stored. */
interface Ephemeral {
  readonly secret: KeyObject;
  readonly publicKey: Buffer;
}

export class RepositoryKeys {
  readonly repositoryId: Buffer;
  /** X25519 public key of the repository. */
  readonly publicKey: Buffer;
  /** Undefined for who may only add. */
  readonly masterKey: Buffer | undefined;
  readonly writerKey: Buffer;
  /** What names blobs. */
  readonly idKey: Buffer;
  readonly #secret: KeyObject | undefined;
  #public: KeyObject | undefined;
  readonly #idHash: KeyedHash;

  private constructor(
    repositoryId: Buffer,
    keys: { masterKey?: Buffer; writerKey: Buffer; secret?: KeyObject; publicKey: Buffer },
  ) {
    this.repositoryId = repositoryId;
    this.masterKey = keys.masterKey;
    this.writerKey = keys.writerKey;
    this.publicKey = keys.publicKey;
    this.#secret = keys.secret;
    this.idKey = this.deriveWriterKey('blob ids');
    this.#idHash = createKeyedHash(this.idKey);
  }

  static ofMasterKey(masterKey: Uint8Array, repositoryId: Uint8Array): RepositoryKeys {
    invariant(masterKey.length === masterKeyBytes, `master key of ${masterKey.length} bytes`);
    const secret = x25519Secret(derive(masterKey, repositoryId, 'exuvia 1 reader key'));
    return new RepositoryKeys(asBuffer(repositoryId), {
      masterKey: asBuffer(masterKey),
      writerKey: derive(masterKey, repositoryId, 'exuvia 1 writer key'),
      secret,
      publicKey: publicHalf(secret),
    });
  }

  /** For who may add and not read. `publicKey` is to be believed only once the parameters' seal was checked. */
  static ofWriterKey(writerKey: Uint8Array, repositoryId: Uint8Array, publicKey: Uint8Array): RepositoryKeys {
    return new RepositoryKeys(asBuffer(repositoryId), {
      writerKey: asBuffer(writerKey),
      publicKey: asBuffer(publicKey),
    });
  }

  get canRead(): boolean {
    return this.#secret !== undefined;
  }

  blobIdOf(bytes: Uint8Array): BlobId {
    return this.blobIdOfHash(hashBytes(bytes));
  }

  /** The id of the bytes that have this (unkeyed) hash. */
  blobIdOfHash(hash: Uint8Array): BlobId {
    return this.#idHash.hashText(hash) as BlobId; // as long as an id, always
  }

  /** A key for one purpose that writers need too. */
  deriveWriterKey(purpose: string): Buffer {
    return derive(this.writerKey, this.repositoryId, `exuvia 1 ${purpose}`);
  }

  /** For what this machine keeps for itself. */
  deriveLocalKey(): Buffer {
    return derive(this.masterKey ?? this.writerKey, this.repositoryId, 'exuvia 1 local');
  }

  /** Keys of a new pack; `seed` is 32 random bytes. */
  newPack(id: PackId, seed: Uint8Array): { readonly keys: PackKeys; readonly ephemeralKey: Buffer } {
    const ephemeral = ephemeralOf(seed);
    const shared = this.#agreeAsWriter(ephemeral);
    const frameKey = this.#agreed(shared, ephemeral.publicKey, idToBytes(id), 'exuvia 1 pack content');
    return { keys: { ...this.outerPackKeys(id), frameKey }, ephemeralKey: ephemeral.publicKey };
  }

  /** Keys of a pack that carries `ephemeralKey`. */
  openPack(id: PackId, ephemeralKey: Uint8Array, place: string): PackKeys {
    const shared = this.#agreeAsReader(ephemeralKey, place);
    const frameKey = shared && this.#agreed(shared, ephemeralKey, idToBytes(id), 'exuvia 1 pack content');
    return { ...this.outerPackKeys(id), frameKey };
  }

  /** What needs no reader key: the pack's directory, and how long its frames are. */
  outerPackKeys(id: PackId): PackKeys {
    const packId = idToBytes(id);
    const keys = derive(this.writerKey, packId, 'exuvia 1 pack directory', 2 * sealKeyBytes);
    return {
      context: Buffer.concat([this.repositoryId, packId]),
      directoryKey: keys.subarray(0, sealKeyBytes),
      blockKey: keys.subarray(sealKeyBytes),
      frameKey: undefined,
    };
  }

  /**
   * Key of a new snapshot. The ephemeral key comes from the record, so that the same record gives the same file: what a
   * repair writes again has the id it had.
   */
  newSnapshot(record: Uint8Array): { readonly key: Buffer; readonly ephemeralKey: Buffer } {
    const salt = this.#idHash.hash(hashBytes(record));
    const ephemeral = ephemeralOf(derive(this.writerKey, salt, 'exuvia 1 snapshot seed'));
    const shared = this.#agreeAsWriter(ephemeral);
    const key = this.#agreed(shared, ephemeral.publicKey, this.repositoryId, 'exuvia 1 snapshot');
    return { key, ephemeralKey: ephemeral.publicKey };
  }

  /** Key of a snapshot that carries `ephemeralKey`; undefined for who may only add. */
  openSnapshot(ephemeralKey: Uint8Array, place: string): Buffer | undefined {
    const shared = this.#agreeAsReader(ephemeralKey, place);
    return shared && this.#agreed(shared, ephemeralKey, this.repositoryId, 'exuvia 1 snapshot');
  }

  #agreeAsWriter({ secret }: Ephemeral): Buffer {
    this.#public ??= x25519Public(this.publicKey, 'repository parameters');
    return nodeCrypto().diffieHellman({ privateKey: secret, publicKey: this.#public });
  }

  #agreeAsReader(ephemeralKey: Uint8Array, place: string): Buffer | undefined {
    if (this.#secret === undefined) return undefined;
    const publicKey = x25519Public(ephemeralKey, place);
    try {
      return nodeCrypto().diffieHellman({ privateKey: this.#secret, publicKey });
    } catch (error) {
      throw new DamageError(place, 'its key is none', error); // a point of low order
    }
  }

  #agreed(shared: Uint8Array, ephemeralKey: Uint8Array, salt: Uint8Array, purpose: string): Buffer {
    const info = Buffer.concat([Buffer.from(purpose), ephemeralKey, this.publicKey]);
    return derive(Buffer.concat([shared, this.writerKey]), salt, info);
  }
}

/** HKDF-SHA256 (RFC 5869). */
export function derive(
  key: Uint8Array,
  salt: Uint8Array,
  info: string | Uint8Array,
  bytes = sealKeyBytes,
): Buffer {
  return Buffer.from(nodeCrypto().hkdfSync('sha256', secretKey(key), salt, info, bytes));
}

function ephemeralOf(seed: Uint8Array): Ephemeral {
  const secret = x25519Secret(seed);
  return { secret, publicKey: publicHalf(secret) };
}

// RFC 8410: what precedes the 32 bytes of an X25519 key in PKCS #8.
const secretPrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');

function x25519Secret(bytes: Uint8Array): KeyObject {
  return nodeCrypto().createPrivateKey({
    key: Buffer.concat([secretPrefix, bytes]),
    format: 'der',
    type: 'pkcs8',
  });
}

// As JSON Web Keys (RFC 8037): for other forms OpenSSL first loads what reads and writes them, which takes a millisecond.
function x25519Public(bytes: Uint8Array, place: string): KeyObject {
  if (bytes.length !== publicKeyBytes) throw new DamageError(place, 'its key is none');
  const x = asBuffer(bytes).toString('base64url');
  return nodeCrypto().createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
}

function publicHalf(secret: KeyObject): Buffer {
  const { x = '' } = nodeCrypto().createPublicKey(secret).export({ format: 'jwk' });
  const bytes = Buffer.from(x, 'base64url');
  invariant(bytes.length === publicKeyBytes, `public key of ${bytes.length} bytes`);
  return bytes;
}
