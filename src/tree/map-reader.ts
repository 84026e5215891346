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
  const place = placeOf(id);
  const node = decodeMapNode(blobs.readBlob(id), place);
  if (level !== undefined && node.level !== level) {
    throw new DamageError(place, `is of level ${node.level}, want ${level}`);
  }
  return node;
}

function placeOf(id: BlobId): string {
  return `tree node ${id.slice(0, 12)}`;
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
  if (root !== null) yield* entriesBelow(blobs, { node: readMapNode(blobs, root), after: undefined }, from);
}

function* entriesBelow(blobs: BlobReader, placed: PlacedNode, from: string): Generator<MapEntry> {
  const { node } = placed;
  if (isLeaf(node)) {
    yield* leafEntries(node, from);
    return;
  }
  for (let index = firstAtOrAfter(node.lastKeys, from); index < node.children.length; index++) {
    yield* entriesBelow(blobs, readChild(blobs, placed, index), from);
  }
}

/** A node in its place in a map. */
export interface PlacedNode<N extends MapNode = MapNode> {
  readonly node: N;
  /** The last key before it in the map: all of its own come after that. Undefined where it is the first. */
  readonly after: string | undefined;
}

/**
 * The child, which must hold the keys between those that its parent names, and no others. So each node of a map is met
 * once: in a crafted one, nodes that stand in many places could make a few kilobytes list as more entries than can ever be read.
 */
export function readChild(blobs: BlobReader, parent: PlacedNode, index: number): PlacedNode {
  const inner = parent.node as MapInner;
  const id = inner.children[index] as BlobId;
  const after = index === 0 ? parent.after : inner.lastKeys[index - 1];
  const node = readMapNode(blobs, id, inner.level - 1);
  checkPlace(id, spanOf(node), { after, last: inner.lastKeys[index] });
  return { node, after };
}

/** First and last key of a node's own keys: for an inner node the last ones of its children. */
export interface KeySpan {
  readonly first: string;
  readonly last: string;
}

export function spanOf(node: MapNode): KeySpan {
  const keys = isLeaf(node) ? node.keys : node.lastKeys;
  return { first: keys[0] ?? '', last: keys.at(-1) ?? '' };
}

export interface KeyBounds {
  /** Undefined where nothing is before. */
  readonly after: string | undefined;
  readonly last: string | undefined;
}

/** @throws DamageError for a node that does not fit where its parent has it */
export function checkPlace(id: BlobId, span: KeySpan, { after, last }: KeyBounds): void {
  if (span.last !== last) throw new DamageError(placeOf(id), 'does not end where its parent says');
  if (after !== undefined && span.first <= after) {
    throw new DamageError(placeOf(id), 'begins before the node before it ends');
  }
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
