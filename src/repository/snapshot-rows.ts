/**
 * Records of snapshots as the index holds them: as they are, or sealed, with a checksum either way. What is the same in most of them (the
 * machine, the program, the assistant's agents) is held once, and what a list says of each, its head, is held beside: ten thousand records
 * are read in half the time then, and heads in half of that.
 */
import { crcOf } from '../codec/short-crc.ts';
import { idToBytes, type SnapshotId } from '../model/ids.ts';
import type { Snapshot, SnapshotHead } from '../model/snapshot.ts';
import type { Database } from './database.ts';
import type { LocalSeal } from './local-seal.ts';

/** As SQLite gives it. */
type SnapshotRow = [record: string, crc: number, shared: number, id: string];
type HeadRow = [head: string, crc: number];

const sharedFields = ['host', 'program', 'openclaw'] as const;
type SharedPart = Partial<Pick<Snapshot, (typeof sharedFields)[number]>>;

/** With the checksum of its text, which goes into that of each record: one that is taken for another is found out. */
interface Shared {
  readonly part: SharedPart;
  readonly crc: number;
}

/** By number; undefined for what rotted. */
type SharedParts = Map<number, Shared | undefined>;

/** A row; what rotted has no snapshot. */
export interface FoundRow {
  readonly id: SnapshotId;
  readonly snapshot: Snapshot | undefined;
}

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
      const head = crcOf(text) === crc ? parsed(this.#opened(text)) : undefined;
      if (head !== undefined) heads.set((head as SnapshotHead).id, head as SnapshotHead);
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
    for (const { snapshot } of this.#read(''))
      if (snapshot !== undefined) snapshots.set(snapshot.id, snapshot);
    return snapshots;
  }

  /** Undefined also where the index that finds it by its id has rotted. */
  get(id: SnapshotId): Snapshot | undefined {
    const [found] = this.#read('WHERE id = ?', idToBytes(id));
    return found?.snapshot?.id === id ? found.snapshot : undefined;
  }

  /** Those of the same sources that no other stands for, newest first, read one by one. */
  newest(paths: readonly string[]): Iterable<FoundRow> {
    return this.#read(
      `WHERE paths = ? AND id NOT IN (SELECT replaces FROM snapshot WHERE replaces IS NOT NULL)
       ORDER BY sequence DESC, name DESC`,
      this.#pathsText(paths),
    );
  }

  *#read(which: string, ...values: unknown[]): Generator<FoundRow> {
    const rows = this.#database
      .prepare(`SELECT record, crc, shared, lower(hex(id)) FROM snapshot ${which}`)
      .raw();
    const shared: SharedParts = new Map();
    for (const row of rows.iterate(...values) as Iterable<SnapshotRow>)
      yield { id: row[3] as SnapshotId, snapshot: this.#decode(row, shared) };
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
    const shared = JSON.stringify(part);
    const record = this.#encode(JSON.stringify(own));
    const head = this.#encode(JSON.stringify(headOf(snapshot)));
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
        this.#keepShared(shared),
        record,
        crcOf(record, crcOf(shared)),
      );
  }

  /** To be called inside a transaction. */
  drop(ids: Iterable<SnapshotId>): void {
    const remove = this.#database.prepare('DELETE FROM snapshot WHERE id = ?');
    for (const id of ids) remove.run(idToBytes(id));
    this.#database.exec('DELETE FROM snapshot_shared WHERE no NOT IN (SELECT shared FROM snapshot)');
  }

  /** Its number, which stays the same: other rows have it. */
  #keepShared(text: string): number {
    const name = this.#seal === undefined ? Buffer.from(text) : this.#seal.nameOf(text);
    const known = this.#one('SELECT no FROM snapshot_shared WHERE name = ?', name) as number | undefined;
    if (known !== undefined && this.#readShared(known)?.crc === crcOf(text)) return known;
    return this.#one(
      `INSERT INTO snapshot_shared (name, record) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET record = excluded.record RETURNING no`,
      name,
      this.#encode(text),
    ) as number;
  }

  #readShared(no: number): Shared | undefined {
    const record = this.#one('SELECT record FROM snapshot_shared WHERE no = ?', no);
    const text = this.#opened(record);
    const part = parsed(text);
    return part === undefined ? undefined : { part: part as SharedPart, crc: crcOf(text ?? '') };
  }

  #decode([record, crc, no]: SnapshotRow, shared: SharedParts): Snapshot | undefined {
    if (!shared.has(no)) shared.set(no, this.#readShared(no));
    const known = shared.get(no);
    if (known === undefined || typeof record !== 'string' || crcOf(record, known.crc) !== crc)
      return undefined;
    const own = parsed(this.#opened(record));
    return own === undefined ? undefined : Object.assign(own as Snapshot, known.part);
  }

  #encode(text: string): string {
    return this.#seal === undefined
      ? text
      : this.#seal.seal(rowContext, Buffer.from(text)).toString('base64');
  }

  #opened(record: unknown): string | undefined {
    if (typeof record !== 'string') return undefined; // a row may rot into anything
    return this.#seal === undefined
      ? record
      : this.#seal.open(rowContext, Buffer.from(record, 'base64'))?.toString('utf8');
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

/** Undefined for what is no JSON: of what rotted, a checksum may be right once in four thousand million times. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

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
