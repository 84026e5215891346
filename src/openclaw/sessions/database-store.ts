/**
 * Sessions in an agent's database: `session_nodes` since its schema 14, `session_entries` before; the transcript is
 * `transcript_events`, whose events are plain JSON or compressed (seen with 2026.9.6). A gateway may be writing all the while.
 */
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { unzstd } from '../../codec/decode-now.ts';
import { ExuviaError, messageOf } from '../../model/errors.ts';
import { limits } from '../../model/limits.ts';
import { asRecord, parseJson } from '../json5.ts';
import { type BundledSession, isSessionId, isSessionKey, type JsonRecord } from './bundle.ts';
import type { ReadSession, SessionName, SessionStore } from './store.ts';

export const agentDatabaseName = 'openclaw-agent.sqlite';

/** Which table lists the sessions, and its column of the transcript's id. */
export interface SessionTable {
  readonly name: 'session_nodes' | 'session_entries';
  readonly idColumn: 'current_session_id' | 'session_id';
}

export class DatabaseStore implements SessionStore {
  readonly kind = 'database';
  readonly agent: string;
  readonly path: string;

  constructor(agent: string, path: string) {
    this.agent = agent;
    this.path = path;
  }

  /** Whether there is a database that can hold sessions. */
  static isAt(path: string): boolean {
    return existsSync(path) && withDatabase(path, (database) => findSessionTable(database) !== undefined);
  }

  list(): SessionName[] {
    return withDatabase(this.path, (database) => {
      const table = findSessionTable(database);
      if (table === undefined) return [];
      const rows = database
        .prepare(`SELECT session_key AS key, ${table.idColumn} AS sessionId FROM ${table.name} ORDER BY key`)
        .all() as { key: unknown; sessionId: unknown }[];
      return rows.flatMap(({ key, sessionId }) =>
        isSessionKey(key) && isSessionId(sessionId) ? [{ agent: this.agent, key, sessionId }] : [],
      );
    });
  }

  sessionIds(): ReadonlySet<string> {
    return withDatabase(this.path, (database) => {
      const ids = database.prepare('SELECT DISTINCT session_id FROM transcript_events').pluck().all();
      const windows = windowTableOf(database);
      const more = windows && database.prepare(`SELECT session_id FROM ${windows}`).pluck().all();
      return new Set([...ids, ...(more ?? [])].map(String));
    });
  }

  /** All of one moment: the connection and its transaction end with the iteration. */
  *read(wanted: readonly SessionName[]): Generator<ReadSession> {
    const database = openToRead(this.path);
    try {
      database.exec('BEGIN');
      const table = findSessionTable(database);
      if (table === undefined) return;
      const reader = new SessionReader(database, table, this.agent);
      for (const name of wanted) {
        const read = reader.read(name);
        if (read !== undefined) yield read;
      }
    } catch (error) {
      throw asStoreError(this.path, error);
    } finally {
      database.close();
    }
  }
}

export interface EventRow {
  readonly event_json: string | null;
  readonly event_zstd?: Buffer | null;
}

class SessionReader {
  readonly #agent: string;
  readonly #entry: Database.Statement;
  readonly #events: Database.Statement;
  readonly #cold: Database.Statement | undefined;

  constructor(database: Database.Database, table: SessionTable, agent: string) {
    this.#agent = agent;
    this.#entry = database
      .prepare(`SELECT entry_json FROM ${table.name} WHERE session_key = ? AND ${table.idColumn} = ?`)
      .pluck();
    this.#events = database.prepare('SELECT * FROM transcript_events WHERE session_id = ? ORDER BY seq');
    const cold = 'session_transcript_cold_archives';
    this.#cold = hasTable(database, cold)
      ? database.prepare(`SELECT 1 FROM ${cold} WHERE session_id = ?`).pluck()
      : undefined;
  }

  /** Undefined when OpenClaw has moved on since it was listed. */
  read({ key, sessionId }: SessionName): ReadSession | undefined {
    const text = this.#entry.get(key, sessionId) as string | undefined;
    if (text === undefined) return undefined;
    const problems: string[] = [];
    const entry = parseRecord(text);
    if (entry === undefined) problems.push(`the entry of ${key} is not a JSON object`);
    const events = this.#readEvents(sessionId);
    const bad = events.filter((event) => event === undefined).length;
    if (bad > 0) problems.push(`${bad} events of ${key} cannot be read`);
    if (this.#cold?.get(sessionId) !== undefined)
      problems.push(`older events of ${key} are in OpenClaw's cold storage, and stay there`);
    const session: BundledSession = {
      ...{ key, agent: this.#agent, sessionId, entry: entry ?? { sessionId } },
      events: events.filter((event) => event !== undefined),
    };
    return { session, problems };
  }

  #readEvents(sessionId: string): (JsonRecord | undefined)[] {
    return (this.#events.all(sessionId) as EventRow[]).map(readEvent);
  }
}

function readEvent(row: EventRow): JsonRecord | undefined {
  const text = eventText(row);
  return text === undefined ? undefined : parseRecord(text);
}

/** An event is JSON, or the same compressed. Undefined when it cannot be read. */
export function eventText({ event_json: text, event_zstd: compressed }: EventRow): string | undefined {
  if (text !== null) return text;
  try {
    const bytes = unzstd(compressed ?? Buffer.alloc(0), {
      maxOutputLength: limits.transcriptEventBytesMax,
    });
    return bytes.toString('utf8');
  } catch {
    return undefined; // counted by the caller
  }
}

function parseRecord(text: string): JsonRecord | undefined {
  try {
    return asRecord(parseJson(text));
  } catch {
    return undefined; // said by the caller
  }
}

export function findSessionTable(database: Database.Database): SessionTable | undefined {
  if (!hasTable(database, 'transcript_events')) return undefined;
  if (hasTable(database, 'session_nodes')) return { name: 'session_nodes', idColumn: 'current_session_id' };
  return hasTable(database, 'session_entries')
    ? { name: 'session_entries', idColumn: 'session_id' }
    : undefined;
}

/** The table of transcripts, one row a session id. */
export function windowTableOf(database: Database.Database): 'session_windows' | 'sessions' | undefined {
  return (['session_windows', 'sessions'] as const).find((name) => hasTable(database, name));
}

export function hasTable(database: Database.Database, name: string): boolean {
  const find = database.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?`);
  return find.get(name) !== undefined;
}

function withDatabase<T>(path: string, work: (database: Database.Database) => T): T {
  const database = openToRead(path);
  try {
    return work(database);
  } catch (error) {
    throw asStoreError(path, error);
  } finally {
    database.close();
  }
}

function openToRead(path: string): Database.Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw asStoreError(path, error);
  }
}

/** What SQLite says, with the database it says it of. */
export function asStoreError(path: string, error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const isBusy = error.code.startsWith('SQLITE_BUSY');
  return new ExuviaError(`Cannot use the sessions in ${path}: ${messageOf(error)}`, {
    code: 'ERR_SESSIONS_STORE',
    ...(isBusy ? { hint: 'OpenClaw is writing to it; run the command again.' } : {}),
    cause: error,
  });
}
