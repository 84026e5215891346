/**
 * Puts sessions into an agent's database, in one transaction. Columns are filled as far as the database has them, so that older
 * and newer schemas work. What OpenClaw derives from a transcript (search, active events) it makes itself when it is missing.
 *
 * Triggers mark whatever changes in `session_nodes` as not valid yet and queue its key for a repair; OpenClaw 2026.9.6 does not list such
 * sessions before its doctor has run. It writes the mark back after its own changes, and so does this.
 */
import Database from 'better-sqlite3';
import { invariant } from '../../model/errors.ts';
import type { BundledSession, JsonRecord } from './bundle.ts';
import {
  type EventRow,
  entryColumns,
  eventRows,
  identityRows,
  nodeColumns,
  windowColumns,
} from './database-rows.ts';
import {
  asStoreError,
  findSessionTable,
  hasTable,
  type SessionTable,
  windowTableOf,
} from './database-store.ts';

type Value = string | number | null;
type Row = Readonly<Record<string, Value>>;

/** @throws ExuviaError with what SQLite said; then nothing has changed */
export function writeSessionRows(path: string, sessions: readonly BundledSession[], nowMs: number): void {
  try {
    const database = new Database(path, { fileMustExist: true });
    try {
      database.pragma('foreign_keys = ON');
      const write = database.transaction(() => {
        database.pragma('defer_foreign_keys = ON'); // the schemas differ in which row comes first
        const writer = new RowWriter(database, nowMs);
        for (const session of sessions) writer.write(session);
      });
      write.immediate();
    } finally {
      database.close();
    }
  } catch (error) {
    throw asStoreError(path, error);
  }
}

class RowWriter {
  readonly #database: Database.Database;
  readonly #nowMs: number;
  readonly #table: SessionTable;
  readonly #tables = new Map<string, TableColumns>();

  constructor(database: Database.Database, nowMs: number) {
    const table = findSessionTable(database);
    invariant(table !== undefined, 'the database has tables for sessions');
    this.#database = database;
    this.#nowMs = nowMs;
    this.#table = table;
  }

  write(session: BundledSession): void {
    const { key, sessionId } = session;
    const entry = storedEntry(session, this.#nowMs);
    const events = eventRows(session, entry.updatedAt);
    const present = this.#presentId(key);
    if (present === sessionId) this.#removeTranscript(sessionId);
    this.#putNode(session, entry, present !== undefined);
    this.#putWindow(session, entry, events, present === sessionId ? undefined : present);
    for (const event of events) this.#insert('transcript_events', event);
    if (hasTable(this.#database, 'transcript_event_identities'))
      for (const identity of identityRows(session, events))
        this.#insert('transcript_event_identities', identity);
    this.#markValid(key);
  }

  #presentId(key: string): string | undefined {
    const { name, idColumn } = this.#table;
    const find = this.#database.prepare(`SELECT ${idColumn} FROM ${name} WHERE session_key = ?`).pluck();
    return find.get(key) as string | undefined;
  }

  /** With all that refers to it. */
  #removeTranscript(sessionId: string): void {
    // No foreign key leads here, and a trigger takes the search index along.
    for (const table of ['session_transcript_fts_rows', 'transcript_events', windowTableOf(this.#database)]) {
      if (table !== undefined && hasTable(this.#database, table))
        this.#database.prepare(`DELETE FROM ${table} WHERE session_id = ?`).run(sessionId);
    }
  }

  #putNode({ key, sessionId }: BundledSession, entry: StoredEntry, isThere: boolean): void {
    const { name, idColumn } = this.#table;
    const values = {
      ...entryColumns(entry, nodeColumns),
      [idColumn]: sessionId,
      entry_json: JSON.stringify(entry),
      updated_at: entry.updatedAt,
    };
    const isUpdated = isThere && this.#update(name, values, key);
    if (!isUpdated) this.#insert(name, { ...values, session_key: key });
  }

  #putWindow(
    { key, sessionId }: BundledSession,
    entry: StoredEntry,
    events: readonly EventRow[],
    previous: string | undefined,
  ): void {
    const name = windowTableOf(this.#database);
    if (name === undefined) return;
    const lastAt = events.at(-1)?.created_at ?? entry.updatedAt;
    this.#insert(name, {
      ...entryColumns(entry, windowColumns),
      ...{ session_id: sessionId, session_key: key, previous_session_id: previous ?? null },
      ...scopeOf(entry),
      created_at: events[0]?.created_at ?? entry.updatedAt,
      updated_at: entry.updatedAt,
      ...{ transcript_updated_at: lastAt, transcript_observed_at: lastAt },
      session_entry_provenance: 1,
    });
  }

  #markValid(key: string): void {
    if (this.#columnsOf(this.#table.name).has('entry_valid'))
      this.#database.prepare(`UPDATE ${this.#table.name} SET entry_valid = 1 WHERE session_key = ?`).run(key);
    const pending = 'session_canonical_validation_pending';
    if (hasTable(this.#database, pending))
      this.#database.prepare(`DELETE FROM ${pending} WHERE session_key = ?`).run(key);
  }

  #update(table: string, values: Row, key: string): boolean {
    const columns = this.#columnsOf(table);
    const names = Object.keys(values).filter((name) => columns.has(name));
    const sets = names.map((name) => `${name} = @${name}`).join(', ');
    const update = this.#database.prepare(`UPDATE ${table} SET ${sets} WHERE session_key = @session_key`);
    return update.run({ ...values, session_key: key }).changes > 0;
  }

  /** What the table does not have is left out; what it needs and nobody gave gets a value of its type. */
  #insert(table: string, values: Row): void {
    const columns = this.#columnsOf(table);
    const row: Record<string, Value> = {};
    for (const [name, { isNeeded, type }] of columns) {
      const value = values[name];
      if (value !== undefined && !(value === null && isNeeded)) row[name] = value;
      else if (isNeeded) row[name] = defaultOf(name, type, this.#nowMs);
    }
    const names = Object.keys(row);
    const marks = names.map((name) => `@${name}`).join(', ');
    this.#database.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks})`).run(row);
  }

  #columnsOf(table: string): TableColumns {
    const known = this.#tables.get(table) ?? readColumns(this.#database, table);
    this.#tables.set(table, known);
    return known;
  }
}

type TableColumns = ReadonlyMap<string, { readonly type: string; readonly isNeeded: boolean }>;

function readColumns(database: Database.Database, table: string): TableColumns {
  const rows = database.pragma(`table_info(${table})`) as {
    name: string;
    type: string;
    notnull: number;
    dflt_value: unknown;
  }[];
  const plain = rows.filter(({ name }) => /^\w+$/.test(name));
  return new Map(
    plain.map(({ name, type, notnull, dflt_value: given }) => [
      name,
      { type, isNeeded: notnull === 1 && given === null },
    ]),
  );
}

function defaultOf(name: string, type: string, nowMs: number): Value {
  if (name.endsWith('_at')) return nowMs;
  return /int|real|num/i.test(type) ? 0 : '';
}

interface StoredEntry extends JsonRecord {
  readonly updatedAt: number;
}

/** What only made sense for files, or for a run that went on, is left out. */
function storedEntry({ entry, sessionId }: BundledSession, nowMs: number): StoredEntry {
  const { sessionFile: _file, activeWriterRunId: _run, ...rest } = entry;
  const updatedAt = rest['updatedAt'];
  return { ...rest, sessionId, updatedAt: Number.isSafeInteger(updatedAt) ? (updatedAt as number) : nowMs };
}

/** OpenClaw's word for it where it is not a conversation of two; the column has a default. */
function scopeOf(entry: JsonRecord): Row {
  const type = entry['chatType'];
  return type === 'group' || type === 'channel' ? { session_scope: type } : {};
}
