import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { buildAgentDatabase } from '../helpers/agent-database.ts';
import { runCli } from '../helpers/cli.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

class ChangedHome {
  readonly home: string;

  constructor(context: TestContext) {
    this.home = temporaryFolder(context);
    mkdirSync(this.at('workspace/memory'), { recursive: true });
    mkdirSync(this.at('credentials'));
    const random = new Seeded(3);
    this.write('openclaw.json', '{ "gateway": { "port": 18789 } }');
    this.write('workspace/MEMORY.md', random.text(3000));
    this.write('workspace/plan.md', random.text(5000));
    this.write('workspace/gone.md', random.text(700));
    this.write('workspace/same.md', random.text(800));
    this.write('workspace/large.bin', random.bytes(500_000));
    this.write('credentials/oauth.json', '{}');
    symlinkSync('MEMORY.md', this.at('workspace/link'));
    assert.equal(this.run('create').status, 0);
    this.write('openclaw.json', '{ "gateway": { "port": 18790 } }');
    renameSync(this.at('workspace/MEMORY.md'), this.at('workspace/memory/2026.md'));
    this.write(
      'workspace/plan-b.md',
      Buffer.concat([random.text(200), new Seeded(3).text(8000).subarray(3200, 7900)]),
    );
    rmSync(this.at('workspace/gone.md'));
    this.write('workspace/new.md', 'new and nothing like the others\n');
    this.write('workspace/large.bin', Buffer.concat([new Seeded(9).bytes(1000), Buffer.alloc(400_000, 7)]));
    chmodSync(this.at('credentials/oauth.json'), 0o600);
    utimesSync(this.at('workspace/same.md'), 1_700_000_000, 1_700_000_000);
    rmSync(this.at('workspace/link'));
    symlinkSync('memory/2026.md', this.at('workspace/link'));
  }

  at(path: string): string {
    return join(this.home, '.openclaw', path);
  }

  write(path: string, content: string | Uint8Array): void {
    writeFileSync(this.at(path), content);
  }

  run(...words: string[]): ReturnType<typeof runCli> {
    return runCli(['backup', ...words], { home: this.home });
  }

  changes(...words: string[]): Record<string, string> {
    const run = this.run('diff', ...words, '--json');
    assert.equal(run.status, 0, run.stderr);
    const entries = run.json.changes as { change: string; path: string; from?: string; type: string }[];
    return Object.fromEntries(
      entries
        .filter(({ type }) => type !== 'directory')
        .map(({ change, path, from }) => [path, from === undefined ? change : `${change} ${from}`]),
    );
  }
}

const expected = {
  'credentials/oauth.json': 'mode',
  'openclaw.json': 'changed',
  'workspace/gone.md': 'removed',
  'workspace/large.bin': 'changed',
  'workspace/link': 'changed',
  'workspace/memory/2026.md': 'renamed workspace/MEMORY.md',
  'workspace/new.md': 'added',
  'workspace/plan-b.md': 'added',
};

test('backup diff compares snapshots, archives, folders and the present state alike', (context) => {
  const changed = new ChangedHome(context);
  assert.deepEqual(changed.changes('latest'), expected, 'a snapshot and the present state');
  const copy = join(changed.home, 'copy.tar.gz');
  assert.equal(changed.run('export', 'latest', copy).status, 0);
  assert.equal(changed.run('create').status, 0);
  assert.deepEqual(changed.changes(), expected, 'the two newest snapshots');
  assert.deepEqual(changed.changes('latest~1', 'latest'), expected);
  assert.deepEqual(changed.changes(copy, 'latest'), expected, 'an archive');
  assert.deepEqual(changed.changes('latest'), {});
  assert.deepEqual(changed.changes('latest~1', changed.at('')), expected, 'a folder');
  assert.deepEqual(
    Object.keys(changed.changes('latest~1', 'latest', '--times')).includes('workspace/same.md'),
    true,
  );
  rmSync(join(changed.home, '.openclaw/backups'), { recursive: true });
  assert.deepEqual(changed.changes(copy, 'live'), expected, 'without a repository');
});

test('backup diff shows sums by component, names alone, parts, and ends with 1 when asked to', (context) => {
  const changed = new ChangedHome(context);
  const { json } = changed.run('diff', 'latest', '--json');
  assert.equal(json.components.workspace.added, 2 + 0);
  assert.equal(json.components.config.changed, 1);
  assert.equal(json.components.credentials.mode, 1);
  const large = json.changes.find(({ path }: { path: string }) => path === 'workspace/large.bin');
  assert.ok(large.newBytes > 1000 && large.newBytes <= 401_000, `${large.newBytes}`);
  assert.deepEqual(Object.keys(changed.changes('latest', 'live', 'openclaw.json', 'credentials')), [
    'credentials/oauth.json',
    'openclaw.json',
  ]);
  assert.deepEqual(Object.keys(changed.changes('latest', '--include', '*.bin')), ['workspace/large.bin']);
  assert.equal('workspace/large.bin' in changed.changes('latest', '--exclude', 'workspace/**'), false);
  const names = changed.run('diff', 'latest', '--name-only').stdout;
  assert.match(names, /^workspace\/new\.md$/m);
  assert.doesNotMatch(names, /same\.md/);
  const stat = changed.run('diff', 'latest', '--stat').stdout;
  assert.match(stat, /^ +workspace +2 added, 1 removed, 2 changed, 1 renamed/m);
  assert.equal(changed.run('diff', 'latest', '--exit-code').status, 1);
  assert.equal(changed.run('diff', 'latest', 'latest', '--exit-code').status, 0);
  assert.match(
    changed.run('diff', 'latest').stdout,
    /^R {2}workspace\/MEMORY\.md -> workspace\/memory\/2026\.md$/m,
  );
  assert.equal(changed.run('diff', 'nothere').status, 1);
  const unknown = changed.run('diff', 'latest', 'live', 'workspace/never.md');
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /^exuvia: Neither side has workspace\/never\.md\n/);
  const all = Object.keys(changed.changes('latest'));
  for (const path of ['.', './', changed.at('')])
    assert.deepEqual(Object.keys(changed.changes('latest', 'live', path)), all, path);
  for (const path of ['./workspace/', changed.at('workspace'), 'workspace/**'])
    assert.equal(Object.keys(changed.changes('latest', 'live', path)).length, 6, path);
  const whole = changed.run('diff', 'latest', '--json').json.changes as { path: string; newBytes: number }[];
  assert.equal(whole.find(({ path }) => path === 'openclaw.json')?.newBytes, 32, 'also of a small file');
});

test('backup log, find and grep know what was when', (context) => {
  const changed = new ChangedHome(context);
  assert.equal(changed.run('create').status, 0);
  changed.write('openclaw.json', '{ "gateway": { "port": 18791 } }');
  assert.equal(changed.run('create').status, 0);
  assert.equal(changed.run('create').status, 0);
  const ids = changed.run('list', '--json').json.snapshots.map(({ id }: { id: string }) => id);
  const [log] = changed.run('log', 'openclaw.json', '--json').json.paths;
  assert.deepEqual(
    log.versions.map((version: { change: string; snapshots: number; first: { id: string } }) => [
      version.change,
      version.snapshots,
      ids.indexOf(version.first.id),
    ]),
    [
      ['appeared', 1, 0],
      ['changed', 1, 1],
      ['changed', 2, 2],
    ],
  );
  const gone = changed.run('log', 'workspace/gone.md', '--json').json.paths[0].versions;
  assert.deepEqual(
    gone.map(({ change }: { change: string }) => change),
    ['appeared', 'gone'],
  );
  assert.equal(
    changed.run('log', changed.at('openclaw.json'), '--json').json.paths.length,
    1,
    'an absolute path',
  );
  assert.equal(changed.run('log', 'never.md').status, 2);
  const { found } = changed.run('find', '*.md', '--json').json;
  const byPath = new Map(found.map((one: { path: string; isPresent: boolean }) => [one.path, one.isPresent]));
  assert.equal(byPath.get('workspace/gone.md'), false);
  assert.equal(byPath.get('workspace/new.md'), true);
  const { matches } = changed.run('grep', '18790', '--json').json;
  assert.equal(matches.length, 1);
  assert.equal(matches[0].path, 'openclaw.json');
  assert.equal(matches[0].first.id, ids[1]);
  assert.equal(matches[0].last.id, ids[1]);
  assert.equal(changed.run('grep', 'NOTHING LIKE', '--json').json.matches.length, 0);
  assert.equal(changed.run('grep', '-i', 'NOTHING LIKE', '--json').json.matches[0].line, 1);
  // Any version that log shows can be had.
  const old = changed.run('cat', log.versions[0].first.id, 'openclaw.json');
  assert.match(old.stdout, /18789/);
});

test('backup diff --content shows what differs inside files, and masks secrets', (context) => {
  const changed = new ChangedHome(context);
  const records = (count: number): string =>
    Array.from({ length: count }, (_, index) =>
      JSON.stringify({
        type: 'message',
        timestamp: `2026-01-01T00:00:0${index}Z`,
        message: { role: 'user', content: `said ${index}` },
      }),
    ).join('\n');
  mkdirSync(changed.at('agents/main/sessions'), { recursive: true });
  changed.write('agents/main/sessions/s.jsonl', `${records(2)}\n`);
  changed.write(
    'openclaw.json',
    '{ "gateway": { "port": 1, "auth": { "token": "sk-one-1111111111111111" } } }',
  );
  changed.write('.env', 'API_TOKEN=first-value\nNAME=open\n');
  changed.write('workspace/notes.md', 'one\ntwo\nthree\n');
  assert.equal(changed.run('create').status, 0);
  changed.write('agents/main/sessions/s.jsonl', `${records(4)}\n`);
  changed.write(
    'openclaw.json',
    '{ "gateway": { "port": 2, "auth": { "token": "sk-two-2222222222222222" } } }',
  );
  changed.write('.env', 'API_TOKEN=second-value\nNAME=open\n');
  changed.write('workspace/notes.md', 'one\n\u001b[31mtwo\nthree\n');
  const { stdout, status } = changed.run('diff', 'latest', '--content');
  assert.equal(status, 0);
  assert.match(stdout, /^ {4}gateway\.port: 1 -> 2$/m);
  assert.match(stdout, /^ {4}2 records appended, /m);
  assert.match(stdout, /user: said 3$/m);
  assert.match(stdout, /^ {4}-two\n {4}\+\\u\{1b\}\[31mtwo$/m);
  assert.doesNotMatch(stdout, /sk-|first-value|second-value/);
  assert.equal(stdout.includes('\u001b'), false);
  const prints = [...stdout.matchAll(/<secret [0-9a-f]{8}>/g)].map(([text]) => text);
  assert.equal(
    new Set(prints).size,
    5,
    'each secret, and all that an .env holds, has a fingerprint of its own',
  );
  assert.deepEqual(
    [...changed.run('diff', 'latest', '--content').stdout.matchAll(/<secret [0-9a-f]{8}>/g)].map(
      ([text]) => text,
    ),
    prints,
    'which stays the same',
  );
  const shown = changed.run('diff', 'latest', '--content', '--show-secrets').stdout;
  assert.match(shown, /sk-two-2222222222222222/);
  const { changes } = changed.run('diff', 'latest', '--content', '--json').json;
  const kinds = Object.fromEntries(
    changes.map(({ path, content }: { path: string; content?: { kind: string } }) => [path, content?.kind]),
  );
  assert.equal(kinds['openclaw.json'], 'json');
  assert.equal(kinds['agents/main/sessions/s.jsonl'], 'records');
  assert.equal(kinds['workspace/notes.md'], 'text');
  assert.doesNotMatch(JSON.stringify(changes), /sk-two|second-value/);
  assert.equal(changed.run('diff', '--show-secrets').status, 2);
});

test('backup diff --content shows rows of databases, between snapshots and against the present', (context) => {
  const home = new ChangedHome(context);
  mkdirSync(home.at('memory'));
  const database = new Database(home.at('memory/main.sqlite'));
  context.after(() => database.close());
  database.exec('CREATE TABLE chunk (id INTEGER PRIMARY KEY, text TEXT, size INTEGER)');
  const insert = database.prepare('INSERT INTO chunk VALUES (?, ?, ?)');
  database.transaction(() => {
    for (let id = 1; id <= 5000; id++) insert.run(id, `what was said ${id}`.repeat(20), id);
  })();
  assert.equal(home.run('create').status, 0);
  database.exec("UPDATE chunk SET text = 'other words' WHERE id = 70; DELETE FROM chunk WHERE id = 4000");
  insert.run(9000, 'newest', 1);
  for (const sides of [['latest'], ['latest~1', 'latest']]) {
    if (sides.length === 2) assert.equal(home.run('create').status, 0);
    const run = home.run('diff', ...sides, '--content', '--json');
    assert.equal(run.status, 0, run.stderr);
    const entry = run.json.changes.find(({ path }: { path: string }) => path === 'memory/main.sqlite');
    const [table, ...others] = entry.content.tables;
    assert.deepEqual(others, []);
    assert.deepEqual([table.added, table.removed, table.changed], [1, 1, 1]);
    assert.deepEqual(
      table.rows.map(({ op, key }: { op: string; key: unknown[] }) => [op, key]),
      [
        ['removed', [{ column: 'id', value: 4000 }]],
        ['changed', [{ column: 'id', value: 70 }]],
        ['added', [{ column: 'id', value: 9000 }]],
      ],
    );
    assert.equal(table.rows[1].cells[0].after, 'other words');
  }
  assert.match(
    home.run('diff', 'latest~1', 'latest', '--content').stdout,
    /~ id=70 +text: .* -> "other words"/,
  );
});

test('backup blame tells which snapshot first had each line, and grep which had a row', (context) => {
  const home = new ChangedHome(context);
  mkdirSync(home.at('memory'));
  const database = new Database(home.at('memory/main.sqlite'));
  context.after(() => database.close());
  database.pragma('journal_mode = WAL');
  database.exec(
    'CREATE TABLE chunk (id INTEGER PRIMARY KEY, text TEXT); CREATE VIRTUAL TABLE words USING fts5(text)',
  );
  const add = (id: number, text: string) => {
    database.prepare('INSERT INTO chunk VALUES (?, ?)').run(id, text);
    database.prepare('INSERT INTO words VALUES (?)').run(text);
  };
  for (let id = 1; id <= 500; id++) add(id, `ordinary words ${id} `.repeat(20));
  const versions = ['one\ntwo\nthree\n', 'one\nnew two\nthree\n', 'zero\none\nnew two\nthree\n'];
  for (const [index, text] of versions.entries()) {
    home.write('workspace/lines.md', text);
    if (index === 1) add(9000, 'Tomatoes are red');
    if (index === 2) database.exec('DELETE FROM chunk WHERE id = 9000');
    assert.equal(home.run('create').status, 0);
  }
  const ids = home.run('list', '--json').json.snapshots.map(({ id }: { id: string }) => id);
  const [file] = home.run('blame', 'workspace/lines.md', '--json').json.files;
  assert.deepEqual(
    file.lines.map(({ text, first }: { text: string; first: { id: string } }) => [
      text,
      ids.indexOf(first.id),
    ]),
    [
      ['zero', 3],
      ['one', 1],
      ['new two', 2],
      ['three', 1],
    ],
  );
  assert.match(home.run('blame', 'workspace/lines.md').stdout, /^[0-9a-f]{8} .* 3 {2}new two$/m);
  assert.equal(home.run('blame', 'memory/main.sqlite').status, 2);
  for (const words of [['Tomatoes are'], ['-i', 'tomatoes ARE']]) {
    const { matches } = home.run('grep', ...words, '--include', 'memory/**', '--json').json;
    const row = matches.find(({ table }: { table?: string }) => table === 'chunk');
    assert.deepEqual([row.row, row.column, row.text], ['id=9000', 'text', 'Tomatoes are red']);
    assert.deepEqual([ids.indexOf(row.first.id), ids.indexOf(row.last.id)], [2, 2]);
  }
});

test('backup diff --content tells who said what in an agent’s database, and masks only what is secret', (context) => {
  const home = new ChangedHome(context);
  const path = home.at('agents/main/agent/openclaw-agent.sqlite');
  const said = (id: string, role: string, text: string) => ({
    type: 'message',
    id,
    timestamp: '2026-11-20T10:00:00.000Z',
    message: { role, content: [{ type: 'text', text }] },
  });
  const first = said('1', 'user', 'hello');
  const more = [
    said('2', 'user', 'what is it called?'),
    said('3', 'assistant', 'Homard, and sk-ant-api03-abcdefghijklmnopqrstuvwx'),
  ];
  for (const events of [[first], [first, ...more]]) {
    rmSync(path, { force: true });
    const session = { key: 'agent:main:main', id: 's1', events };
    buildAgentDatabase(path, [session, { ...session, key: 'agent:main:big', id: 's2', compressed: true }]);
    assert.equal(home.run('create').status, 0);
  }
  const { stdout } = home.run('diff', 'latest~1', 'latest', '--content');
  assert.equal(stdout.match(/\+ 2026-11-20 10:00:00 user: what is it called\?/g)?.length, 2, stdout);
  assert.equal(stdout.match(/assistant: Homard, and <secret [0-9a-f]{8}>/g)?.length, 2, stdout);
  assert.doesNotMatch(stdout, /sk-ant-api03/);
});

test('backup grep and blame find secrets and show fingerprints, unless they are asked for them', (context) => {
  const home = new ChangedHome(context);
  const long = 'no secret '.repeat(80);
  home.write('.env', 'API_TOKEN=plain-one\nNAME=open\n');
  home.write('credentials/oauth.json', '{"access": "plain-two", "n": 1}');
  home.write(
    'openclaw.json',
    '{ gateway: { port: 5, auth: { token: "plain-three" } },\n  // a comment\n  env: { REGION: "plain-four" } }\n',
  );
  home.write(
    'workspace/notes.md',
    `${long} sk-ant-api03-plainfive567890123456789 ${long}\npassword: plain-six\nplain-words\n`,
  );
  mkdirSync(home.at('agents/main/sessions'), { recursive: true });
  home.write('agents/main/sessions/s.jsonl', '{"text":"it says {\\"apiKey\\":\\"plain-seven\\"}"}\n');
  mkdirSync(home.at('memory'));
  const database = new Database(home.at('memory/main.sqlite'));
  context.after(() => database.close());
  database.exec(
    `CREATE TABLE secret_store_entries (id INTEGER PRIMARY KEY, v); INSERT INTO secret_store_entries VALUES (1, 'plain-eight');
     CREATE TABLE other (id INTEGER PRIMARY KEY, password, v);
     INSERT INTO other VALUES (1, 'plain-nine', '{"deep":{"botToken":"plain-ten"}}'), (2, NULL, 'plain-words')`,
  );
  assert.equal(home.run('create').status, 0);
  for (const words of [
    ['grep', 'plain'],
    ['grep', '-i', 'PLAIN'],
    ['grep', 'plain', '--json'],
  ]) {
    const { stdout, status } = home.run(...words);
    assert.equal(status, 0);
    assert.doesNotMatch(stdout, /plain-?(one|two|three|four|five|six|seven|eight|nine|ten)/);
    assert.equal(stdout.match(/plain-words/g)?.length, 2, stdout);
    assert.equal(new Set(stdout.match(/<secret [0-9a-f]{8}>/g)).size, 10, stdout);
  }
  assert.match(home.run('grep', 'plain-six').stdout, /^workspace\/notes\.md:2 .*password: <secret/m);
  assert.match(
    home.run('grep', 'plainfive').stdout,
    /^workspace\/notes\.md:1 .*… ?.*no secret +<secret [0-9a-f]{8}> +no secret/m,
  );
  assert.equal(home.run('grep', '--show-secrets', 'plain').stdout.match(/plain-?[a-z]+/g)?.length, 12);
  for (const path of [
    '.env',
    'credentials/oauth.json',
    'openclaw.json',
    'workspace/notes.md',
    'agents/main/sessions/s.jsonl',
  ]) {
    const { stdout } = home.run('blame', path);
    assert.doesNotMatch(stdout, /plain-?(one|two|three|four|five|six|seven)/, path);
    assert.match(stdout, /<secret [0-9a-f]{8}>/);
    assert.match(home.run('blame', '--show-secrets', path).stdout, /plain-?(one|two|three|five|six|seven)/);
  }
  assert.match(home.run('blame', 'openclaw.json').stdout, /port: 5, auth: .*\n.*a comment\n/);
});
