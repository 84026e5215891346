/**
 * Sealing: AES-256-GCM for records, one AES block for the headers that say how long they are, and lengths that tell little.
 * See docs/FORMAT.md, "Encryption". Keys are derived in keys.ts; here every key is used for one thing, and no key with one
 * nonce twice.
 */
import { DamageError, invariant } from '../model/errors.ts';
import { type Allocate, giveBack } from './memory.ts';
import { nodeCrypto, secretKey } from './node-crypto.ts';

export const sealKeyBytes = 32;
export const sealTagBytes = 16;
export const sealedBlockBytes = 16;
const nonceBytes = 12;
const partBytes = 128 * 1024;

/** `number` as the nonce of a key that seals each number once. */
export function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(nonceBytes);
  nonce.writeUInt32LE(number, 0);
  return nonce;
}

/** Ciphertext and tag of `bytes`; `context` is authenticated with them. */
export function seal(key: Uint8Array, nonce: Uint8Array, context: Uint8Array, bytes: Uint8Array): Buffer {
  return Buffer.concat([...sealInParts(key, nonce, context, bytes)]);
}

/**
 * The same in parts, each of which is to be used, and given back, before the next is made: the next one then has its memory. For a part as long as
 * a frame the system may give and take it each time, which can take longer than the sealing (docs/decisions/0012).
 */
export function* sealInParts(
  key: Uint8Array,
  nonce: Uint8Array,
  context: Uint8Array,
  bytes: Uint8Array,
): Generator<Buffer> {
  const { createCipheriv } = nodeCrypto();
  const cipher = createCipheriv('aes-256-gcm', secretKey(key), nonce, { authTagLength: sealTagBytes });
  cipher.setAAD(context);
  for (let at = 0; at < bytes.length; at += partBytes)
    yield cipher.update(bytes.subarray(at, at + partBytes));
  cipher.final();
  yield cipher.getAuthTag();
}

/** What was sealed. @throws DamageError unless key, nonce, context and every byte are what they were */
export function unseal(
  key: Uint8Array,
  nonce: Uint8Array,
  context: Uint8Array,
  sealed: Uint8Array,
  place: string,
  allocate: Allocate = Buffer.allocUnsafeSlow,
): Buffer {
  if (sealed.length < sealTagBytes) throw new DamageError(place, 'cut short');
  const { createDecipheriv } = nodeCrypto();
  const decipher = createDecipheriv('aes-256-gcm', secretKey(key), nonce, { authTagLength: sealTagBytes });
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(sealed.length - sealTagBytes));
  const bytes = allocate(sealed.length - sealTagBytes);
  for (let at = 0; at < bytes.length; at += partBytes) {
    const part = decipher.update(sealed.subarray(at, Math.min(at + partBytes, bytes.length)));
    bytes.set(part, at);
    giveBack(part);
  }
  try {
    decipher.final();
  } catch (error) {
    throw new DamageError(
      place,
      'its seal does not match: the bytes, or where they are, were changed',
      error,
    );
  }
  return bytes;
}

/** One block under a key that no other block is equal under: without the key it looks random. */
export function sealBlock(key: Uint8Array, block: Uint8Array): Buffer {
  invariant(block.length === sealedBlockBytes, `block of ${block.length} bytes`);
  const cipher = nodeCrypto().createCipheriv('aes-256-ecb', secretKey(key), null);
  cipher.setAutoPadding(false);
  return cipher.update(block);
}

/** Of one block, or of many that follow one another. */
export function unsealBlocks(key: Uint8Array, blocks: Uint8Array): Buffer {
  const decipher = nodeCrypto().createDecipheriv('aes-256-ecb', secretKey(key), null);
  decipher.setAutoPadding(false);
  return decipher.update(blocks);
}

/**
 * The next length that tells little of `bytes`: Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
 * Communication with PURBs", PoPETs 2019). At most 12 % more for small lengths, 3 % for a pack.
 */
export function paddedLength(bytes: number): number {
  if (bytes < 2) return bytes;
  const exponent = Math.floor(Math.log2(bytes));
  const significant = Math.floor(Math.log2(Math.max(exponent, 1))) + 1;
  const step = 2 ** Math.max(exponent - significant, 0);
  return Math.ceil(bytes / step) * step;
}
