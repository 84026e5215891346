/**
 * A database like the one an agent of OpenClaw keeps: WAL, pages of 4 KiB, incremental auto-vacuum; transcript events, a
 * full-text index that holds its own copy of the text, memory chunks with embeddings.
 *
 * Two shapes. `plain` has these tables and the identities of the events, with events as JSON. `full` adds what OpenClaw
 * 2026.9 has beyond that: events from 1 KB on as zstd, their positions, the owner of each row of the index, chunks by
 * hash. In an hour a third more pages change in it.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import type { Random } from '../lib/random.ts';
import type { Writer } from '../lib/text.ts';
import { searchableText, type TranscriptEvent } from './events.ts';

export type DatabaseShape = 'plain' | 'full';

const tables = `
CREATE TABLE session_nodes (
  session_key TEXT NOT NULL PRIMARY KEY, current_session_id TEXT NOT NULL, entry_json TEXT NOT NULL,
  updated_at INTEGER NOT NULL, last_seq INTEGER NOT NULL, last_event_id TEXT NOT NULL
) STRICT;
CREATE TABLE transcript_events (
  session_id TEXT NOT NULL, seq INTEGER NOT NULL, event_json TEXT, created_at INTEGER NOT NULL,
  event_zstd BLOB, event_utf8_bytes INTEGER, PRIMARY KEY (session_id, seq)
) STRICT;
CREATE TABLE transcript_event_identities (
  session_id TEXT NOT NULL, event_id TEXT NOT NULL, seq INTEGER NOT NULL, event_type TEXT, parent_id TEXT,
  created_at INTEGER NOT NULL, PRIMARY KEY (session_id, event_id)
) STRICT;
CREATE INDEX transcript_event_parent ON transcript_event_identities(session_id, parent_id)
  WHERE parent_id IS NOT NULL;
CREATE VIRTUAL TABLE session_transcript_fts USING fts5(
  text, session_id UNINDEXED, message_id UNINDEXED, role UNINDEXED, timestamp UNINDEXED,
  tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE memory_index_chunks (
  number INTEGER PRIMARY KEY, hash TEXT NOT NULL, path TEXT NOT NULL, start_line INTEGER NOT NULL,
  end_line INTEGER NOT NULL, model TEXT NOT NULL, text TEXT NOT NULL, embedding BLOB NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
`;

const positionTablesSql = `
CREATE INDEX transcript_event_sequence ON transcript_event_identities(session_id, seq);
CREATE TABLE session_transcript_active_events (
  session_id TEXT NOT NULL, active_position INTEGER NOT NULL, event_seq INTEGER NOT NULL,
  message_position INTEGER, PRIMARY KEY (session_id, active_position)
) STRICT;
CREATE TABLE session_transcript_fts_rows (
  id INTEGER PRIMARY KEY, session_id TEXT NOT NULL, message_id TEXT NOT NULL
) STRICT;
CREATE INDEX session_transcript_fts_rows_message ON session_transcript_fts_rows(session_id, message_id);
CREATE UNIQUE INDEX memory_index_chunk_hashes ON memory_index_chunks(hash);
CREATE INDEX memory_index_chunk_paths ON memory_index_chunks(path);
`;

const embeddingDimensions = 768;
const compressedFromBytes = 1024;

export interface SessionRow {
  readonly key: string;
  readonly sessionId: string;
  readonly lastSeq: number;
  readonly lastEventId: string;
}

export interface ChunkPlace {
  readonly path: string;
  readonly startLine: number;
  readonly updatedAtMs: number;
}

export type AgentDatabase = ReturnType<typeof openAgentDatabase>;

/** Opens `file`, or makes it with the tables of `shape`. */
export function openAgentDatabase(file: string, shape: DatabaseShape) {
  const db = openTables(file, shape);
  const positions = shape === 'full' ? positionTables(db) : undefined;
  const stored = shape === 'full' ? compressedEvent : plainEvent;
  const insertEvent = db.prepare('INSERT INTO transcript_events VALUES (?, ?, ?, ?, ?, ?)');
  const insertIdentity = db.prepare('INSERT INTO transcript_event_identities VALUES (?, ?, ?, ?, ?, ?)');
  const insertText = db.prepare(
    'INSERT INTO session_transcript_fts (rowid, text, session_id, message_id, role, timestamp) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const saveSession = db.prepare('REPLACE INTO session_nodes VALUES (?, ?, ?, ?, ?, ?)');
  const insertChunk = db.prepare(
    'INSERT INTO memory_index_chunks (hash, path, start_line, end_line, model, text, embedding, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const latestSessions = db.prepare(
    `SELECT session_key AS key, current_session_id AS sessionId, last_seq AS lastSeq, last_event_id AS lastEventId
     FROM session_nodes ORDER BY updated_at DESC LIMIT ?`,
  );
  const countEvents = db.prepare('SELECT max(rowid) FROM transcript_events').pluck();
  const findEvent = db.prepare('SELECT event_json, event_zstd FROM transcript_events WHERE rowid = ?');
  const updateEvent = db.prepare(
    'UPDATE transcript_events SET event_json = ?, event_zstd = ?, event_utf8_bytes = ? WHERE rowid = ?',
  );
  const updateText = db.prepare('UPDATE session_transcript_fts SET text = ? WHERE rowid = ?');

  return {
    inTransaction: <T>(work: () => T): T => db.transaction(work)(),
    appendEvent: (sessionId: string, seq: number, event: TranscriptEvent): void => {
      const { json, zstd, utf8Bytes } = stored(event);
      const atMs = event.message.timestamp;
      const row = insertEvent.run(sessionId, seq, json, atMs, zstd, utf8Bytes).lastInsertRowid;
      insertIdentity.run(sessionId, event.id, seq, event.type, event.parentId, atMs);
      positions?.add(sessionId, seq);
      const text = searchableText(event);
      if (text === undefined) return;
      insertText.run(row, text, sessionId, event.id, event.message.role, atMs);
      positions?.addIndexed(row, sessionId, event.id);
    },
    saveSession: (row: SessionRow, updatedAtMs: number): void => {
      const entry = {
        sessionId: row.sessionId,
        updatedAt: updatedAtMs,
        chatType: 'direct',
        channel: 'telegram',
      };
      const json = JSON.stringify(entry);
      saveSession.run(row.key, row.sessionId, json, updatedAtMs, row.lastSeq, row.lastEventId);
    },
    latestSessions: (count: number) => latestSessions.all(count) as SessionRow[],
    eventCount: () => countEvents.get() as number,
    /** Changes what the event in `row` says, there and in the index; false if it says nothing. */
    rewriteText: (row: number, change: (text: string) => string): boolean => {
      const found = findEvent.get(row) as { event_json: string | null; event_zstd: Buffer | null };
      const event = JSON.parse(found.event_json ?? zstdDecompressSync(found.event_zstd!).toString());
      const text = searchableText(event);
      if (text === undefined) return false;
      for (const part of event.message.content) if (part.type === 'text') part.text = change(part.text);
      const { json, zstd, utf8Bytes } = stored(event);
      updateEvent.run(json, zstd, utf8Bytes, row);
      updateText.run(searchableText(event), row);
      return true;
    },
    addChunk: (writer: Writer, random: Random, place: ChunkPlace): void => {
      const text = writer.prose(random, writer.topic(random), random.between(60, 260));
      const hash = random.hex(64);
      const model = 'embeddinggemma-300m-qat-Q8_0.gguf';
      const { path, startLine, updatedAtMs } = place;
      insertChunk.run(hash, path, startLine, startLine + 19, model, text, embeddingOf(random), updatedAtMs);
    },
    /** Leaves one file: everything is in it, and the log beside it is gone. */
    close: (): void => {
      db.pragma('wal_checkpoint(TRUNCATE)');
      db.close();
    },
  };
}

function openTables(file: string, shape: DatabaseShape): Database.Database {
  const db = new Database(file);
  if (db.pragma('user_version', { simple: true }) === 0) {
    db.pragma('page_size = 4096');
    db.pragma('auto_vacuum = INCREMENTAL');
    db.pragma('journal_mode = WAL');
    db.exec(shape === 'full' ? tables + positionTablesSql : tables);
    db.pragma('user_version = 23');
  }
  // Nothing here must survive a power cut.
  db.pragma('synchronous = OFF');
  return db;
}

function positionTables(db: Database.Database) {
  const insertActive = db.prepare('INSERT INTO session_transcript_active_events VALUES (?, ?, ?, ?)');
  const insertIndexed = db.prepare('INSERT INTO session_transcript_fts_rows VALUES (?, ?, ?)');
  return {
    add: (sessionId: string, seq: number): void => {
      insertActive.run(sessionId, seq, seq, seq);
    },
    addIndexed: (row: number | bigint, sessionId: string, eventId: string): void => {
      insertIndexed.run(row, sessionId, eventId);
    },
  };
}

interface StoredEvent {
  readonly json: string | null;
  readonly zstd: Buffer | null;
  readonly utf8Bytes: number | null;
}

function plainEvent(event: TranscriptEvent): StoredEvent {
  return { json: JSON.stringify(event), zstd: null, utf8Bytes: null };
}

function compressedEvent(event: TranscriptEvent): StoredEvent {
  const json = JSON.stringify(event);
  const utf8Bytes = Buffer.byteLength(json);
  if (utf8Bytes < compressedFromBytes) return plainEvent(event);
  return { json: null, zstd: zstdCompressSync(json), utf8Bytes };
}

/** A direction in space as float32: what is left after compression is nearly all of it. */
function embeddingOf(random: Random): Buffer {
  const values = Float32Array.from({ length: embeddingDimensions }, () => random.normal());
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return Buffer.from(values.map((value) => value / length).buffer);
}
