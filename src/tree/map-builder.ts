/**
 * Builds an ordered map from entries in key order, bottom up: memory is one open node a level, whatever the size.
 */
import { encodeMapInner, encodeMapLeaf } from '../codec/map-codec.ts';
import { invariant } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { isPathKey } from '../model/paths.ts';
import type { BlobWriter } from '../model/store.ts';
import { endsMapNode } from './boundary.ts';

/** Rough cost of an inner entry beside its key: id and count. */
const childBytes = 36;

interface OpenInner {
  readonly level: number;
  lastKeys: string[];
  children: BlobId[];
  counts: number[];
  bytes: number;
}

/** A leaf that ends where its last key says: the same entries, after a leaf that ends so too, make it again. */
export interface EndedLeaf {
  readonly lastKey: string;
  readonly entries: number;
  readonly id: BlobId;
  /** It only ends because nothing follows. */
  readonly isLast: boolean;
}

export class MapBuilder {
  readonly #blobs: BlobWriter;
  readonly #onLeaf: ((leaf: EndedLeaf) => void) | undefined;
  readonly #inners: OpenInner[] = [];
  #keys: string[] = [];
  #values: Uint8Array[] = [];
  #bytes = 0;
  #entries = 0;
  #previous: string | undefined;
  /** Whether the last leaf is there. */
  #isEnded = false;

  /** `onLeaf` is called for each leaf that is built. */
  constructor(blobs: BlobWriter, onLeaf?: (leaf: EndedLeaf) => void) {
    this.#blobs = blobs;
    this.#onLeaf = onLeaf;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Keys must come in increasing order. */
  add(key: string, value: Uint8Array): void {
    invariant(!this.#isEnded, 'nothing follows the last leaf');
    invariant(this.#previous === undefined || key > this.#previous, 'map entries come in key order');
    invariant(isPathKey(key), 'a key is a path');
    this.#previous = key;
    this.#entries++;
    this.#keys.push(key);
    this.#values.push(value);
    this.#bytes += key.length + value.length;
    if (!endsMapNode(0, key, this.#keys.length, this.#bytes)) return;
    this.#closeLeaf(false);
  }

  /** Whether a leaf can be added: the entries so far have all got into leaves. */
  get isBetweenLeaves(): boolean {
    return this.#keys.length === 0;
  }

  /** A leaf that a map had which was built before, and that is still stored. */
  addLeaf({ lastKey, entries, id, isLast }: EndedLeaf): void {
    invariant(this.isBetweenLeaves && !this.#isEnded, 'a leaf follows a leaf');
    invariant(this.#previous === undefined || lastKey > this.#previous, 'leaves come in key order');
    this.#previous = lastKey;
    this.#isEnded = isLast;
    this.#entries += entries;
    this.#addChild(1, lastKey, id, entries);
  }

  /** The root of the map, or undefined when nothing was added. */
  finish(): BlobId | undefined {
    if (this.#entries === 0) return undefined;
    if (this.#keys.length > 0) this.#closeLeaf(true);
    for (let level = 1; ; level++) {
      const inner = this.#innerAt(level);
      const top = this.#inners.length === level;
      const only = inner.children[0];
      if (top && inner.children.length === 1 && only !== undefined) return only;
      if (inner.children.length > 0) this.#closeInner(inner);
    }
  }

  #closeLeaf(isLast: boolean): void {
    const id = this.#blobs.writeBlob('tree', encodeMapLeaf(this.#keys, this.#values));
    const lastKey = this.#keys.at(-1) ?? '';
    const entries = this.#keys.length;
    this.#keys = [];
    this.#values = [];
    this.#bytes = 0;
    this.#addChild(1, lastKey, id, entries);
    this.#onLeaf?.({ lastKey, entries, id, isLast });
  }

  #addChild(level: number, lastKey: string, id: BlobId, count: number): void {
    invariant(level < limits.mapLevelsMax, 'a map has few levels');
    const inner = this.#innerAt(level);
    inner.lastKeys.push(lastKey);
    inner.children.push(id);
    inner.counts.push(count);
    inner.bytes += lastKey.length + childBytes;
    if (endsMapNode(level, lastKey, inner.children.length, inner.bytes)) this.#closeInner(inner);
  }

  #closeInner(inner: OpenInner): void {
    const { level, lastKeys, children, counts } = inner;
    const id = this.#blobs.writeBlob('tree', encodeMapInner({ level, lastKeys, children, counts }));
    const count = counts.reduce((sum, one) => sum + one, 0);
    Object.assign(inner, { lastKeys: [], children: [], counts: [], bytes: 0 });
    this.#addChild(level + 1, lastKeys.at(-1) ?? '', id, count);
  }

  #innerAt(level: number): OpenInner {
    const inner = this.#inners[level - 1] ?? { level, lastKeys: [], children: [], counts: [], bytes: 0 };
    this.#inners[level - 1] = inner;
    return inner;
  }
}
