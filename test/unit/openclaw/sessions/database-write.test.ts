import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import type { BundledSession } from '../../../../src/openclaw/sessions/bundle.ts';
import { agentDatabaseName, DatabaseStore } from '../../../../src/openclaw/sessions/database-store.ts';
import { writeSessionRows } from '../../../../src/openclaw/sessions/database-write.ts';
import { buildAgentDatabase } from '../../../helpers/agent-database.ts';
import { temporaryFolder } from '../../../helpers/temporary.ts';

const nowMs = 1_800_000_000_000;
const present = {
  key: 'agent:main:main',
  id: 'a',
  events: [
    { type: 'session', id: 'a' },
    { type: 'message', id: 'm' },
  ],
};

function sessionOf(key: string, sessionId: string): BundledSession {
  const message = { role: 'user', idempotencyKey: 'once' };
  return {
    ...{ key, sessionId, agent: 'main' },
    entry: {
      sessionId,
      updatedAt: 5,
      label: 'x',
      status: 'odd',
      model: 'm',
      sessionFile: '/f',
      lastInteractionAt: '7',
    },
    events: [
      { type: 'session', id: sessionId, timestamp: '1970-01-01T00:00:01.000Z' },
      { type: 'message', id: 'm1', parentId: null, message },
      { type: 'message', id: 'm1', parentId: 'm1', message, timestamp: 3000 },
    ],
  };
}

function buildDatabase(context: TestContext, schema: 13 | 23 = 23): string {
  const path = join(temporaryFolder(context), agentDatabaseName);
  buildAgentDatabase(path, [present], schema);
  return path;
}

function rowsOf(path: string, sql: string): unknown[][] {
  const database = new Database(path, { readonly: true });
  const rows = database.prepare(sql).raw().all() as unknown[][];
  database.close();
  return rows;
}

test('writeSessionRows() adds sessions to both schemas, and OpenClaw finds nothing to repair', (context) => {
  for (const schema of [13, 23] as const) {
    const path = buildDatabase(context, schema);
    const added = sessionOf('agent:main:added', 'b');
    writeSessionRows(path, [added], nowMs);
    const store = new DatabaseStore('main', path);
    const read = [...store.read(store.list())].map(({ session }) => session);
    const { sessionFile: _, ...entry } = added.entry;
    assert.deepEqual(read[0], { ...added, entry });
    assert.equal(read.length, 2);
    assert.deepEqual(rowsOf(path, 'PRAGMA foreign_key_check'), []);
    assert.deepEqual(rowsOf(path, 'PRAGMA integrity_check'), [['ok']]);
  }
});

test('writeSessionRows() fills columns from the entry and the events, and marks the session valid', (context) => {
  const path = buildDatabase(context);
  writeSessionRows(path, [sessionOf('agent:main:added', 'b')], nowMs);
  assert.deepEqual(
    rowsOf(
      path,
      `SELECT entry_valid, updated_at, status, label, last_interaction_at FROM session_nodes ORDER BY session_key`,
    ),
    [
      [1, 5, null, 'x', null],
      [1, 1, null, null, null],
    ],
  );
  assert.deepEqual(rowsOf(path, 'SELECT * FROM session_canonical_validation_pending'), []);
  assert.deepEqual(
    rowsOf(
      path,
      `SELECT session_key, created_at, updated_at, session_entry_provenance, model FROM session_windows WHERE session_id = 'b'`,
    ),
    [['agent:main:added', 1000, 5, 1, 'm']],
  );
  assert.deepEqual(rowsOf(path, `SELECT seq, created_at FROM transcript_events WHERE session_id = 'b'`), [
    [0, 1000],
    [1, 1000],
    [2, 3000],
  ]);
  assert.deepEqual(
    rowsOf(
      path,
      `SELECT event_id, seq, message_idempotency_key FROM transcript_event_identities ORDER BY seq`,
    ),
    [
      ['b', 0, null],
      ['m1', 1, 'once'],
    ],
  );
});

test('writeSessionRows() replaces a transcript of the same id, and keeps one of another', (context) => {
  const path = buildDatabase(context);
  writeSessionRows(path, [sessionOf(present.key, 'a')], nowMs);
  const eventsOf = (): unknown[][] =>
    rowsOf(path, 'SELECT session_id, count(*) FROM transcript_events GROUP BY 1 ORDER BY 1');
  assert.deepEqual(eventsOf(), [['a', 3]]);
  writeSessionRows(path, [sessionOf(present.key, 'b')], nowMs);
  assert.deepEqual(eventsOf(), [
    ['a', 3],
    ['b', 3],
  ]);
  assert.deepEqual(rowsOf(path, 'SELECT session_id, previous_session_id FROM session_windows ORDER BY 1'), [
    ['a', null],
    ['b', 'a'],
  ]);
  assert.deepEqual(rowsOf(path, 'SELECT current_session_id, entry_valid FROM session_nodes'), [['b', 1]]);
});

test('writeSessionRows() gives columns it does not know a value of their type', (context) => {
  const path = buildDatabase(context);
  const database = new Database(path);
  database.exec(`CREATE TABLE copy AS SELECT * FROM transcript_event_identities; DROP TABLE transcript_event_identities;
    CREATE TABLE transcript_event_identities (session_id TEXT NOT NULL, event_id TEXT NOT NULL, seq INTEGER NOT NULL,
      novel_kind TEXT NOT NULL, novel_count INTEGER NOT NULL, novel_at INTEGER NOT NULL, novel_flag INTEGER NOT NULL DEFAULT 3) STRICT`);
  database.close();
  writeSessionRows(path, [sessionOf('k', 'b')], nowMs);
  assert.deepEqual(rowsOf(path, 'SELECT * FROM transcript_event_identities WHERE seq = 0'), [
    ['b', 'b', 0, '', 0, nowMs, 3],
  ]);
});

test('writeSessionRows() changes nothing when one row is refused', (context) => {
  const path = buildDatabase(context);
  const database = new Database(path);
  database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON transcript_events WHEN NEW.session_id = 'c'
    BEGIN SELECT RAISE(ABORT, 'not this one'); END`);
  database.close();
  const sessions = [sessionOf('k', 'b'), sessionOf(present.key, 'c')];
  assert.throws(() => writeSessionRows(path, sessions, nowMs), {
    code: 'ERR_SESSIONS_STORE',
    message: /openclaw-agent\.sqlite: not this one$/,
  });
  assert.deepEqual(rowsOf(path, 'SELECT session_key, current_session_id FROM session_nodes'), [
    [present.key, 'a'],
  ]);
});
