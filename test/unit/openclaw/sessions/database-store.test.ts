import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { agentDatabaseName, DatabaseStore } from '../../../../src/openclaw/sessions/database-store.ts';
import { buildAgentDatabase } from '../../../helpers/agent-database.ts';
import { temporaryFolder } from '../../../helpers/temporary.ts';

const events = [
  { type: 'session', id: 'a' },
  { type: 'message', id: 'm', text: 'ü' },
];
const sessions = [
  { key: 'agent:main:main', id: 'a', events, entry: { label: 'x' } },
  { key: 'agent:main:large', id: 'b', events, compressed: true },
];

test('DatabaseStore reads sessions of both schemas, compressed events too', (context) => {
  for (const schema of [13, 23] as const) {
    const path = join(temporaryFolder(context), agentDatabaseName);
    buildAgentDatabase(path, schema === 13 ? sessions.slice(0, 1) : sessions, schema);
    assert.equal(DatabaseStore.isAt(path), true);
    const store = new DatabaseStore('main', path);
    const read = [...store.read(store.list())];
    assert.equal(read.length, schema === 13 ? 1 : 2);
    for (const { session, problems } of read) {
      assert.deepEqual(session.events, events);
      assert.equal(session.entry['sessionId'], session.sessionId);
      assert.deepEqual(problems, []);
    }
  }
});

test('DatabaseStore.read() sees one moment while another connection writes', (context) => {
  const path = join(temporaryFolder(context), agentDatabaseName);
  buildAgentDatabase(path, sessions);
  const store = new DatabaseStore('main', path);
  const reading = store.read(store.list());
  assert.equal(reading.next().value?.session.key, 'agent:main:large');
  const writer = new Database(path);
  writer.pragma('foreign_keys = ON');
  writer.exec('DELETE FROM session_nodes');
  assert.equal(reading.next().value?.session.events.length, 2);
  assert.equal(reading.next().done, true);
  assert.deepEqual(store.list(), []);
  writer.close();
});

test('DatabaseStore counts what cannot be read, and names what is elsewhere', (context) => {
  const path = join(temporaryFolder(context), agentDatabaseName);
  buildAgentDatabase(path, sessions);
  const database = new Database(path);
  database.exec(`UPDATE transcript_events SET event_zstd = x'00' WHERE session_id = 'b' AND seq = 0`);
  database.exec(`CREATE TABLE session_transcript_cold_archives (session_id TEXT)`);
  database.exec(`INSERT INTO session_transcript_cold_archives VALUES ('a')`);
  database.exec(`UPDATE session_nodes SET entry_json = '[' WHERE session_key = 'agent:main:main'`);
  database.close();
  const store = new DatabaseStore('main', path);
  assert.deepEqual(
    [...store.read(store.list())].flatMap(({ problems }) => problems),
    [
      '1 events of agent:main:large cannot be read',
      'the entry of agent:main:main is not a JSON object',
      "older events of agent:main:main are in OpenClaw's cold storage, and stay there",
    ],
  );
});

test('DatabaseStore.isAt() is false without sessions, and says which database is broken', (context) => {
  const path = join(temporaryFolder(context), agentDatabaseName);
  assert.equal(DatabaseStore.isAt(path), false);
  new Database(path).exec('CREATE TABLE other (x)').close();
  assert.equal(DatabaseStore.isAt(path), false);
  writeFileSync(path, 'no database at all, but long enough to be taken for one'.repeat(20));
  assert.throws(() => DatabaseStore.isAt(path), { code: 'ERR_SESSIONS_STORE' });
});
