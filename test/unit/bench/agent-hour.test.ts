import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import {
  agentHomeSize,
  buildAgentHome,
  databasePath,
  type HomeSize,
  liveOneHour,
} from '../../../bench/agent-hour/data.ts';

const size: HomeSize = {
  databaseShape: 'plain',
  databaseEvents: 600,
  databaseChunks: 40,
  logBytes: [60_000, 80_000, 70_000],
  markdownFiles: 30,
};

let dir: string;
let beforeHour: Map<string, Buffer>;
let afterHour: Map<string, Buffer>;

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'exuvia-bench-'));
  const home = join(dir, 'first');
  buildAgentHome(home, 5, size);
  beforeHour = filesOf(home);
  liveOneHour(home, 5, size);
  afterHour = filesOf(home);
});

after(() => rmSync(dir, { recursive: true, force: true }));

test('buildAgentHome() and liveOneHour() give the same bytes for the same seed', () => {
  for (const shape of ['plain', 'full'] as const) {
    const homes = ['a', 'b'].map((name) => {
      const home = join(dir, `${shape}-${name}`);
      buildAgentHome(home, 6, { ...size, databaseShape: shape });
      const built = hashes(filesOf(home));
      liveOneHour(home, 6, { ...size, databaseShape: shape });
      return [built, hashes(filesOf(home))];
    });
    assert.deepEqual(homes[0], homes[1]);
  }
});

test('buildAgentHome() gives other bytes for another seed', () => {
  const home = join(dir, 'other');
  buildAgentHome(home, 7, size);
  assert.notDeepEqual(filesOf(home).get(databasePath), beforeHour.get(databasePath));
});

test('buildAgentHome() writes the files it says, and no sidecars', () => {
  const paths = [...beforeHour.keys()];
  assert.equal(paths.filter((path) => path.endsWith('.md')).length, 30);
  assert.equal(paths.filter((path) => path.endsWith('.jsonl')).length, 3);
  assert.deepEqual(
    paths.filter((path) => path.includes('.sqlite')),
    [databasePath],
  );
  assert.equal(statSync(join(dir, 'first', databasePath)).mtimeMs, Date.parse('2025-11-20T15:00:00Z'));
});

test('buildAgentHome() writes session logs of one JSON object a line', () => {
  const path = [...beforeHour.keys()].find((name) => name.endsWith('.jsonl'))!;
  const lines = beforeHour.get(path)!.toString().trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line));
  assert.equal(events[0].type, 'session');
  assert.equal(events[2].parentId, events[1].id);
});

test('liveOneHour() appends 25 KB to each log and edits three markdown files', () => {
  const changed = [...afterHour].filter(([path, bytes]) => !bytes.equals(beforeHour.get(path)!));
  const logs = changed.filter(([path]) => path.endsWith('.jsonl'));
  assert.equal(logs.length, 3);
  for (const [path, bytes] of logs) {
    const old = beforeHour.get(path)!;
    assert.ok(bytes.subarray(0, old.length).equals(old), 'only appended to');
    const appended = bytes.length - old.length;
    assert.ok(appended >= 25_000 && appended < 35_000, `${appended} bytes`);
  }
  assert.equal(changed.filter(([path]) => path.endsWith('.md')).length, 3);
  assert.equal(changed.length, 3 + 3 + 1);
  assert.equal(afterHour.size, beforeHour.size);
});

test('liveOneHour() adds 80 rows and rewrites 30 all over the table', () => {
  const old = eventsOf(beforeHour.get(databasePath)!);
  const now = eventsOf(afterHour.get(databasePath)!);
  assert.equal(now.events.length - old.events.length, 60);
  assert.equal(now.chunks - old.chunks, 20);
  const rewritten = old.events.flatMap((json, row) => (now.events[row] === json ? [] : [row]));
  assert.equal(rewritten.length, 30);
  const parts = new Set(rewritten.map((row) => Math.floor((row / old.events.length) * 6)));
  assert.equal(parts.size, 6);
});

test('liveOneHour() leaves a sound database whose index finds the new text', () => {
  const db = new Database(join(dir, 'first', databasePath));
  try {
    assert.equal(db.pragma('integrity_check', { simple: true }), 'ok');
    assert.equal(db.pragma('page_size', { simple: true }), 4096);
    assert.equal(db.pragma('auto_vacuum', { simple: true }), 2);
    db.prepare(
      "INSERT INTO session_transcript_fts (session_transcript_fts) VALUES ('integrity-check')",
    ).run();
    const { text } = db
      .prepare('SELECT text FROM session_transcript_fts ORDER BY rowid DESC LIMIT 1')
      .get() as { text: string };
    const words = /\w+ \w+/.exec(text)![0];
    const found = db
      .prepare('SELECT count(*) AS count FROM session_transcript_fts WHERE session_transcript_fts MATCH ?')
      .get(`"${words}"`) as { count: number };
    assert.ok(found.count > 0);
  } finally {
    db.close();
  }
});

test('agentHomeSize is what the figures in bench/README.md were measured with', () => {
  assert.deepEqual(agentHomeSize, {
    databaseShape: 'plain',
    databaseEvents: 21_000,
    databaseChunks: 5000,
    logBytes: [7_400_000, 8_600_000, 8_900_000],
    markdownFiles: 1500,
  });
});

function filesOf(home: string): Map<string, Buffer> {
  const entries = globSync('**', { cwd: home, withFileTypes: true, exclude: () => false }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(home.length + 1), readFileSync(path)];
    }),
  );
}

function hashes(files: ReadonlyMap<string, Buffer>): Record<string, string> {
  const sorted = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([path, bytes]) => [path, createHash('sha256').update(bytes).digest('hex')]),
  );
}

function eventsOf(database: Buffer): { readonly events: readonly string[]; readonly chunks: number } {
  // A database in memory cannot be in WAL mode: bytes 18 and 19 say how to read and write it.
  const copy = Buffer.from(database);
  copy[18] = 1;
  copy[19] = 1;
  const db = new Database(copy);
  try {
    return {
      events: db.prepare('SELECT event_json FROM transcript_events ORDER BY rowid').pluck().all() as string[],
      chunks: db.prepare('SELECT count(*) FROM memory_index_chunks').pluck().get() as number,
    };
  } finally {
    db.close();
  }
}
