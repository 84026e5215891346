/** The documentation's three steps: from the home of one user to the home of another. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

interface Homes {
  readonly a: string;
  readonly b: string;
}

/** A home of both eras at once, full of its own paths. */
function homeOfA(context: TestContext): Homes {
  const folder = temporaryFolder(context);
  const [a, b] = [join(folder, 'alice'), join(folder, 'bob')];
  const state = join(a, '.openclaw');
  const put = (path: string, content: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: 0o600 });
  };
  put(
    join(state, 'openclaw.json'),
    `{
  // kept as it is
  meta: { lastTouchedVersion: '2026.9.6' },
  agents: { defaults: { workspace: '${a}/desk' }, entries: { main: { agentDir: '${state}/agents/main/agent' } } },
  channels: { whatsapp: {}, telegram: { botToken: '\${TG_TOKEN}' } },
}
`,
  );
  put(join(a, 'desk/AGENTS.md'), `my home is ${a}`);
  const transcript = join(state, 'agents/main/sessions/s1.jsonl');
  put(transcript, `{"type":"session","cwd":"${a}/desk"}\n`);
  put(
    join(state, 'agents/main/sessions/sessions.json'),
    JSON.stringify({ 'agent:main:main': { sessionId: 's1', sessionFile: transcript, label: transcript } }),
  );
  mkdirSync(join(state, 'agents/main/agent'));
  const agent = new Database(join(state, 'agents/main/agent/openclaw-agent.sqlite'));
  agent.pragma('journal_mode = WAL');
  agent.exec(`CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, entry_json TEXT NOT NULL) STRICT;
    CREATE TABLE transcript_events (session_id TEXT, event_json TEXT) STRICT`);
  agent
    .prepare('INSERT INTO session_nodes VALUES (?, ?)')
    .run('agent:main:main', JSON.stringify({ sessionId: 's1', cwd: `${a}/desk`, title: state }));
  agent
    .prepare('INSERT INTO transcript_events VALUES (?, ?)')
    .run('s1', JSON.stringify({ cwd: `${a}/desk` }));
  agent.close();
  mkdirSync(join(state, 'state'));
  const global = new Database(join(state, 'state/openclaw.sqlite'));
  global.exec('CREATE TABLE workspace_setup_state (workspace_path TEXT PRIMARY KEY, note TEXT) STRICT');
  global.prepare('INSERT INTO workspace_setup_state VALUES (?, ?)').run(`${a}/desk`, `${a}/desk`);
  global.close();
  mkdirSync(b);
  return { a, b };
}

function rowsOf(path: string, sql: string): unknown[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

function transfer({ a, b }: Homes, ...words: string[]) {
  const archive = join(dirname(a), 'transfer-backup.tar.gz');
  rmSync(archive, { force: true });
  const made = runCli(['backup', 'create', '--output', archive], { home: a });
  assert.equal(made.status, 0, made.stderr);
  return runCli(['backup', 'restore', archive, ...words], { home: b });
}

test('a home that moves to another user has its paths changed, listed, and everything else kept', (context) => {
  const homes = homeOfA(context);
  const { a, b } = homes;
  const run = transfer(homes, '--json');
  assert.equal(run.status, 0, run.stderr);
  const state = join(b, '.openclaw');
  const before = readFileSync(join(a, '.openclaw/openclaw.json'), 'utf8');
  const config = readFileSync(join(state, 'openclaw.json'), 'utf8');
  assert.equal(config.replaceAll('"', "'"), before.replaceAll(a, b), 'comments and all, at the new place');
  assert.equal(statSync(join(state, 'openclaw.json')).mode & 0o777, 0o600);
  assert.equal(
    readFileSync(join(b, 'desk/AGENTS.md'), 'utf8'),
    `my home is ${a}`,
    'what was written is not ours to change',
  );
  const sessions = JSON.parse(readFileSync(join(state, 'agents/main/sessions/sessions.json'), 'utf8'));
  assert.equal(sessions['agent:main:main'].sessionFile, join(state, 'agents/main/sessions/s1.jsonl'));
  assert.equal(sessions['agent:main:main'].label, join(a, '.openclaw/agents/main/sessions/s1.jsonl'));
  const agent = join(state, 'agents/main/agent/openclaw-agent.sqlite');
  assert.deepEqual(
    rowsOf(agent, 'SELECT entry_json FROM session_nodes').map((row) =>
      JSON.parse((row as { entry_json: string }).entry_json),
    ),
    [{ sessionId: 's1', cwd: `${b}/desk`, title: join(a, '.openclaw') }],
  );
  assert.deepEqual(rowsOf(agent, 'SELECT event_json FROM transcript_events'), [
    { event_json: JSON.stringify({ cwd: `${a}/desk` }) },
  ]);
  assert.deepEqual(rowsOf(join(state, 'state/openclaw.sqlite'), 'SELECT * FROM workspace_setup_state'), [
    { workspace_path: `${b}/desk`, note: `${a}/desk` },
  ]);
  const { paths, notes } = run.json;
  assert.deepEqual(paths.changes.map(({ where }: { where: string }) => where).sort(), [
    'agent:main:main.sessionFile',
    'agents.defaults.workspace',
    'agents.entries.main.agentDir',
    'session_nodes.entry_json.cwd',
    'workspace_setup_state.workspace_path',
  ]);
  assert.equal(notes.length, 3);
  assert.match(
    notes.join('\n'),
    /WhatsApp.*\nTelegram.*\nKeys from the environment: TG_TOKEN is not set here/,
  );
});

test('--keep-paths leaves them, and --dry-run says what would change', (context) => {
  const homes = homeOfA(context);
  const planned = transfer(homes, '--dry-run');
  assert.equal(planned.status, 0, planned.stderr);
  assert.match(planned.stdout, new RegExp(`paths below ${homes.a} would become ${homes.b}`));
  assert.equal(transfer(homes, '--keep-paths').status, 0);
  assert.equal(
    readFileSync(join(homes.b, '.openclaw/openclaw.json'), 'utf8'),
    readFileSync(join(homes.a, '.openclaw/openclaw.json'), 'utf8'),
  );
});

test('a restore at home changes no path and needs no notes', (context) => {
  const { a } = homeOfA(context);
  assert.equal(runCli(['backup', 'create'], { home: a }).status, 0);
  rmSync(join(a, '.openclaw/openclaw.json'));
  const { json } = runCli(['backup', 'restore', 'latest', '--json'], { home: a });
  assert.deepEqual(json.paths, { moves: [], changes: [], failures: [] });
  assert.deepEqual(json.notes, []);
});

test('the documented manual tar of a whole home moves as well', (context) => {
  const { a, b } = homeOfA(context);
  const archive = join(dirname(a), 'openclaw-backup.tar.gz');
  execFileSync(
    'tar',
    ['-czf', archive, '--transform', `s,^${a.slice(1)},home/alice,`, join(a, '.openclaw')],
    {
      stdio: ['ignore', 'ignore', 'ignore'],
    },
  );
  const { status, stderr, json } = runCli(['backup', 'restore', archive, '--json'], { home: b });
  assert.equal(status, 0, stderr);
  assert.deepEqual(json.paths.moves, [
    { from: '/home/alice/.openclaw', to: join(b, '.openclaw') },
    { from: '/home/alice', to: b },
  ]);
});

test('undoing a move brings back what was there', (context) => {
  const homes = homeOfA(context);
  const mine = join(homes.b, '.openclaw/openclaw.json');
  mkdirSync(dirname(mine));
  writeFileSync(mine, '{ "mine": true }');
  assert.equal(transfer(homes).status, 0);
  assert.equal(runCli(['backup', 'restore', '--undo'], { home: homes.b }).status, 0);
  assert.equal(readFileSync(mine, 'utf8'), '{ "mine": true }');
});
