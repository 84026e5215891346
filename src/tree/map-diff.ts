/**
 * What differs between two ordered maps: two cursors, and equal subtrees are stepped over unread, so the cost follows
 * the number of changes and not the size of the maps.
 */
import { isLeaf, type MapLeaf } from '../codec/map-codec.ts';
import { asBuffer, type BlobId } from '../model/ids.ts';
import type { BlobReader } from '../model/store.ts';
import { type PlacedNode, readChild, readMapNode, spanOf } from './map-reader.ts';

export interface MapChange {
  readonly key: string;
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
}

/** In key order: entries only in one map, or with another value. */
export function* diffMaps(
  blobs: BlobReader,
  before: BlobId | null,
  after: BlobId | null,
): Generator<MapChange> {
  if (before === after) return;
  const a = new MapCursor(blobs, before);
  const b = new MapCursor(blobs, after);
  for (;;) {
    if (!alignCursors(blobs, a, b)) return;
    if (b.leaf === undefined) yield* restOf(a, (value) => ({ before: value, after: undefined }));
    else if (a.leaf === undefined) yield* restOf(b, (value) => ({ before: undefined, after: value }));
    else yield* diffLeaves(a, b);
  }
}

/** Up to the end of one of two leaves. Most of their entries are the same: cursors are not moved for each. */
function* diffLeaves(a: MapCursor, b: MapCursor): Generator<MapChange> {
  const before = a.leaf ?? noLeaf;
  const after = b.leaf ?? noLeaf;
  let atA = a.index;
  let atB = b.index;
  while (atA < before.keys.length && atB < after.keys.length) {
    const keyA = before.keys[atA] as string;
    const keyB = after.keys[atB] as string;
    const valueA = before.values[atA] as Uint8Array;
    const valueB = after.values[atB] as Uint8Array;
    if (keyA <= keyB) atA++;
    if (keyB <= keyA) atB++;
    if (keyA < keyB) yield { key: keyA, before: valueA, after: undefined };
    else if (keyB < keyA) yield { key: keyB, before: undefined, after: valueB };
    else if (!asBuffer(valueA).equals(valueB)) yield { key: keyA, before: valueA, after: valueB };
  }
  a.moveTo(atA);
  b.moveTo(atB);
}

/** Of the rest of a leaf, when the other map is at its end. */
function* restOf(
  cursor: MapCursor,
  changeOf: (value: Uint8Array) => Omit<MapChange, 'key'>,
): Generator<MapChange> {
  const { keys, values } = cursor.leaf ?? noLeaf;
  for (let at = cursor.index; at < keys.length; at++)
    yield { key: keys[at] as string, ...changeOf(values[at] as Uint8Array) };
  cursor.moveTo(keys.length);
}

const noLeaf: MapLeaf = { level: 0, keys: [], values: [] };

/** Moves both cursors past what is equal and down to entries; false when both are at their end. */
function alignCursors(blobs: BlobReader, a: MapCursor, b: MapCursor): boolean {
  for (;;) {
    if (a.child !== undefined && a.child === b.child) {
      a.stepOver();
      b.stepOver();
    } else if (a.child !== undefined && a.level >= b.level) a.stepInto();
    else if (b.child !== undefined) b.stepInto();
    else if (a.child !== undefined) a.stepInto();
    else return a.leaf !== undefined || b.leaf !== undefined;
    expectChildren(blobs, a, b);
  }
}

/** What only one of two nodes refers to will be read: blobs that are found together take a fraction of the time. */
function expectChildren(blobs: BlobReader, a: MapCursor, b: MapCursor): void {
  if (a.level !== b.level && !a.isAtEnd && !b.isAtEnd) return;
  const ofA = a.takeUnexpected(b.lastKey);
  const ofB = b.takeUnexpected(a.lastKey);
  const shared = new Set(ofA.filter((id) => ofB.includes(id)));
  const read = [...ofA, ...ofB].filter((id) => !shared.has(id));
  if (read.length > 1) blobs.expectBlobs?.(read);
}

/** Stands in a leaf (`leaf`, `index`), on a subtree not yet entered (`child`), or at the end. */
class MapCursor {
  readonly #blobs: BlobReader;
  readonly #stack: (PlacedNode & { index: number; expected: number })[] = [];
  #root: BlobId | undefined;

  constructor(blobs: BlobReader, root: BlobId | null) {
    this.#blobs = blobs;
    this.#root = root ?? undefined;
  }

  /** Id of the subtree ahead. */
  get child(): BlobId | undefined {
    if (this.#root !== undefined) return this.#root;
    const top = this.#stack.at(-1);
    return top === undefined || isLeaf(top.node) ? undefined : top.node.children[top.index];
  }

  /** Level of what is ahead: an entry is -1, a leaf 0. The root's level is not known before it is read. */
  get level(): number {
    if (this.#root !== undefined) return Number.POSITIVE_INFINITY;
    const top = this.#stack.at(-1);
    return top === undefined ? -1 : top.node.level - 1;
  }

  get leaf(): MapLeaf | undefined {
    const top = this.#stack.at(-1);
    return this.#root === undefined && top !== undefined && isLeaf(top.node) ? top.node : undefined;
  }

  /** Of the entry or the subtree ahead in the node that it stands in. */
  get index(): number {
    return this.#stack.at(-1)?.index ?? 0;
  }

  get isAtEnd(): boolean {
    return this.#root === undefined && this.#stack.length === 0;
  }

  /** Of the node that it stands in. */
  get lastKey(): string | undefined {
    const top = this.#stack.at(-1);
    return top === undefined ? undefined : spanOf(top.node).last;
  }

  /** Children ahead in this node that end at `last` or before, each of them once. */
  takeUnexpected(last: string | undefined): readonly BlobId[] {
    const top = this.#stack.at(-1);
    if (top === undefined || isLeaf(top.node)) return [];
    const from = Math.max(top.index, top.expected);
    const { lastKeys, children } = top.node;
    const beyond = last === undefined ? -1 : lastKeys.findIndex((key) => key > last);
    top.expected = Math.max(from, beyond < 0 ? children.length : beyond);
    return children.slice(from, top.expected);
  }

  stepInto(): void {
    const top = this.#stack.at(-1);
    if (this.#root !== undefined) {
      const node = readMapNode(this.#blobs, this.#root);
      this.#stack.push({ node, after: undefined, index: 0, expected: 0 });
      this.#root = undefined;
    } else if (top !== undefined && !isLeaf(top.node)) {
      this.#stack.push({ ...readChild(this.#blobs, top, top.index), index: 0, expected: 0 });
    }
  }

  stepOver(): void {
    this.#root = undefined;
    this.moveTo(this.index + 1);
  }

  /** In the node that it stands in; at its end, on to what follows that. */
  moveTo(index: number): void {
    let next = index;
    for (let top = this.#stack.at(-1); top !== undefined; top = this.#stack.at(-1)) {
      top.index = next;
      const length = isLeaf(top.node) ? top.node.keys.length : top.node.children.length;
      if (top.index < length) return;
      this.#stack.pop();
      next = this.index + 1;
    }
  }
}
