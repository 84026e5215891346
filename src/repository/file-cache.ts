/** What this machine knows of the files it has seen, in the index. Rows become visible only when what they refer to is durable. */
import { crc32 } from 'node:zlib';
import { byteStringFromBytes, byteStringToBytes, type PathKey } from '../model/paths.ts';
import type { FileCache, KnownFile } from '../model/store.ts';
import type { Database, Statement } from './database.ts';

const pageRows = 2000;
export const pendingRowsMax = 20_000;

export interface PendingRow {
  readonly source: string;
  readonly key: PathKey;
  /** Undefined for a row to be forgotten. */
  readonly file: KnownFile | undefined;
}

/** A file cache in the index, plain or sealed. */
export interface LocalFileCache extends FileCache {
  readonly hasPending: boolean;
  /** To be called inside a transaction, when every blob written so far is in a published pack. */
  flush(): void;
  /** To be called inside a transaction. Forgets every file whose node `isKept` refuses. */
  dropUnless(isKept: (node: Uint8Array) => boolean): void;
  /** Forgets what was to be remembered: the blobs it refers to did not become durable. */
  discard(): void;
}

export class IndexFileCache implements LocalFileCache {
  readonly #page: Statement;
  readonly #put: Statement;
  readonly #remove: Statement;
  readonly #database: Database;
  readonly #onFull: () => void;
  readonly #sources = new Map<string, number>();
  #pending: PendingRow[] = [];

  /** `onFull` is asked to make everything durable and to call `flush`, so that memory stays bounded. */
  constructor(database: Database, onFull: () => void) {
    this.#database = database;
    this.#onFull = onFull;
    this.#page = database
      .prepare(
        `SELECT key, fingerprint, node, crc FROM known_file WHERE source = ? AND key > ? ORDER BY key LIMIT ${pageRows}`,
      )
      .raw();
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO known_file (source, key, fingerprint, node, crc) VALUES (?, ?, ?, ?, ?)',
    );
    this.#remove = database.prepare('DELETE FROM known_file WHERE source = ? AND key = ?');
  }

  *known(source: string): Generator<KnownFile> {
    const no = this.#sourceNumber(source, false);
    if (no === undefined) return;
    let after: Uint8Array = Buffer.alloc(0);
    // The empty key (a source that is one file) is not greater than itself.
    const root = this.#database
      .prepare("SELECT key, fingerprint, node, crc FROM known_file WHERE source = ? AND key = x''")
      .raw()
      .get(no) as Row | undefined;
    if (root !== undefined && isSound(root)) yield knownFile(root);
    for (;;) {
      const rows = this.#page.all(no, after) as Row[];
      for (const row of rows) if (isSound(row)) yield knownFile(row);
      const last = rows.at(-1);
      if (last === undefined || rows.length < pageRows) return;
      after = last[0];
    }
  }

  remember(source: string, file: KnownFile): void {
    this.#add({ source, key: file.key, file });
  }

  forget(source: string, key: PathKey): void {
    this.#add({ source, key, file: undefined });
  }

  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  flush(): void {
    this.#sources.clear(); // another process may have made the index anew, with other numbers
    for (const { source, key, file } of this.#pending) {
      const no = this.#sourceNumber(source, true);
      if (file === undefined) this.#remove.run(no, byteStringToBytes(key));
      else {
        const bytes = byteStringToBytes(key);
        this.#put.run(no, bytes, file.fingerprint, file.node, checksumOf(bytes, file.fingerprint, file.node));
      }
    }
    this.#pending = [];
  }

  dropUnless(isKept: (node: Uint8Array) => boolean): void {
    const gone: [number, Buffer][] = [];
    for (const row of this.#database.prepare('SELECT source, key, node FROM known_file').raw().iterate()) {
      const [source, key, node] = row as [number, Buffer, Buffer];
      if (!isKept(node)) gone.push([source, key]);
    }
    for (const [source, key] of gone) this.#remove.run(source, key);
  }

  /** To be called inside a transaction. */
  clear(): void {
    this.#pending = [];
    this.#sources.clear();
    this.#database.exec('DELETE FROM known_file; DELETE FROM source;');
  }

  discard(): void {
    this.#pending = [];
  }

  #add(row: PendingRow): void {
    this.#pending.push(row);
    if (this.#pending.length >= pendingRowsMax) this.#onFull();
  }

  #sourceNumber(path: string, make: boolean): number | undefined {
    const cached = this.#sources.get(path);
    if (cached !== undefined) return cached;
    if (make) this.#database.prepare('INSERT OR IGNORE INTO source (path) VALUES (?)').run(path);
    const no = this.#database.prepare('SELECT no FROM source WHERE path = ?').pluck().get(path);
    if (typeof no !== 'number') return undefined;
    this.#sources.set(path, no);
    return no;
  }
}

type Row = [key: Buffer, fingerprint: Buffer, node: Buffer, crc: number];

function checksumOf(key: Uint8Array, fingerprint: Uint8Array, node: Uint8Array): number {
  return crc32(node, crc32(fingerprint, crc32(key)));
}

/** A row that rotted is not known: its file is read again. */
function isSound([key, fingerprint, node, crc]: Row): boolean {
  return checksumOf(key, fingerprint, node) === crc;
}

function knownFile([key, fingerprint, node]: Row): KnownFile {
  return { key: byteStringFromBytes(key) as string as PathKey, fingerprint, node };
}
