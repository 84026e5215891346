/** node:crypto, loaded when it is wanted: it takes 5 ms, and a run without encryption needs none of it. */
import type { KeyObject } from 'node:crypto';

type NodeCrypto = typeof import('node:crypto');

let loaded: NodeCrypto | undefined;

export function nodeCrypto(): NodeCrypto {
  loaded ??= process.getBuiltinModule('node:crypto');
  return loaded;
}

const secretKeys = new WeakMap<Uint8Array, KeyObject>();

/**
 * A key as node:crypto likes it best, made once for each buffer, whose bytes must stay as they are: to begin a seal takes 4 µs with it, and
 * 24 with the bytes themselves, which Node first takes for anything that a key may be.
 */
export function secretKey(bytes: Uint8Array): KeyObject {
  const known = secretKeys.get(bytes);
  if (known !== undefined) return known;
  const key = nodeCrypto().createSecretKey(bytes);
  secretKeys.set(bytes, key);
  return key;
}
