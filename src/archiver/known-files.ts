/** The file cache beside the walk: both are in key order, so each row is read at most once and nothing is kept in memory. */
import { displayKey, type PathKey } from '../model/paths.ts';
import type { FileCache, KnownFile } from '../model/store.ts';

export class KnownFiles {
  readonly #cache: FileCache;
  readonly #source: string;
  readonly #forgetMissing: boolean;
  /** Undefined when they are to be read from after `#after`. */
  #rows: Iterator<KnownFile> | undefined;
  #after: PathKey | undefined;
  #next: KnownFile | undefined;
  #isFinished = false;

  constructor(cache: FileCache, source: string, forgetMissing: boolean) {
    this.#cache = cache;
    this.#source = source;
    this.#forgetMissing = forgetMissing;
  }

  /** Keys must be asked for in order. */
  find(key: PathKey): KnownFile | undefined {
    this.#begin();
    while (this.#next !== undefined && this.#next.key < key) this.#passBy(this.#next);
    const found = this.#next;
    if (found?.key !== key) return undefined;
    this.#advance();
    return found;
  }

  /**
   * Files from `first` to `last` are as they were, and need not be asked for. `after` is the key after which they came when they were
   * remembered: when that is where the last ones that were skipped end, nothing between them can be gone.
   */
  skip(after: PathKey | undefined | null, first: PathKey, last: PathKey): void {
    if (this.#rows === undefined && after !== this.#after) this.#begin();
    while (this.#next !== undefined && this.#next.key < first) this.#passBy(this.#next);
    if (this.#rows !== undefined && (this.#next === undefined || this.#next.key > last)) return;
    this.#rows = undefined;
    this.#next = undefined;
    this.#after = last;
  }

  /** Those that were skipped last were the last that were remembered: where all before were skipped too, nothing after them can be gone. */
  skipRest(): void {
    this.#isFinished = this.#rows === undefined;
  }

  /** What is known of a file that was found. */
  forget(key: PathKey): void {
    this.#cache.forget(this.#source, key);
  }

  remember(key: PathKey, fingerprint: Uint8Array, node: Uint8Array): void {
    this.#cache.remember(this.#source, { key, fingerprint, node });
  }

  /** What was not asked for is gone. */
  finish(): void {
    if (this.#isFinished) return;
    this.#begin();
    while (this.#next !== undefined) this.#passBy(this.#next);
  }

  #passBy(row: KnownFile): void {
    if (this.#forgetMissing) this.#cache.forget(this.#source, row.key);
    this.#advance();
  }

  #begin(): void {
    if (this.#rows !== undefined) return;
    this.#rows = this.#cache.known(this.#source, this.#after)[Symbol.iterator]();
    this.#advance();
  }

  #advance(): void {
    const read = this.#rows?.next();
    this.#next = read === undefined || read.done ? undefined : read.value;
  }
}

/** Where damage is, when what is known of a file cannot be read. */
export function knownPlace(key: PathKey): string {
  return `known file ${displayKey(key)}`;
}
