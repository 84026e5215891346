/** node:crypto, loaded when it is wanted: it takes 5 ms, and a run without encryption needs none of it. */
type NodeCrypto = typeof import('node:crypto');

let loaded: NodeCrypto | undefined;

export function nodeCrypto(): NodeCrypto {
  loaded ??= process.getBuiltinModule('node:crypto');
  return loaded;
}
