/** `backup export --redact`: no secret leaves, the structure stays, and what cannot be looked into stops it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { runCli } from '../helpers/cli.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const secrets = {
  bot: '7712345678:AAFcanary_bot_token_0000000000000000',
  gateway: 'canary-gateway-password-1',
  env: 'canary-env-value-2-long',
  profile: 'sk-ant-canary-profile-33333333333333',
  credential: 'canary-whatsapp-credential-4',
  identity: 'canary-device-identity-5',
  database: 'canary-row-of-a-secret-table-6',
  column: 'canary-value-in-a-column-7',
  nested: 'canary-nested-in-json-8',
  event: 'sk-ant-canary-event-99999999999999',
  skill: 'canary-skill-api-key-10',
};

class Home {
  readonly home: string;
  readonly state: string;

  constructor(context: TestContext) {
    this.home = temporaryFolder(context);
    this.state = join(this.home, '.openclaw');
  }

  put(path: string, content: string | Buffer): void {
    mkdirSync(dirname(join(this.state, path)), { recursive: true });
    writeFileSync(join(this.state, path), content);
  }

  run(...words: string[]) {
    return runCli(words, { home: this.home });
  }

  must(...words: string[]) {
    const run = this.run(...words);
    assert.equal(run.status, 0, `${words.join(' ')}\n${run.stderr}${run.stdout}`);
    return run;
  }
}

function homeOfSecrets(context: TestContext): Home {
  const home = new Home(context);
  home.put(
    'openclaw.json',
    `{\n  // the bot\n  "channels": { "telegram": { "botToken": ${JSON.stringify(secrets.bot)}, "enabled": true } },\n  "gateway": { "port": 7, "auth": { "password": "${secrets.gateway}" } },\n}\n`,
  );
  home.put('openclaw.json.bak', JSON.stringify({ gateway: { auth: { password: secrets.gateway } } }));
  home.put('.env', `# keys\nSOME_KEY="${secrets.env}"\nEMPTY=\n`);
  home.put(
    'agents/main/agent/auth-profiles.json',
    JSON.stringify({ profiles: { a: { type: 'api_key', provider: 'anthropic', key: secrets.profile } } }),
  );
  home.put('credentials/whatsapp/creds.json', JSON.stringify({ noise: secrets.credential }));
  home.put('credentials/blob.bin', Buffer.from([0, 1, 2, 255, ...Buffer.from(secrets.credential)]));
  home.put('identity/device.json', JSON.stringify({ value: secrets.identity }));
  home.put(
    'workspace/MEMORY.md',
    `The gateway opens with ${secrets.gateway} since May.\nA line that stays.\n`,
  );
  home.put('workspace/notes.txt', 'token: none of your business\n');
  home.put('workspace/picture.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]));
  home.put('skills/x/config.json', JSON.stringify({ apiKey: secrets.skill, name: 'x' }));
  home.put(
    'agents/main/sessions/s.jsonl',
    `${JSON.stringify({ role: 'user', content: `use ${secrets.event} please` })}\n${JSON.stringify({ role: 'user', content: 'hello' })}\n`,
  );
  mkdirSync(join(home.state, 'state'), { recursive: true });
  const database = new Database(join(home.state, 'state/openclaw.sqlite'));
  database.exec(`CREATE TABLE auth_profile_store (id TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT, api_key TEXT, config TEXT, data BLOB);
    CREATE VIRTUAL TABLE words USING fts5(text);`);
  database.prepare('INSERT INTO auth_profile_store VALUES (?, ?)').run('a', secrets.database);
  database
    .prepare('INSERT INTO thing VALUES (1, ?, ?, ?, ?)')
    .run(
      'thing one',
      secrets.column,
      JSON.stringify({ botToken: secrets.nested, keep: 'this' }),
      zstdCompressSync(Buffer.from(JSON.stringify({ content: `key ${secrets.event}` }))),
    );
  database.prepare('INSERT INTO words VALUES (?)').run(`remember ${secrets.event} always`);
  database.close();
  return home;
}

/** Every file of an archive, and what is compressed or indexed in it. */
function everythingIn(folder: string): string {
  const parts: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) parts.push(readFileSync(join(entry.parentPath, entry.name)).toString('latin1'));
  }
  return parts.join('\n').toLowerCase();
}

function unpack(home: Home, archive: string): string {
  const folder = join(home.home, 'unpacked');
  mkdirSync(folder);
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  return folder;
}

test('an export has no secret in it, keeps its structure, and lists what was taken out', (context) => {
  const home = homeOfSecrets(context);
  home.must('backup', 'create');
  const archive = join(home.home, 'x.tar');
  const { json } = home.must('backup', 'export', 'latest', archive, '--redact', '--layout', 'home', '--json');
  assert.equal(statSync(archive).mode & 0o777, 0o600);
  const all = everythingIn(unpack(home, archive));
  for (const [name, secret] of Object.entries(secrets)) {
    assert.ok(!all.includes(secret.toLowerCase()), `${name} is in the archive`);
    assert.ok(!JSON.stringify(json).includes(secret), `${name} is in the report`);
  }
  const state = join(home.home, 'unpacked/.openclaw');
  const config = readFileSync(join(state, 'openclaw.json'), 'utf8');
  assert.match(config, /"botToken": "__EXUVIA_REDACTED__", "enabled": true/);
  assert.match(config, /\/\/ the bot/);
  assert.match(readFileSync(join(state, '.env'), 'utf8'), /^# keys\nSOME_KEY=__EXUVIA_REDACTED__\nEMPTY=\n$/);
  assert.match(
    readFileSync(join(state, 'workspace/MEMORY.md'), 'utf8'),
    /opens with __EXUVIA_REDACTED__ since May\.\nA line that stays/,
  );
  assert.equal(readFileSync(join(state, 'credentials/whatsapp/creds.json'), 'utf8'), '__EXUVIA_REDACTED__');
  const database = new Database(join(state, 'state/openclaw.sqlite'), { readonly: true });
  assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
  assert.equal(database.prepare('SELECT count(*) FROM auth_profile_store').pluck().get(), 0);
  const row = database.prepare('SELECT name, api_key, config FROM thing').get() as Record<string, string>;
  assert.deepEqual([row['name'], row['api_key']], ['thing one', '__EXUVIA_REDACTED__']);
  assert.deepEqual(JSON.parse(row['config'] ?? ''), { botToken: '__EXUVIA_REDACTED__', keep: 'this' });
  database.close();
  const listed = json.redacted.map(({ path, what }: { path: string; what: string }) => `${path}: ${what}`);
  for (const one of [
    'openclaw.json: channels.telegram.botToken',
    '.env: SOME_KEY',
    'credentials/blob.bin: all of it',
    'state/openclaw.sqlite: table auth_profile_store: 1 row',
    'workspace/MEMORY.md: 1 value',
  ])
    assert.ok(listed.includes(one), `${one} in ${listed.join('\n')}`);
  assert.deepEqual(json.notLookedInto, ['workspace/picture.png']);
  home.must('backup', 'verify', archive);
});

test('restoring it keeps the secrets that are here', (context) => {
  const home = homeOfSecrets(context);
  home.must('backup', 'create');
  home.must('backup', 'export', 'latest', 'x.tar.gz', '--redact');
  home.put('workspace/notes.txt', 'changed since\n');
  const before = new Database(join(home.state, 'state/openclaw.sqlite'));
  before.prepare("UPDATE thing SET name = 'changed since'").run();
  before.close();
  const run = home.must('backup', 'restore', './x.tar.gz', '--json');
  assert.equal(
    readFileSync(join(home.state, 'workspace/notes.txt'), 'utf8'),
    'token: none of your business\n',
  );
  const config = readFileSync(join(home.state, 'openclaw.json'), 'utf8');
  assert.ok(config.includes(secrets.bot) && config.includes(secrets.gateway));
  assert.ok(readFileSync(join(home.state, '.env'), 'utf8').includes(secrets.env));
  assert.ok(
    readFileSync(join(home.state, 'credentials/whatsapp/creds.json'), 'utf8').includes(secrets.credential),
  );
  assert.ok(
    readFileSync(join(home.state, 'agents/main/agent/auth-profiles.json'), 'utf8').includes(secrets.profile),
  );
  const database = new Database(join(home.state, 'state/openclaw.sqlite'), { readonly: true });
  assert.equal(database.prepare('SELECT value FROM auth_profile_store').pluck().get(), secrets.database);
  assert.deepEqual(database.prepare('SELECT name, api_key FROM thing').raw().get(), [
    'thing one',
    secrets.column,
  ]);
  database.close();
  assert.ok(run.json.secrets.kept.includes('openclaw.json: channels.telegram.botToken'));
});

test('restoring it where nothing is says what is missing, and leaves no mark for a password', (context) => {
  const home = homeOfSecrets(context);
  home.must('backup', 'create');
  home.must('backup', 'export', 'latest', 'x.tar.gz', '--redact');
  const run = home.must('backup', 'restore', './x.tar.gz', '--target', join(home.home, 'out'));
  assert.match(run.stdout, /Secret missing: openclaw\.json: gateway\.auth\.password/);
  assert.match(run.stdout, /Secret missing: credentials\/whatsapp\/creds\.json/);
  for (const name of ['openclaw.json', '.env', 'agents/main/agent/auth-profiles.json'])
    assert.doesNotMatch(readFileSync(join(home.home, 'out', name), 'utf8'), /REDACTED/, name);
  assert.equal(readdirSync(join(home.home, 'out/credentials')).includes('blob.bin'), false);
});

test('what cannot be looked into stops it, by name, and nothing is written', (context) => {
  const broken = Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(5000, 0xee)]);
  const compressed = zstdCompressSync(
    `${new Seeded(1).text(5000)} ${secrets.profile} ${new Seeded(2).text(5000)}`,
  );
  assert.ok(!compressed.includes(secrets.profile));
  const emptyFrame = Buffer.from('5e2a4d1804000000' + '00000000', 'hex'); // one that decoders skip
  const cases: [string, string | Buffer, RegExp][] = [
    [
      'workspace/dump.bin',
      Buffer.concat([Buffer.alloc(9), Buffer.from(secrets.profile)]),
      /Cannot redact workspace\/dump\.bin: it is no text/,
    ],
    ['workspace/old.gz', gzipSync(secrets.profile), /Cannot redact workspace\/old\.gz/],
    ['workspace/old.zst', compressed, /Cannot redact workspace\/old\.zst/],
    [
      'workspace/seekable.zst',
      Buffer.concat([compressed, emptyFrame]),
      /Cannot redact workspace\/seekable\.zst/,
    ],
    [
      'workspace/longer.zst',
      Buffer.concat([compressed, Buffer.alloc(5)]),
      /Cannot redact workspace\/longer\.zst/,
    ],
    ['openclaw.json', '{ broken', /Cannot redact openclaw\.json: it is a configuration that is not JSON5/],
    [
      'workspace/broken.sqlite',
      broken,
      /Cannot redact workspace\/broken\.sqlite: it is a database that cannot be read/,
    ],
  ];
  for (const [path, content, message] of cases) {
    const home = new Home(context);
    home.put('openclaw.json', '{}');
    home.put(path, content);
    home.run('backup', 'create');
    const run = home.run('backup', 'export', 'latest', 'x.tar', '--redact');
    assert.equal(run.status, 1, path);
    assert.match(run.stderr, message);
    assert.match(run.stderr, /--exclude/);
    assert.equal(readdirSync(home.home).includes('x.tar'), false);
  }
});
