/**
 * The payload of an age file (age-encryption.org/v1, "STREAM"): chunks of 64 KiB, each with a tag of its own, so that a file can be
 * written as it comes and read from anywhere. The header is the library's business: see age.ts.
 */
import { DamageError } from '../model/errors.ts';
import { derive } from './keys.ts';
import { nodeCrypto, secretKey } from './node-crypto.ts';

export const agePayloadNonceBytes = 16;
const chunkBytes = 64 * 1024;
const tagBytes = 16;
const sealedChunkBytes = chunkBytes + tagBytes;
const cipherName = 'chacha20-poly1305';

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return derive(fileKey, nonce, 'payload');
}

/** 11 bytes of the chunk's number, big-endian; then 1 for the last chunk. */
function chunkNonce(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce.writeUInt8(isLast ? 1 : 0, 11);
  return nonce;
}

/** Seals what is written, chunk by chunk. */
export class AgeWriter {
  readonly #key: Buffer;
  readonly #write: (bytes: Uint8Array) => void;
  readonly #chunk = Buffer.allocUnsafe(chunkBytes);
  #filled = 0;
  #index = 0;

  /** `nonce` is 16 random bytes. Writes the header and the nonce at once. */
  constructor(
    file: { readonly header: Uint8Array; readonly fileKey: Uint8Array },
    nonce: Uint8Array,
    write: (bytes: Uint8Array) => void,
  ) {
    this.#key = payloadKey(file.fileKey, nonce);
    this.#write = write;
    write(file.header);
    write(nonce);
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      // Only when more comes: the last chunk is marked, and is empty only in an empty file.
      if (this.#filled === chunkBytes) this.#seal(false);
      const part = bytes.subarray(done, done + chunkBytes - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
    }
  }

  finish(): void {
    this.#seal(true);
  }

  #seal(isLast: boolean): void {
    const nonce = chunkNonce(this.#index, isLast);
    const cipher = nodeCrypto().createCipheriv(cipherName, secretKey(this.#key), nonce, {
      authTagLength: tagBytes,
    });
    this.#write(cipher.update(this.#chunk.subarray(0, this.#filled)));
    cipher.final();
    this.#write(cipher.getAuthTag());
    this.#index++;
    this.#filled = 0;
  }
}

/** Opens pieces of a payload that is read by position. */
export class AgePayload {
  /** Bytes of what is inside. */
  readonly size: number;
  readonly #key: Buffer;
  readonly #start: number;
  readonly #sealedBytes: number;
  readonly #read: (position: number, bytes: number) => Buffer;
  readonly #place: string;

  /** `start` is where the chunks begin in a file of `fileBytes` bytes. @throws DamageError when the end is not there */
  constructor(
    fileKey: Uint8Array,
    nonce: Uint8Array,
    file: {
      readonly start: number;
      readonly fileBytes: number;
      readonly read: (position: number, bytes: number) => Buffer;
      readonly place: string;
    },
  ) {
    this.#key = payloadKey(fileKey, nonce);
    this.#start = file.start;
    this.#sealedBytes = file.fileBytes - file.start;
    this.#read = file.read;
    this.#place = file.place;
    const chunks = Math.ceil(this.#sealedBytes / sealedChunkBytes);
    this.size = this.#sealedBytes - chunks * tagBytes;
    const lastBytes = this.#sealedBytes - (chunks - 1) * sealedChunkBytes;
    if (chunks < 1 || lastBytes < tagBytes || (lastBytes === tagBytes && chunks > 1))
      throw new DamageError(file.place, 'it is cut short');
    this.#openChunk(chunks - 1); // the last one says that it is the last
  }

  /** `bytes` bytes at `position`, all of which are inside. */
  readAt(position: number, bytes: number): Buffer {
    const first = Math.floor(position / chunkBytes);
    const last = Math.floor((position + Math.max(bytes, 1) - 1) / chunkBytes);
    const chunks: Buffer[] = [];
    for (let index = first; index <= last; index++) chunks.push(this.#openChunk(index));
    const start = position - first * chunkBytes;
    return Buffer.concat(chunks).subarray(start, start + bytes);
  }

  #openChunk(index: number): Buffer {
    const at = index * sealedChunkBytes;
    const bytes = Math.min(sealedChunkBytes, this.#sealedBytes - at);
    const sealed = this.#read(this.#start + at, bytes);
    const nonce = chunkNonce(index, at + bytes === this.#sealedBytes);
    const decipher = nodeCrypto().createDecipheriv(cipherName, secretKey(this.#key), nonce, {
      authTagLength: tagBytes,
    });
    decipher.setAuthTag(sealed.subarray(bytes - tagBytes));
    const opened = decipher.update(sealed.subarray(0, bytes - tagBytes));
    try {
      decipher.final();
    } catch (error) {
      throw new DamageError(
        this.#place,
        `its bytes from ${this.#start + at} on are not what was written, or it is cut short`,
        error,
      );
    }
    return opened;
  }
}
