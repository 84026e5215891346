/**
 * The leaves of a source's tree beside the walk: where everything that went into a leaf is as it was, the leaf is taken as it is,
 * and nothing that is known of its files is even read. Of a source in which little changes, that is nearly all of it.
 */
import { hashBytes } from '../codec/hash.ts';
import { invariant } from '../model/errors.ts';
import type { PathKey } from '../model/paths.ts';
import type { BlobWriter, FileCache, KnownLeaf } from '../model/store.ts';
import type { EndedLeaf } from '../tree/map-builder.ts';
import type { WalkedEntry } from '../walker/source-walk.ts';
import { fieldsPerStat, putStat } from './fingerprint.ts';

export class KnownLeaves {
  readonly #cache: FileCache;
  readonly #source: string;
  readonly #remembered: readonly KnownLeaf[];
  /** Those that are still stored. */
  readonly #known: readonly KnownLeaf[];
  #at = 0;
  readonly #built: KnownLeaf[] = [];
  /** Entries since the last leaf that was built. */
  #entries: WalkedEntry[] = [];
  #areSure = true;

  /** `areBelieved`: false when everything is to be read again. */
  constructor(blobs: BlobWriter, cache: FileCache, source: string, areBelieved: boolean) {
    this.#cache = cache;
    this.#source = source;
    this.#remembered = areBelieved ? cache.leaves(source) : [];
    const present = blobs.presentBlobs(this.#remembered.map(({ id }) => id));
    this.#known = this.#remembered.filter(({ id }) => present.has(id));
  }

  /** The first that ends with this key or later. Keys must be asked for in order. */
  leafOf(key: PathKey): KnownLeaf | undefined {
    for (;;) {
      const leaf = this.#known[this.#at];
      if (leaf === undefined || leaf.lastKey >= key) return leaf;
      this.#at++;
    }
  }

  isSame(leaf: KnownLeaf, entries: readonly WalkedEntry[]): boolean {
    return leaf.entries === entries.length && digestOf(entries).equals(leaf.digest);
  }

  /** A leaf has been taken as it is. */
  taken(leaf: KnownLeaf): void {
    this.#built.push(leaf);
    this.#begin();
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
  built({ lastKey, entries, id }: EndedLeaf): void {
    if (this.#areSure) {
      invariant(this.#entries.length === entries, 'a leaf of what was added');
      this.#built.push({ lastKey: lastKey as PathKey, entries, id, digest: digestOf(this.#entries) });
    }
    this.#begin();
  }

  /** To be called at the end of a run that looked at all of the source. */
  finish(): void {
    const [before, now] = [this.#remembered, this.#built];
    const isSame = before.length === now.length && before.every((leaf, index) => leaf === now[index]);
    if (!isSame) this.#cache.rememberLeaves(this.#source, now);
  }

  #begin(): void {
    this.#entries = [];
    this.#areSure = true;
  }
}

/** What becomes of it depends on other entries too, or it is reported each time. */
export function isEntangled({ type, stat, sidecars, sidecarOf }: WalkedEntry): boolean {
  return sidecars.length > 0 || sidecarOf !== undefined || (type === 'file' && stat.nlink > 1n);
}

/** Of all fingerprints and keys. A key is its components joined by zero bytes: a slash is in none. */
function digestOf(entries: readonly WalkedEntry[]): Buffer {
  const fields = new BigInt64Array(entries.length * fieldsPerStat);
  let at = 0;
  for (const { stat } of entries) at = putStat(fields, stat, at);
  const keys = Buffer.from(entries.map(({ key }) => key).join('/'), 'latin1');
  return Buffer.from(hashBytes(Buffer.concat([Buffer.from(fields.buffer), keys])));
}
