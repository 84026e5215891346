/**
 * Records of snapshots as the index holds them: as they are, or sealed, with a checksum either way. What is the same in most of them (the
 * machine, the program, the assistant's agents) is held once, and what a list says of each is held beside: of ten thousand, records are
 * read in 100 ms and heads in 35, where whole records took 250.
 */
import { crcOf } from '../codec/short-crc.ts';
import { idToBytes, type SnapshotId } from '../model/ids.ts';
import type { Snapshot, SnapshotHead } from '../model/snapshot.ts';
import type { Database } from './database.ts';
import type { LocalSeal } from './local-seal.ts';

/** As SQLite gives it. */
type SnapshotRow = [record: string, crc: number, shared: number];
type SharedRow = [record: string, crc: number];
type HeadRow = [head: string, crc: number];

const sharedFields = ['host', 'program', 'openclaw'] as const;
type SharedPart = Partial<Pick<Snapshot, (typeof sharedFields)[number]>>;
/** By number; undefined for what rotted. */
type SharedParts = Map<number, SharedPart | undefined>;

export class SnapshotRows {
  readonly #database: Database;
  readonly #seal: LocalSeal | undefined;

  constructor(database: Database, seal: LocalSeal | undefined) {
    this.#database = database;
    this.#seal = seal;
  }

  /** Of the files of all of them, in order, a slash between them. */
  names(): string {
    return (this.#one("SELECT group_concat(name, '/') FROM (SELECT name FROM snapshot ORDER BY name)") ??
      '') as string;
  }

  ids(): ReadonlySet<SnapshotId> {
    const ids = this.#database.prepare('SELECT lower(hex(id)) FROM snapshot').pluck().all();
    return new Set(ids as SnapshotId[]);
  }

  has(id: SnapshotId): boolean {
    return this.#one('SELECT 1 FROM snapshot WHERE id = ?', idToBytes(id)) !== undefined;
  }

  /** The highest there is, or 0. */
  lastSequence(): number {
    return Number(this.#one('SELECT coalesce(max(sequence), 0) FROM snapshot'));
  }

  /** Without those whose rows rotted: they are read from their files again. */
  heads(): Map<SnapshotId, SnapshotHead> {
    const heads = new Map<SnapshotId, SnapshotHead>();
    for (const [text, crc] of this.#headRows()) {
      const head = crcOf(text) === crc ? (this.#opened(text) as SnapshotHead | undefined) : undefined;
      if (head !== undefined) heads.set(head.id, head);
    }
    return heads;
  }

  /** In one piece, for which SQLite takes half the time: no head has a line end in it. */
  *#headRows(): Generator<HeadRow> {
    const [heads, crcs] = this.#database
      .prepare('SELECT group_concat(head, char(10)), group_concat(head_crc) FROM snapshot')
      .raw()
      .get() as [string | null, string | null];
    if (heads === null || crcs === null) return;
    const numbers = crcs.split(',');
    for (const [index, head] of heads.split('\n').entries()) yield [head, Number(numbers[index])];
  }

  /** The same of whole records. */
  all(): Map<SnapshotId, Snapshot> {
    const snapshots = new Map<SnapshotId, Snapshot>();
    for (const snapshot of this.#read('')) snapshots.set(snapshot.id, snapshot);
    return snapshots;
  }

  get(id: SnapshotId): Snapshot | undefined {
    return [...this.#read('WHERE id = ?', idToBytes(id))][0];
  }

  /** Those of the same sources that no other stands for, newest first, read one by one. */
  newest(paths: readonly string[]): Iterable<Snapshot> {
    return this.#read(
      `WHERE paths = ? AND id NOT IN (SELECT replaces FROM snapshot WHERE replaces IS NOT NULL)
       ORDER BY sequence DESC, name DESC`,
      this.#pathsText(paths),
    );
  }

  *#read(which: string, ...values: unknown[]): Generator<Snapshot> {
    const rows = this.#database.prepare(`SELECT record, crc, shared FROM snapshot ${which}`).raw();
    const shared: SharedParts = new Map();
    for (const row of rows.iterate(...values) as Iterable<SnapshotRow>) {
      const snapshot = this.#decode(row, shared);
      if (snapshot !== undefined) yield snapshot;
    }
  }

  /** To be called inside a transaction. */
  put(snapshot: Snapshot, name: string): void {
    const part: Record<string, unknown> = {};
    const own: Record<string, unknown> = { ...snapshot };
    for (const field of sharedFields) {
      if (own[field] === undefined) continue;
      part[field] = own[field];
      own[field] = 0; // keeps its place: a record whose fields come in another order has another id
    }
    const shared = this.#keepShared(part);
    const record = this.#encode(own);
    const head = this.#encode(headOf(snapshot));
    this.#database
      .prepare(
        `INSERT OR REPLACE INTO snapshot (id, name, sequence, paths, replaces, head, head_crc, shared, record, crc)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        idToBytes(snapshot.id),
        name,
        snapshot.sequence,
        this.#pathsText(snapshot.sources.map(({ path }) => path)),
        snapshot.replaces === undefined ? null : idToBytes(snapshot.replaces),
        head,
        crcOf(head),
        shared,
        record,
        crcOf(record, shared),
      );
  }

  /** To be called inside a transaction. */
  drop(ids: Iterable<SnapshotId>): void {
    const remove = this.#database.prepare('DELETE FROM snapshot WHERE id = ?');
    for (const id of ids) remove.run(idToBytes(id));
    this.#database.exec('DELETE FROM snapshot_shared WHERE no NOT IN (SELECT shared FROM snapshot)');
  }

  /** Its number. */
  #keepShared(part: SharedPart): number {
    const text = JSON.stringify(part);
    const name = this.#seal === undefined ? Buffer.from(text) : this.#seal.nameOf(text);
    const known = this.#one('SELECT no FROM snapshot_shared WHERE name = ?', name) as number | undefined;
    if (known !== undefined && this.#readShared(known) !== undefined) return known;
    const record = this.#encode(part);
    const { lastInsertRowid } = this.#database
      .prepare('INSERT OR REPLACE INTO snapshot_shared (name, record, crc) VALUES (?, ?, ?)')
      .run(name, record, crcOf(record));
    return Number(lastInsertRowid);
  }

  #readShared(no: number): SharedPart | undefined {
    const row = this.#database.prepare('SELECT record, crc FROM snapshot_shared WHERE no = ?').raw().get(no);
    if (row === undefined) return undefined;
    const [record, crc] = row as SharedRow;
    return crcOf(record) === crc ? (this.#opened(record) as SharedPart | undefined) : undefined;
  }

  #decode([record, crc, shared]: SnapshotRow, parts: SharedParts): Snapshot | undefined {
    if (crcOf(record, shared) !== crc) return undefined;
    if (!parts.has(shared)) parts.set(shared, this.#readShared(shared));
    const part = parts.get(shared);
    const own = part && (this.#opened(record) as Snapshot | undefined);
    return own && Object.assign(own, part);
  }

  #encode(value: unknown): string {
    const text = JSON.stringify(value);
    return this.#seal === undefined
      ? text
      : this.#seal.seal(rowContext, Buffer.from(text)).toString('base64');
  }

  #opened(record: string): unknown {
    const text =
      this.#seal === undefined
        ? record
        : this.#seal.open(rowContext, Buffer.from(record, 'base64'))?.toString('utf8');
    return text === undefined ? undefined : JSON.parse(text);
  }

  #pathsText(paths: readonly string[]): string {
    const text = JSON.stringify(paths);
    return this.#seal === undefined ? text : this.#seal.nameOf(text).toString('hex');
  }

  #one(sql: string, ...values: unknown[]): unknown {
    return this.#database
      .prepare(sql)
      .pluck()
      .get(...values);
  }
}

const rowContext = 'snapshot';

function headOf(snapshot: Snapshot): SnapshotHead {
  const { id, time, sequence, components, tags, message, reason, unreadableCount } = snapshot;
  const { pinned, replaces, original, lost } = snapshot;
  const { files, totalBytes, storedBytes } = snapshot.stats;
  return {
    ...{ id, time, sequence, components, tags, message, reason, unreadableCount },
    ...(pinned && { pinned }),
    ...(replaces && { replaces }),
    ...(original && { original }),
    ...(lost && { lost: { reason: lost.reason, count: lost.count } }),
    stats: { files, totalBytes, storedBytes },
  };
}
