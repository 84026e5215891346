/** Digests of the blocks of databases as they were stored last, by the hash of their content: a part of the file cache. */
import type { BlobId } from '../model/ids.ts';
import type { Database } from './database.ts';
import type { BlockSeal } from './file-cache.ts';

/** Of so many databases, the last ones. Of one of 100 MB they take 50 KB. */
const databasesMax = 64;

interface Pending {
  readonly digests: Uint8Array;
  readonly before: BlobId;
}

export class KnownDigests {
  readonly #database: Database;
  readonly #seal: BlockSeal;
  readonly #pending = new Map<BlobId, Pending>();

  constructor(database: Database, seal: BlockSeal) {
    this.#database = database;
    this.#seal = seal;
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Undefined for what is not known, or damaged. */
  of(content: BlobId): Buffer | undefined {
    const name = this.#seal.nameOf(content);
    const find = this.#database.prepare('SELECT digests FROM known_digests WHERE content = ?').pluck();
    const sealed = find.get(name);
    return Buffer.isBuffer(sealed) ? this.#seal.open(digestsContext(name), sealed) : undefined;
  }

  remember(content: BlobId, digests: Uint8Array, before: BlobId): void {
    this.#pending.set(content, { digests, before });
  }

  discard(): void {
    this.#pending.clear();
  }

  /** To be called inside a transaction. */
  flush(): void {
    if (this.#pending.size === 0) return;
    const forget = this.#database.prepare('DELETE FROM known_digests WHERE content = ?');
    const add = this.#database.prepare(
      'INSERT OR REPLACE INTO known_digests (content, digests) VALUES (?, ?)',
    );
    for (const [content, { digests, before }] of this.#pending) {
      forget.run(this.#seal.nameOf(before));
      const name = this.#seal.nameOf(content);
      add.run(name, this.#seal.seal(digestsContext(name), digests));
    }
    this.#pending.clear();
    this.#database
      .prepare(
        'DELETE FROM known_digests WHERE no NOT IN (SELECT no FROM known_digests ORDER BY no DESC LIMIT ?)',
      )
      .run(databasesMax);
  }
}

function digestsContext(name: Buffer): string {
  return `digests ${name.toString('hex')}`;
}
