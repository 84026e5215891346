/** Reads an ordered map: look-up, ordered scan from any key, and the nodes themselves for whoever compares two maps. */
import { decodeMapNode, isLeaf, type MapInner, type MapLeaf, type MapNode } from '../codec/map-codec.ts';
import { DamageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import type { BlobReader } from '../model/store.ts';

export interface MapEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** The node, which must be of `level` when that is given: a crafted map can neither loop nor be endlessly deep. */
export function readMapNode(blobs: BlobReader, id: BlobId, level?: number): MapNode {
  const place = `tree node ${id.slice(0, 12)}`;
  const node = decodeMapNode(blobs.readBlob(id), place);
  if (level !== undefined && node.level !== level) {
    throw new DamageError(place, `is of level ${node.level}, want ${level}`);
  }
  return node;
}

export function getMapEntry(blobs: BlobReader, root: BlobId | null, key: string): MapEntry | undefined {
  if (root === null) return undefined;
  let node = readMapNode(blobs, root);
  while (!isLeaf(node)) {
    const child = node.children[firstAtOrAfter(node.lastKeys, key)];
    if (child === undefined) return undefined;
    node = readMapNode(blobs, child, node.level - 1);
  }
  const index = firstAtOrAfter(node.keys, key);
  const value = node.values[index];
  return node.keys[index] === key && value !== undefined ? { key, value } : undefined;
}

/** Entries with `key >= from`, in order. */
export function* mapEntries(blobs: BlobReader, root: BlobId | null, from = ''): Generator<MapEntry> {
  if (root !== null) yield* entriesBelow(blobs, readMapNode(blobs, root), from);
}

function* entriesBelow(blobs: BlobReader, node: MapNode, from: string): Generator<MapEntry> {
  if (isLeaf(node)) {
    yield* leafEntries(node, from);
    return;
  }
  for (let index = firstAtOrAfter(node.lastKeys, from); index < node.children.length; index++) {
    yield* entriesBelow(blobs, readChild(blobs, node, index), from);
  }
}

export function readChild(blobs: BlobReader, node: MapInner, index: number): MapNode {
  const child = readMapNode(blobs, node.children[index] as BlobId, node.level - 1);
  const lastKey = isLeaf(child) ? child.keys.at(-1) : child.lastKeys.at(-1);
  if (lastKey !== node.lastKeys[index]) {
    throw new DamageError(
      `tree node ${node.children[index]?.slice(0, 12)}`,
      'does not end where its parent says',
    );
  }
  return child;
}

function* leafEntries(leaf: MapLeaf, from: string): Generator<MapEntry> {
  for (let index = firstAtOrAfter(leaf.keys, from); index < leaf.keys.length; index++) {
    const key = leaf.keys[index];
    const value = leaf.values[index];
    if (key !== undefined && value !== undefined) yield { key, value };
  }
}

/** Index of the first key that is not less than `key`. */
function firstAtOrAfter(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
