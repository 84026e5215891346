/**
 * The leaves of a source's tree beside the walk: where everything that went into a leaf is as it was, the leaf is taken as it is,
 * and nothing that is known of its files is even read. Of a source in which little changes, that is nearly all of it.
 */
import { hashTextOf } from '../codec/hash.ts';
import { invariant } from '../model/errors.ts';
import { asBuffer } from '../model/ids.ts';
import type { PathKey } from '../model/paths.ts';
import type { BlobWriter, FileCache, KnownLeaf } from '../model/store.ts';
import type { EndedLeaf } from '../tree/map-builder.ts';
import type { WalkedEntry } from '../walker/source-walk.ts';
import { fieldsPerStat, putStat } from './fingerprint.ts';

export interface LeafOptions {
  /** Whether all of the source is looked at: a tree of a part of it has other leaves. */
  readonly isWhole: boolean;
  /** Whether everything is to be read again. */
  readonly force: boolean;
}

/** A leaf that is still stored. */
export interface PresentLeaf extends KnownLeaf {
  /** The last key of the leaf that it came right after; undefined at the beginning, null where that is not known. */
  readonly after: PathKey | undefined | null;
  readonly known: KnownLeaf;
}

export class KnownLeaves {
  readonly #cache: FileCache;
  readonly #source: string;
  readonly #options: LeafOptions;
  readonly #remembered: readonly KnownLeaf[];
  readonly #present: readonly PresentLeaf[];
  #at = 0;
  readonly #built: KnownLeaf[] = [];
  /** Where the last leaf of the tree ends, kept or not. */
  #lastEnd: PathKey | undefined;
  /** Entries since the last leaf that was built. */
  #entries: WalkedEntry[] = [];
  #areSure = true;
  /** What is hashed is put together here: most leaves fit. */
  #scratch = Buffer.from(new ArrayBuffer(32 * 1024));

  constructor(blobs: BlobWriter, cache: FileCache, source: string, options: LeafOptions) {
    this.#cache = cache;
    this.#source = source;
    this.#options = options;
    // What is read again now must not be undone by a leaf of before, also when this run comes to no end.
    if (options.force) cache.rememberLeaves(source, []);
    this.#remembered = options.isWhole && !options.force ? cache.leaves(source) : [];
    const present = blobs.presentBlobs(this.#remembered.map(({ id }) => id));
    this.#present = this.#remembered
      .map((leaf, at) => ({
        ...leaf,
        after: leaf.follows ? this.#remembered[at - 1]?.lastKey : null,
        known: leaf,
      }))
      .filter(({ id }) => present.has(id));
  }

  /** The first that ends with this key or later. Keys must be asked for in order. */
  leafOf(key: PathKey): PresentLeaf | undefined {
    for (;;) {
      const leaf = this.#present[this.#at];
      if (leaf === undefined || leaf.lastKey >= key) return leaf;
      this.#at++;
    }
  }

  isSame(leaf: KnownLeaf, entries: readonly WalkedEntry[]): boolean {
    return (
      leaf.entries === entries.length && this.#digestOf(entries) === asBuffer(leaf.digest).toString('hex')
    );
  }

  /** A leaf has been taken as it is. */
  taken({ known }: PresentLeaf): void {
    const follows = this.#followsLast;
    this.#built.push(known.follows === follows ? known : { ...known, follows });
    this.#lastEnd = known.lastKey;
    this.#begin();
  }

  get #followsLast(): boolean {
    return this.#lastEnd === this.#built.at(-1)?.lastKey;
  }

  /** An entry is about to be added to the tree. */
  adding(entry: WalkedEntry): void {
    this.#entries.push(entry);
    if (isEntangled(entry)) this.#areSure = false;
  }

  /** Something about the last entry has to be looked at again next time. */
  doubt(): void {
    this.#areSure = false;
  }

  /** The last entry did not get into the tree. `isBetweenLeaves`: nor has any other since the last leaf. */
  notAdded(isBetweenLeaves: boolean): void {
    if (isBetweenLeaves) this.#begin();
    else this.doubt();
  }

  /** A leaf has been built of the entries since the last one. */
  built({ lastKey, entries, id, isLast }: EndedLeaf): void {
    const end = lastKey as PathKey;
    if (this.#areSure) {
      invariant(this.#entries.length === entries, 'a leaf of what was added');
      const digest = Buffer.from(this.#digestOf(this.#entries), 'hex');
      this.#built.push({ lastKey: end, entries, id, digest, follows: this.#followsLast, isLast });
    }
    this.#lastEnd = end;
    this.#begin();
  }

  finish(): void {
    if (!this.#options.isWhole) return;
    const [before, now] = [this.#remembered, this.#built];
    const isSame = before.length === now.length && before.every((leaf, index) => leaf === now[index]);
    if (!isSame || this.#options.force) this.#cache.rememberLeaves(this.#source, now);
  }

  #begin(): void {
    this.#entries = [];
    this.#areSure = true;
  }

  /** Of all fingerprints and keys, in hexadecimal. A key is its components joined by zero bytes: a slash is in none. */
  #digestOf(entries: readonly WalkedEntry[]): string {
    const keys = entries.map(keyOf).join('/');
    const fieldsBytes = entries.length * fieldsPerStat * BigInt64Array.BYTES_PER_ELEMENT;
    const bytes = fieldsBytes + keys.length;
    if (this.#scratch.length < bytes) this.#scratch = Buffer.from(new ArrayBuffer(2 * bytes));
    const fields = new BigInt64Array(this.#scratch.buffer, 0, entries.length * fieldsPerStat);
    let at = 0;
    for (const { stat } of entries) at = putStat(fields, stat, at);
    this.#scratch.write(keys, fieldsBytes, 'latin1');
    return hashTextOf(this.#scratch.subarray(0, bytes)).slice(0, 2 * digestBytes);
  }
}

function keyOf({ key }: WalkedEntry): PathKey {
  return key;
}

/** What becomes of it depends on other entries too, or it is reported each time. */
export function isEntangled({ type, stat, sidecars, sidecarOf }: WalkedEntry): boolean {
  return sidecars.length > 0 || sidecarOf !== undefined || (type === 'file' && stat.nlink > 1n);
}

/** Half a hash: two states that agree in it do not happen, and to make them takes 2^64 hashes. */
const digestBytes = 16;
