import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { buildAgentDatabase, type TestSession } from '../helpers/agent-database.ts';
import { type CliRun, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const config = "{ gateway: { mode: 'local', port: 1 }, meta: { lastTouchedVersion: '2026.4.12' } }\n";
const events = [
  { type: 'session', version: 3, id: 'a-1', timestamp: '2026-11-20T10:00:00.000Z', cwd: '/w' },
  { type: 'message', id: 'm1', parentId: null, message: { role: 'user', content: 'grüß dich' } },
];
const main: TestSession = { key: 'agent:main:main', id: 'a-1', events, entry: { label: 'one' } };
const chat: TestSession = {
  key: 'agent:main:telegram:direct:42',
  id: 'b-2',
  events: [{ ...events[0], id: 'b-2' }, events[1] ?? {}],
};

class Home {
  readonly home: string;
  readonly state: string;

  constructor(context: TestContext) {
    this.home = temporaryFolder(context);
    this.state = join(this.home, '.openclaw');
    this.put('openclaw.json', config);
  }

  put(path: string, content: string): void {
    mkdirSync(dirname(join(this.state, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(this.state, path), content, { mode: 0o600 });
  }

  /** As the era of files kept them. */
  putFiles(sessions: readonly TestSession[], agent = 'main'): this {
    const index = Object.fromEntries(
      sessions.map(({ key, id, entry }) => [key, { sessionId: id, updatedAt: 1, ...entry }]),
    );
    this.put(`agents/${agent}/sessions/sessions.json`, JSON.stringify(index));
    for (const { id, events: lines } of sessions)
      this.put(
        `agents/${agent}/sessions/${id}.jsonl`,
        lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      );
    return this;
  }

  get database(): string {
    return join(this.state, 'agents/main/agent/openclaw-agent.sqlite');
  }

  putDatabase(sessions: readonly TestSession[]): this {
    buildAgentDatabase(this.database, sessions);
    return this;
  }

  run(...words: string[]): CliRun {
    return runCli(['sessions', ...words], { home: this.home });
  }

  /** What `sessions export` says is there: keys with ids, labels and the number of events. */
  get all(): unknown[] {
    // biome-ignore lint/suspicious/noExplicitAny: a document that was parsed
    return this.run('export', '--all').json.sessions.map((session: any) => [
      session.key,
      session.sessionId,
      session.events.length,
    ]);
  }
}

test('sessions export prints one session by key or id, from files and from a database', (context) => {
  for (const home of [
    new Home(context).putFiles([main, chat]),
    new Home(context).putDatabase([main, chat]),
  ]) {
    const { status, json, stderr } = home.run('export', chat.key);
    assert.equal(status, 0, stderr);
    assert.equal(json.format, 'exuvia sessions bundle');
    assert.equal(json.source.stateDir, home.state);
    assert.deepEqual(json.sessions, [
      {
        key: chat.key,
        agent: 'main',
        sessionId: 'b-2',
        entry: { sessionId: 'b-2', updatedAt: 1 },
        events: chat.events,
      },
    ]);
    assert.equal(home.run('export', 'a-1').json.sessions[0].key, main.key);
  }
});

test('sessions export --all takes every agent, --agent one of them', (context) => {
  const home = new Home(context).putFiles([main, chat]);
  home.putFiles([{ key: 'agent:work:main', id: 'w', events }], 'work');
  assert.equal(home.all.length, 3);
  assert.equal(home.run('export', '--all', '--agent', 'work').json.sessions.length, 1);
  const refused = home.run('export', '--all', '--agent', 'wrok');
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /There is no agent "wrok".*\nThere are: main, work\./);
});

test('sessions export reads the folder of before there were agents', (context) => {
  const home = new Home(context);
  home.put('sessions/sessions.json', JSON.stringify({ main: { sessionId: 'old' } }));
  home.put('sessions/old.jsonl', `${JSON.stringify(events[0])}\n{"half`);
  assert.deepEqual(home.all, [['main', 'old', 1]]);
});

test('sessions export --output writes a file that only its owner can read, and never over another', (context) => {
  const home = new Home(context).putFiles([main]);
  const { json } = home.run('export', '--all', '--output', 'all.json', '--json');
  const path = join(home.home, 'all.json');
  assert.deepEqual(json, {
    output: path,
    bytes: statSync(path).size,
    sessions: [{ agent: 'main', key: main.key, sessionId: 'a-1', events: 2 }],
    problems: [],
  });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(JSON.parse(readFileSync(path, 'utf8')).sessions.length, 1);
  assert.equal(home.run('export', '--all', '--output', 'all.json').status, 2);
  assert.equal(home.run('export', '--all', '--output', 'all.json', '--overwrite').status, 0);
});

test('sessions export says what it could not take along, and which session may have been meant', (context) => {
  const home = new Home(context).putFiles([main, chat]);
  home.put('agents/main/sessions/b-2.jsonl', 'rubbish\n{"type":"session"}\n');
  const damaged = home.run('export', '--all');
  assert.equal(damaged.status, 3);
  assert.match(damaged.stderr, /1 lines of .*b-2\.jsonl hold no event/);
  const unknown = home.run('export', 'agent:main:telegram:direct:43');
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /there is none with that key or id\nNear are: agent:main:telegram:direct:42/);
  assert.equal(home.run('export').status, 2);
  assert.equal(home.run('export', 'a-1', '--all').status, 2);
  const empty = new Home(context).run('export', 'x', '--json');
  assert.equal(empty.json.error.code, 'ERR_NO_SESSION');
});
