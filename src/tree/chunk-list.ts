/**
 * A long list of chunks as a tree: like a map, without keys. An append writes the last leaf and the path to it; an
 * insertion writes the leaves it touches, because boundaries follow the chunks and not their offsets.
 */
import {
  decodeListNode,
  encodeListInner,
  encodeListLeaf,
  isListLeaf,
  type ListNode,
} from '../codec/map-codec.ts';
import { DamageError, invariant } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import type { BlobReader, BlobWriter } from '../model/store.ts';
import type { Chunk } from '../model/tree.ts';
import { endsListNode } from './boundary.ts';

export interface ListChild {
  readonly bytes: number;
  readonly id: BlobId;
}

/** Collects chunks; `finish` gives the root. */
export class ChunkListBuilder {
  readonly #blobs: BlobWriter;
  readonly #inners: ListChild[][] = [];
  #chunks: Chunk[] = [];

  constructor(blobs: BlobWriter) {
    this.#blobs = blobs;
  }

  add(chunk: Chunk): void {
    this.#chunks.push(chunk);
    if (endsListNode(0, chunk.id ?? '', this.#chunks.length)) this.#closeLeaf();
  }

  /** A leaf of another list that did not end it, in the place of its chunks. */
  addLeaf(leaf: ListChild): void {
    invariant(this.#chunks.length === 0, 'a leaf follows a leaf');
    this.#addChild(1, leaf);
  }

  finish(): BlobId {
    if (this.#chunks.length > 0) this.#closeLeaf();
    invariant(this.#inners.length > 0, 'a chunk list has chunks');
    for (let level = 1; ; level++) {
      const children = this.#inners[level - 1] ?? [];
      const only = children[0];
      if (this.#inners.length <= level && children.length === 1 && only !== undefined) return only.id;
      if (children.length > 0) this.#closeInner(level);
    }
  }

  #closeLeaf(): void {
    const bytes = this.#chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
    const id = this.#blobs.writeBlob('tree', encodeListLeaf(this.#chunks));
    this.#chunks = [];
    this.#addChild(1, { bytes, id });
  }

  #addChild(level: number, child: ListChild): void {
    const children = this.#inners[level - 1] ?? [];
    this.#inners[level - 1] = children;
    children.push(child);
    if (endsListNode(level, child.id, children.length)) this.#closeInner(level);
  }

  #closeInner(level: number): void {
    const children = this.#inners[level - 1] ?? [];
    this.#inners[level - 1] = [];
    const bytes = children.reduce((sum, child) => sum + child.bytes, 0);
    this.#addChild(level + 1, { bytes, id: this.#blobs.writeBlob('tree', encodeListInner(level, children)) });
  }
}

export interface ListEnd {
  /** All leaves but the last, which are not read. */
  readonly leaves: readonly ListChild[];
  /** How many bytes these describe. */
  readonly at: number;
  /** What the last one holds. */
  readonly chunks: readonly Chunk[];
}

/** Where a list ends that must be `bytes` long. @throws DamageError */
export function endOfList(blobs: BlobReader, root: BlobId, bytes: number): ListEnd {
  const leaves = leavesBelow(blobs, { id: root, bytes }, undefined);
  const last = leaves.pop();
  invariant(last !== undefined, 'a list has a leaf');
  const node = readListNode(blobs, last, 0);
  return { leaves, at: bytes - last.bytes, chunks: isListLeaf(node) ? node.chunks : [] };
}

function leavesBelow(blobs: BlobReader, child: ListChild, level: number | undefined): ListChild[] {
  const node = readListNode(blobs, child, level);
  if (isListLeaf(node)) return [child];
  if (node.level === 1) return [...node.children];
  return node.children.flatMap((one) => leavesBelow(blobs, one, node.level - 1));
}

/** The chunks of a list that must be `bytes` long. */
export function* chunksOfList(blobs: BlobReader, root: BlobId, bytes: number): Generator<Chunk> {
  yield* chunksBelow(blobs, root, bytes, undefined);
}

/**
 * The same without what nodes hold that are in `seen`, to which all are added: content that repeats is met once, however often
 * a list says that it does.
 */
export function* newChunksOfList(
  blobs: BlobReader,
  root: BlobId,
  bytes: number,
  seen: Set<string>,
): Generator<Chunk> {
  yield* chunksBelow(blobs, root, bytes, undefined, seen);
}

function* chunksBelow(
  blobs: BlobReader,
  id: BlobId,
  bytes: number,
  level: number | undefined,
  seen?: Set<string>,
): Generator<Chunk> {
  const name = `${id} ${bytes}`;
  if (seen?.has(name)) return;
  seen?.add(name);
  const node = readListNode(blobs, { id, bytes }, level);
  if (isListLeaf(node)) yield* node.chunks;
  else
    for (const child of node.children) yield* chunksBelow(blobs, child.id, child.bytes, node.level - 1, seen);
}

function readListNode(blobs: BlobReader, { id, bytes }: ListChild, level: number | undefined): ListNode {
  const place = `chunk list ${id.slice(0, 12)}`;
  const node = decodeListNode(blobs.readBlob(id), place);
  if (level !== undefined && node.level !== level) throw new DamageError(place, `is of level ${node.level}`);
  const parts: readonly { readonly bytes: number }[] = isListLeaf(node) ? node.chunks : node.children;
  const sum = parts.reduce((total, part) => total + part.bytes, 0);
  if (sum !== bytes) throw new DamageError(place, `describes ${sum} bytes, want ${bytes}`);
  return node;
}
