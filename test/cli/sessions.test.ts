import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { buildAgentDatabase, type TestSession } from '../helpers/agent-database.ts';
import { type CliRun, launcherPath, runCli } from '../helpers/cli.ts';
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
  get all(): unknown[][] {
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

test('sessions export --format markdown is for reading: whole texts, tools, times; from files and from a database', (context) => {
  const long = `${'word '.repeat(400)}end`;
  const talk: TestSession = {
    key: 'agent:main:main',
    id: 'a-1',
    events: [
      { type: 'session', version: 3, id: 'a-1' },
      {
        ...{ type: 'message', id: 'm1', timestamp: '2026-11-20T10:00:00.000Z' },
        message: { role: 'user', content: [{ type: 'text', text: `grüß dich\n${long}` }, { type: 'image' }] },
      },
      {
        ...{ type: 'message', id: 'm2', timestamp: '2026-11-20T10:00:05.000Z' },
        message: {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm\nwell' },
            { type: 'toolCall', name: 'exec', arguments: { command: 'ls' } },
          ],
        },
      },
      {
        ...{ type: 'message', id: 'm3' },
        message: { role: 'toolResult', toolName: 'exec', content: [{ type: 'text', text: '```\na.txt' }] },
      },
      { type: 'compaction', id: 'c1', summary: 'they met', timestamp: '2026-11-20T11:00:00.000Z' },
      { type: 'model_change', id: 'x1' },
      { type: 'model_change', id: 'x2' },
    ],
  };
  const wanted = `## \`agent:main:main\`

Agent \`main\`, session \`a-1\`.

### User, 2026-11-20 10:00:00 UTC

grüß dich
${long}

*(image)*

### Assistant, 2026-11-20 10:00:05 UTC

> hm
> well

Calls \`exec\`

\`\`\`json
{
  "command": "ls"
}
\`\`\`

### Result of \`exec\`

\`\`\`\`
\`\`\`
a.txt
\`\`\`\`

### Summary of what was said before, 2026-11-20 11:00:00 UTC

they met

*Not shown, as nobody said it: model_change (2).*
`;
  for (const home of [new Home(context).putFiles([talk]), new Home(context).putDatabase([talk])]) {
    const { status, stdout, stderr } = home.run('export', 'agent:main:main', '--format', 'markdown');
    assert.equal(status, 0, stderr);
    assert.equal(stdout.slice(stdout.indexOf('## ')), wanted);
    assert.match(stdout, /^# Conversations of OpenClaw\n\nFrom `\S+\.openclaw` on /);
    const { json } = home.run('export', '--all', '--format', 'markdown', '--json');
    assert.equal(json.markdown.slice(json.markdown.indexOf('## ')), wanted);
    assert.equal(json.sessions.length, 1);
    const file = join(home.home, 'talk.md');
    assert.equal(home.run('export', '--all', '--format', 'markdown', '--output', file).status, 0);
    assert.equal(readFileSync(file, 'utf8').slice(-wanted.length), wanted);
    const refused = home.run('import', file);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^exuvia: Cannot import \S+talk\.md: it is not JSON/);
    assert.equal(home.run('export', '--all', '--format', 'html').status, 2);
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

/** A bundle of `sessions`, written where `home` can name it. */
function bundle(context: TestContext, home: Home, sessions: readonly TestSession[]): string {
  const from = new Home(context).putFiles(sessions);
  const path = join(home.home, 'bundle.json');
  assert.equal(from.run('export', '--all', '--output', path, '--overwrite').status, 0);
  return path;
}

test('sessions import puts sessions into files, the same ones once', (context) => {
  const home = new Home(context).putFiles([chat]);
  const path = bundle(context, home, [{ ...main, entry: { sessionFile: '/x/a-1.jsonl' } }]);
  const dry = home.run('import', path, '--dry-run', '--json');
  assert.equal(dry.json.before, null);
  assert.equal(home.all.length, 1);
  const { status, json, stderr } = home.run('import', path, '--json');
  assert.equal(status, 0, stderr);
  assert.deepEqual(json.sessions, [
    { agent: 'main', key: main.key, sessionId: 'a-1', from: main.key, action: 'create', events: 2 },
  ]);
  assert.deepEqual(home.all, [
    [chat.key, 'b-2', 2],
    [main.key, 'a-1', 2],
  ]);
  const folder = join(home.state, 'agents/main/sessions');
  assert.equal(
    readFileSync(join(folder, 'a-1.jsonl'), 'utf8'),
    events.map((event) => `${JSON.stringify(event)}\n`).join(''),
  );
  for (const name of ['a-1.jsonl', 'sessions.json'])
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  const index = JSON.parse(readFileSync(join(folder, 'sessions.json'), 'utf8'));
  assert.equal(index[main.key].sessionFile, join(folder, 'a-1.jsonl'));
  const again = home.run('import', path, '--json').json;
  assert.equal(again.unchanged, true);
  assert.equal(again.sessions[0].action, 'unchanged');
  const undone = runCli(['backup', 'restore', '--undo'], { home: home.home });
  assert.equal(undone.status, 0, undone.stderr);
  assert.equal(JSON.stringify(home.all), JSON.stringify([[chat.key, 'b-2', 2]]));
});

test('sessions import follows --on-conflict, and --agent makes all of them those of one agent', (context) => {
  const home = new Home(context).putFiles([main]);
  const path = bundle(context, home, [{ ...main, id: 'z-9', events: [{ ...events[0], id: 'z-9' }] }]);
  const actionOf = (...words: string[]): string =>
    home.run('import', path, '--no-snapshot', '--json', ...words).json.sessions[0].action;
  assert.equal(actionOf(), 'skip');
  assert.deepEqual(home.all, [[main.key, 'a-1', 2]]);
  assert.equal(actionOf('--on-conflict', 'rename'), 'rename');
  assert.equal(actionOf('--on-conflict', 'replace'), 'replace');
  assert.equal(actionOf('--agent', 'work'), 'create');
  const [replaced = [], ...others] = home.all;
  // Another conversation had its id by then.
  assert.match(JSON.stringify(replaced), /^\["agent:main:main","[0-9a-f-]{36}",1\]$/);
  assert.deepEqual(others, [
    ['agent:main:main-imported', 'z-9', 1],
    ['agent:work:main', 'z-9', 1],
  ]);
});

test('sessions import reads standard input, and refuses what is no bundle', (context) => {
  const home = new Home(context);
  const path = bundle(context, home, [main]);
  const feed = (input: Buffer | string) =>
    spawnSync(process.execPath, [launcherPath, 'sessions', 'import', '--no-snapshot'], {
      env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', HOME: home.home },
      input,
      encoding: 'utf8',
    });
  const fed = feed(readFileSync(path));
  assert.equal(fed.status, 0, fed.stderr);
  assert.match(fed.stdout, /^Imported:\n {2}create {4}agent:main:main \(2 events\)\n$/);
  const refused = feed('{}');
  assert.equal(refused.status, 1);
  assert.match(
    refused.stderr,
    /^exuvia: Cannot import standard input: it is JSON, but not a bundle of sessions\n/,
  );
  assert.equal(home.run('import', home.home).status, 2);
  assert.equal(home.run('import', path, '--agent', '../x').status, 2);
});

test('sessions import refuses while a gateway runs, --force overrides', async (context) => {
  const home = new Home(context);
  const path = bundle(context, home, [main]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const { port } = server.address() as { port: number };
  home.put('openclaw.json', `{ gateway: { port: ${port} } }`);
  const refused = home.run('import', path, '--json');
  assert.equal(refused.status, 1);
  assert.equal(refused.json.error.code, 'ERR_GATEWAY_RUNNING');
  assert.equal(home.run('import', path, '--force').status, 0);
  assert.equal(home.all.length, 1);
});

test('sessions import puts sessions into a database, once, and --undo takes them out', (context) => {
  const home = new Home(context).putDatabase([main]);
  const path = bundle(context, home, [{ ...main, events: events.slice(0, 1) }, chat]);
  const skipped = home.run('import', path, '--json');
  assert.equal(skipped.status, 0, skipped.stderr);
  const actions = skipped.json.sessions.map(({ action }: { action: string }) => action);
  assert.deepEqual(actions, ['skip', 'create']);
  assert.deepEqual(home.all, [
    [main.key, 'a-1', 2],
    [chat.key, 'b-2', 2],
  ]);
  assert.equal(home.run('import', path, '--json').json.unchanged, true);
  assert.equal(home.run('import', path, '--on-conflict', 'replace').status, 0);
  assert.equal(home.all[0]?.[2], 1);
  assert.equal(home.run('import', path, '--on-conflict', 'replace', '--json').json.unchanged, true);
  assert.equal(runCli(['backup', 'restore', '--undo'], { home: home.home }).status, 0);
  assert.equal(home.all[0]?.[2], 2);
});

test('sessions import says where it writes when that is outside the home, and what OpenClaw has to do', (context) => {
  const home = new Home(context);
  const path = bundle(context, home, [main]);
  const notesOf = (): string => home.run('import', path, '--dry-run', '--json').json.notes.join();
  assert.equal(notesOf(), '');
  home.put('state/openclaw.sqlite', '');
  assert.match(
    notesOf(),
    /openclaw doctor --session-sqlite import --session-sqlite-agent main takes them in$/,
  );
  const elsewhere = join(temporaryFolder(context), 'agent');
  buildAgentDatabase(join(elsewhere, 'openclaw-agent.sqlite'), [chat]);
  home.put('openclaw.json', JSON.stringify({ agents: { list: [{ id: 'main', agentDir: elsewhere }] } }));
  assert.match(
    notesOf(),
    /^The configuration places the sessions of main outside .*openclaw-agent\.sqlite,OpenClaw makes/,
  );
  assert.deepEqual(home.all, [[chat.key, 'b-2', 2]]);
});
