/**
 * What an encrypted repository keeps in `local/` is sealed too: whoever finds the folder on a disk or in a copy learns no name and
 * no content from it. Numbers, sizes and keyed ids stay as they are: the index needs them to look things up.
 */
import { createKeyedHash, type KeyedHash } from '../codec/hash.ts';
import { derive } from '../codec/keys.ts';
import { seal, unseal } from '../codec/sealing.ts';
import type { RandomBytes } from '../model/clock.ts';
import { DamageError } from '../model/errors.ts';
import { asBuffer } from '../model/ids.ts';

const nonceBytes = 12;

export class LocalSeal {
  readonly #sealKey: Buffer;
  readonly #nameHash: KeyedHash;
  readonly #random: RandomBytes;

  constructor(key: Uint8Array, random: RandomBytes) {
    this.#sealKey = derive(key, Buffer.alloc(0), 'exuvia local content');
    this.#nameHash = createKeyedHash(derive(key, Buffer.alloc(0), 'exuvia local names'));
    this.#random = random;
  }

  /** `context` says what it is: one thing does not pass for another. */
  seal(context: string, bytes: Uint8Array): Buffer {
    const nonce = this.#random(nonceBytes);
    return Buffer.concat([nonce, seal(this.#sealKey, nonce, Buffer.from(context), bytes)]);
  }

  /** Undefined for what was not sealed with this key or is damaged: all of it can be made anew. */
  open(context: string, sealed: Uint8Array): Buffer | undefined {
    const bytes = asBuffer(sealed);
    try {
      const nonce = bytes.subarray(0, nonceBytes);
      return nonce.length < nonceBytes
        ? undefined
        : unseal(this.#sealKey, nonce, Buffer.from(context), bytes.subarray(nonceBytes), 'index');
    } catch (error) {
      if (error instanceof DamageError) return undefined;
      throw error;
    }
  }

  /** The same for the same text, and nothing can be learnt from it. */
  nameOf(text: string): Buffer {
    return asBuffer(this.#nameHash.hash(Buffer.from(text, 'utf8')));
  }
}
