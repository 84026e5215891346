/** The file cache beside the walk: both are in key order, so each row is read once and nothing is kept in memory. */
import type { PathKey } from '../model/paths.ts';
import type { FileCache, KnownFile } from '../model/store.ts';

export class KnownFiles {
  readonly #cache: FileCache;
  readonly #source: string;
  readonly #forgetMissing: boolean;
  readonly #rows: Iterator<KnownFile>;
  #next: KnownFile | undefined;

  constructor(cache: FileCache, source: string, forgetMissing: boolean) {
    this.#cache = cache;
    this.#source = source;
    this.#forgetMissing = forgetMissing;
    this.#rows = cache.known(source)[Symbol.iterator]();
    this.#advance();
  }

  /** Keys must be asked for in order. */
  find(key: PathKey): KnownFile | undefined {
    while (this.#next !== undefined && this.#next.key < key) this.#passBy(this.#next);
    const found = this.#next;
    if (found?.key !== key) return undefined;
    this.#advance();
    return found;
  }

  remember(key: PathKey, fingerprint: Uint8Array, node: Uint8Array): void {
    this.#cache.remember(this.#source, { key, fingerprint, node });
  }

  /** What was not asked for is gone. */
  finish(): void {
    while (this.#next !== undefined) this.#passBy(this.#next);
  }

  #passBy(row: KnownFile): void {
    if (this.#forgetMissing) this.#cache.forget(this.#source, row.key);
    this.#advance();
  }

  #advance(): void {
    const { value, done } = this.#rows.next();
    this.#next = done ? undefined : value;
  }
}
