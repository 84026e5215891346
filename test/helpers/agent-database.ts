/** Agent databases with the tables, constraints and triggers that concern sessions, as OpenClaw 2026.9.6 makes them (schema 23). */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import Database from 'better-sqlite3';

const pending = 'session_canonical_validation_pending';
const newSchema = `
  CREATE TABLE session_nodes (session_key TEXT NOT NULL PRIMARY KEY, current_session_id TEXT NOT NULL, entry_json TEXT NOT NULL,
    entry_valid INTEGER NOT NULL DEFAULT 0 CHECK (entry_valid IN (-1, 0, 1)), updated_at INTEGER NOT NULL,
    status TEXT CHECK (status IS NULL OR status IN ('running', 'done', 'failed', 'killed', 'timeout')),
    label TEXT, last_interaction_at INTEGER) STRICT;
  CREATE TABLE session_windows (session_id TEXT NOT NULL PRIMARY KEY, session_key TEXT NOT NULL, previous_session_id TEXT,
    reason TEXT CHECK (reason IS NULL OR reason IN ('initial', 'reset', 'switch')),
    session_scope TEXT NOT NULL DEFAULT 'conversation', created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    session_entry_provenance INTEGER NOT NULL DEFAULT 0, model TEXT,
    FOREIGN KEY (session_key) REFERENCES session_nodes(session_key) ON DELETE CASCADE) STRICT;
  CREATE TABLE transcript_events (session_id TEXT NOT NULL, seq INTEGER NOT NULL, event_json TEXT, created_at INTEGER NOT NULL,
    event_zstd BLOB, event_utf8_bytes INTEGER, navigation_json TEXT, PRIMARY KEY (session_id, seq),
    FOREIGN KEY (session_id) REFERENCES session_windows(session_id) ON DELETE CASCADE) STRICT;
  CREATE TABLE transcript_event_identities (session_id TEXT NOT NULL, event_id TEXT NOT NULL, seq INTEGER NOT NULL,
    event_type TEXT, parent_id TEXT, message_idempotency_key TEXT, created_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, event_id),
    FOREIGN KEY (session_id, seq) REFERENCES transcript_events(session_id, seq) ON DELETE CASCADE) STRICT;
  CREATE TABLE ${pending} (session_key TEXT NOT NULL PRIMARY KEY) STRICT;
  CREATE TRIGGER entry_valid_after_insert AFTER INSERT ON session_nodes
    BEGIN UPDATE session_nodes SET entry_valid = 0 WHERE session_key = NEW.session_key; END;
  CREATE TRIGGER entry_valid_after_update AFTER UPDATE OF entry_json, current_session_id, updated_at ON session_nodes
    BEGIN UPDATE session_nodes SET entry_valid = 0 WHERE session_key = NEW.session_key; END;
  CREATE TRIGGER pending_after_insert AFTER INSERT ON session_nodes
    BEGIN INSERT OR IGNORE INTO ${pending} VALUES (NEW.session_key); END;
  CREATE TRIGGER pending_after_update AFTER UPDATE ON session_nodes WHEN OLD.entry_valid IS NOT NEW.entry_valid
    BEGIN INSERT OR IGNORE INTO ${pending} VALUES (NEW.session_key); END;
  CREATE TRIGGER pending_after_window AFTER INSERT ON session_windows
    BEGIN INSERT OR IGNORE INTO ${pending} VALUES (NEW.session_key); END;
`;
const oldSchema = `
  CREATE TABLE sessions (session_id TEXT NOT NULL PRIMARY KEY, session_key TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL);
  CREATE TABLE session_entries (session_key TEXT NOT NULL PRIMARY KEY, session_id TEXT NOT NULL, entry_json TEXT NOT NULL,
    updated_at INTEGER NOT NULL);
  CREATE TABLE transcript_events (session_id TEXT NOT NULL, seq INTEGER NOT NULL, event_json TEXT NOT NULL,
    created_at INTEGER NOT NULL, PRIMARY KEY (session_id, seq),
    FOREIGN KEY (session_id) REFERENCES sessions(session_id) ON DELETE CASCADE);
`;

export interface TestSession {
  readonly key: string;
  readonly id: string;
  readonly events: readonly object[];
  readonly entry?: object;
  /** Stores its events the way large ones are. */
  readonly compressed?: boolean;
}

export function buildAgentDatabase(
  path: string,
  sessions: readonly TestSession[],
  schema: 23 | 13 = 23,
): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.exec(schema === 23 ? newSchema : oldSchema);
  database.pragma(`user_version = ${schema}`);
  for (const session of sessions) putSession(database, session, schema);
  database.close();
}

function putSession(database: Database.Database, session: TestSession, schema: 23 | 13): void {
  const { key, id, events, compressed } = session;
  const entry = JSON.stringify({ sessionId: id, updatedAt: 1, ...session.entry });
  const [list, idColumn] =
    schema === 23 ? ['session_nodes', 'current_session_id'] : ['session_entries', 'session_id'];
  const windows = schema === 23 ? 'session_windows' : 'sessions';
  database
    .prepare(`INSERT INTO ${list} (session_key, ${idColumn}, entry_json, updated_at) VALUES (?, ?, ?, 1)`)
    .run(key, id, entry);
  database
    .prepare(`INSERT INTO ${windows} (session_id, session_key, created_at, updated_at) VALUES (?, ?, 1, 1)`)
    .run(id, key);
  if (schema === 23) {
    database.exec(`UPDATE session_nodes SET entry_valid = 1; DELETE FROM ${pending}`);
  }
  for (const [seq, event] of events.entries()) {
    const text = JSON.stringify(event);
    if (compressed) {
      database
        .prepare(
          'INSERT INTO transcript_events (session_id, seq, event_zstd, event_utf8_bytes, navigation_json, created_at) VALUES (?, ?, ?, ?, ?, 1)',
        )
        .run(id, seq, zstdCompressSync(text), Buffer.byteLength(text), '{}');
    } else {
      database
        .prepare(
          'INSERT INTO transcript_events (session_id, seq, event_json, created_at) VALUES (?, ?, ?, 1)',
        )
        .run(id, seq, text);
    }
  }
}
