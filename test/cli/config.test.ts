import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CliRun, launcherPath, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const mark = '__EXUVIA_REDACTED__';
const configText = `\ufeff// the user's own
{
  gateway: { mode: 'local', port: 1, auth: { token: 'gateway-secret' } }, // one
  channels: { telegram: { enabled: true, botToken: "\${TELEGRAM}" } },
  $include: './more.json5',
  meta: { lastTouchedVersion: '2026.4.12' },
}\r\n`;

/** The files of a home that belong to its configuration. */
const files: Readonly<Record<string, string | Buffer>> = {
  'openclaw.json': configText,
  'more.json5': '{ logging: { level: "info" } } // included\n',
  '.env': 'OPENAI_API_KEY="sk-1"\n',
  'secrets.json': '{"a":"b"}',
  'secrets/tls/key.pem': 'PEM',
  'credentials/telegram-allowFrom.json': '{"version":1,"allowFrom":["1"]}',
  'credentials/whatsapp/default/creds.json': Buffer.from([0x7b, 0xff, 0x00]),
  'agents/main/agent/auth-profiles.json': '{"profiles":{"openai:default":{"type":"api_key","key":"sk-2"}}}',
  'agents/other/agent/auth.json': '{}',
  'exec-approvals.json': '{"version":1,"socket":{"path":"/s","token":"t"}}',
};

class Home {
  readonly home: string;
  readonly state: string;

  constructor(context: TestContext, content: Readonly<Record<string, string | Buffer>> = files) {
    this.home = temporaryFolder(context);
    this.state = join(this.home, '.openclaw');
    for (const [path, bytes] of Object.entries(content)) this.put(path, bytes);
  }

  put(path: string, content: string | Buffer): void {
    mkdirSync(dirname(join(this.state, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(this.state, path), content, { mode: 0o600 });
  }

  read(path = 'openclaw.json'): string {
    return readFileSync(join(this.state, path), 'utf8');
  }

  run(...words: string[]): CliRun {
    return runCli(words, { home: this.home });
  }

  /** With `input` as standard input, as a shell's `<` gives it. */
  feed(input: string | Buffer, ...words: string[]): CliRun {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [launcherPath, 'config', 'import', ...words],
      {
        cwd: this.home,
        env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', HOME: this.home },
        input,
        encoding: 'utf8',
      },
    );
    return { status, stdout, stderr, json: stdout.startsWith('{') ? JSON.parse(stdout) : undefined };
  }

  snapshots(): number {
    const { status, stdout } = this.run('backup', 'list', '--json');
    return status === 10 ? 0 : JSON.parse(stdout).snapshots.length;
  }
}

test('config export prints the file byte for byte, and config import puts it back so', (context) => {
  const home = new Home(context);
  const { stdout, stderr, status } = home.run('config', 'export');
  assert.deepEqual([status, stdout, stderr], [0, configText, '']);
  const other = new Home(context, {});
  const imported = other.feed(stdout, '--json');
  assert.equal(imported.status, 0, imported.stderr);
  assert.deepEqual(readFileSync(join(other.state, 'openclaw.json')), Buffer.from(configText));
  assert.equal(statSync(join(other.state, 'openclaw.json')).mode & 0o777, 0o600);
  assert.equal(statSync(other.state).mode & 0o777, 0o700);
  assert.deepEqual(
    [imported.json.form, imported.json.before, imported.json.files[0].action],
    ['plain', null, 'create'],
  );
});

test('config import takes a snapshot first, to which restore --undo goes back', (context) => {
  const home = new Home(context);
  const changed = configText.replace('port: 1', 'port: 2');
  const imported = home.feed(changed);
  assert.equal(imported.status, 0, imported.stderr);
  assert.match(
    imported.stdout,
    /^Imported 1 file:\n {2}replace {2}.*openclaw\.json\n {4}~ gateway\.port: 1 -> 2\n/,
  );
  assert.match(imported.stdout, /exuvia backup restore --undo --only config goes back to it/);
  assert.equal(home.read(), changed);
  home.put('workspace/later.md', 'written after the import');
  const undone = home.run('backup', 'restore', '--undo', '--only', 'config');
  assert.equal(undone.status, 0, undone.stderr);
  assert.equal(home.read(), configText);
  assert.equal(home.read('workspace/later.md'), 'written after the import');
  const again = home.feed(configText, '--json');
  assert.equal(again.json.unchanged, true);
  const before = home.snapshots();
  assert.equal(home.feed(changed, '--no-snapshot').status, 0);
  assert.equal(home.snapshots(), before, 'no snapshot of what does not change, or when none is wanted');
});

test('config export --full holds all that belongs to the configuration, and makes it anew elsewhere', (context) => {
  const home = new Home(context);
  symlinkSync('/etc/hostname', join(home.state, 'credentials/link'));
  const full = home.run('config', 'export', '--full');
  assert.equal(full.status, 3, 'a link is left out, and that is said');
  assert.match(full.stderr, /Left out: credentials\/link: it is a symbolic link/);
  rmSync(join(home.state, 'credentials/link'));
  const { status, stdout, json } = home.run('config', 'export', '--full', '--json');
  assert.equal(status, 0);
  assert.deepEqual([json.format, json.version, json.redacted], ['exuvia config bundle', 1, false]);
  assert.deepEqual(json.files.map((file: { path: string }) => file.path).sort(), Object.keys(files).sort());
  const other = new Home(context, {});
  const imported = other.feed(stdout, '--json');
  assert.equal(imported.status, 0, imported.stderr);
  for (const [path, content] of Object.entries(files)) {
    assert.deepEqual(readFileSync(join(other.state, path)), Buffer.from(content as string), path);
    assert.equal(statSync(join(other.state, path)).mode & 0o777, 0o600, path);
  }
  assert.equal(other.run('config', 'export').stdout, configText);
});

test('config export --redact has no secret in it, and an import of it keeps those that are there', (context) => {
  const home = new Home(context);
  const plain = home.run('config', 'export', '--redact').stdout;
  assert.equal(plain, configText.replace(`'gateway-secret'`, `"${mark}"`));
  const { stdout } = home.run('config', 'export', '--full', '--redact');
  for (const secret of ['gateway-secret', 'sk-1', 'sk-2', 'PEM', '"b\\"', '"t\\"'])
    assert.ok(!stdout.includes(secret), secret);
  const imported = home.feed(stdout, '--json').json;
  assert.equal(imported.unchanged, true);
  assert.equal(imported.keptSecrets.length, 7);
  const changed = home.feed(plain.replace('port: 1', 'port: 2'), '--json');
  assert.equal(changed.status, 0);
  assert.deepEqual(changed.json.keptSecrets, [
    { file: join(home.state, 'openclaw.json'), path: 'gateway.auth.token' },
  ]);
  assert.equal(home.read(), configText.replace('port: 1', 'port: 2'));
});

test('config import says which secrets of a redacted file are not here, and leaves them out', (context) => {
  const home = new Home(context);
  const { stdout } = home.run('config', 'export', '--full', '--redact');
  const other = new Home(context, {});
  const imported = other.feed(stdout);
  assert.equal(imported.status, 3);
  assert.match(imported.stdout, /No secret here for gateway\.auth\.token in .*openclaw\.json; left out/);
  assert.match(imported.stdout, /No secret here for .*creds\.json; left out/);
  assert.doesNotMatch(other.read(), /REDACTED/, 'a mark would be a password that everybody knows');
  assert.equal(existsSync(join(other.state, 'credentials/whatsapp/default/creds.json')), false);
  assert.deepEqual(JSON.parse(other.read('agents/main/agent/auth-profiles.json')), {
    profiles: { 'openai:default': { type: 'api_key' } },
  });
});

/** A bundle of a home that is full of its own paths, and an empty home to import it into. */
function bundleOfPaths(context: TestContext) {
  const home = new Home(context);
  const config = `\ufeff// at ${home.state}
{
  agents: { defaults: { workspace: '${home.home}/desk' }, entries: { main: { agentDir: '${home.state}/agents/main/agent' } } },
  hooks: { command: 'run ${home.state}/hook.sh', other: '${home.home}-not-mine/x' },
  $include: './more.json5',
}
`;
  home.put('openclaw.json', config);
  home.put('more.json5', `{ logging: { file: '${home.state}/logs/mine.log' } } // included\n`);
  return {
    home,
    config,
    bundle: home.run('config', 'export', '--full').stdout,
    other: new Home(context, {}),
  };
}

test('config import of a bundle of another home changes its paths as a restore does, and lists them', (context) => {
  const { home, config, bundle, other } = bundleOfPaths(context);
  const planned = other.feed(bundle, '--dry-run');
  assert.match(planned.stdout, /^Would change 3 paths of the other home \(--keep-paths leaves them\):$/m);
  assert.equal(existsSync(join(other.state, 'openclaw.json')), false);
  const { status, json, stderr } = other.feed(bundle, '--json');
  assert.equal(status, 0, stderr);
  const at = (path: string) => path.replace(home.home, other.home);
  const changed = [
    ['openclaw.json', 'agents.defaults.workspace', `${home.home}/desk`],
    ['openclaw.json', 'agents.entries.main.agentDir', `${home.state}/agents/main/agent`],
    ['more.json5', 'logging.file', `${home.state}/logs/mine.log`],
  ].map(([file = '', where = '', from = '']) => ({ file, where, from, to: at(from) }));
  const byWhere = (a: { where: string }, b: { where: string }) => a.where.localeCompare(b.where);
  assert.deepEqual(json.paths.changes.sort(byWhere), changed.sort(byWhere));
  assert.equal(
    other.read().replaceAll('"', "'"),
    changed.reduce((text, { from, to }) => text.replace(`'${from}'`, `'${to}'`), config),
    'comments, and everything that is no path of that home, as they were',
  );
  assert.match(other.read('more.json5'), /\/\/ included\n$/);
  assert.deepEqual(json.warnings, [
    `openclaw.json: hooks.command names ${home.state}, of another home; it is kept as it is`,
  ]);
  assert.match(other.feed(bundle).stdout, /^Nothing changes/);
});

test('config import --keep-paths leaves the paths of another home', (context) => {
  const { config, bundle, other } = bundleOfPaths(context);
  const { status, json, stderr } = other.feed(bundle, '--keep-paths', '--json');
  assert.equal(status, 0, stderr);
  assert.equal(other.read(), config);
  assert.deepEqual([json.paths, json.warnings], [{ moves: [], changes: [] }, []]);
});

test('config import --dry-run prints key paths with secrets masked, and writes nothing', (context) => {
  const home = new Home(context);
  const next = configText.replace('gateway-secret', 'new-secret').replace(/\n {2}meta.*\n/, '\n');
  const { status, stdout } = home.feed(next, '--dry-run');
  assert.equal(status, 0);
  assert.match(stdout, /^Would import 1 file:\n.*\n {4}~ gateway\.auth\.token: \(secret\)\n/);
  assert.match(stdout, /no meta block; the present one is kept/);
  assert.doesNotMatch(stdout, /new-secret|gateway-secret/);
  assert.equal(home.read(), configText);
  assert.equal(existsSync(join(home.state, 'backups')), false);
  assert.equal(home.feed(next, '--no-snapshot', '--json').json.keptMeta, true);
  assert.match(home.read(), /"meta": \{ lastTouchedVersion: '2026\.4\.12' \},\n/);
});

test('config import never widens, and follows no link', (context) => {
  const home = new Home(context);
  const path = join(home.state, 'openclaw.json');
  chmodSync(path, 0o400);
  assert.equal(home.feed('{ gateway: { mode: "local" } }', '--no-snapshot').status, 0);
  assert.equal(statSync(path).mode & 0o777, 0o400);
  const bundle = home.run('config', 'export', '--full').stdout;
  const outside = temporaryFolder(context);
  rmSync(join(home.state, 'credentials'), { recursive: true });
  symlinkSync(outside, join(home.state, 'credentials'));
  rmSync(join(home.state, '.env'));
  symlinkSync(join(outside, 'env'), join(home.state, '.env'));
  const refused = home.feed(bundle, '--no-snapshot');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^exuvia: Cannot import into .*: .* is a symbolic link\n/);
  assert.deepEqual(readdirSync(outside), []);
  assert.ok(lstatSync(join(home.state, '.env')).isSymbolicLink());
});

test('config import refuses while a gateway answers; --force overrides', async (context) => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const home = new Home(context, { 'openclaw.json': `{ gateway: { port: ${port} } }` });
  const next = `{ gateway: { port: ${port}, mode: 'local' } }`;
  const refused = home.feed(next);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^exuvia: Cannot import while an OpenClaw gateway is running/);
  assert.equal(home.feed(next, '--dry-run').status, 0);
  assert.equal(home.feed(next, '--force').status, 0);
  assert.equal(home.read(), next);
});

test('hooks in an imported configuration wait for the user’s word', (context) => {
  const home = new Home(context, { 'openclaw.json': '{ gateway: {} }' });
  const imported = home.feed(`{ gateway: {}, backup: { postBackup: 'echo ran > ~/ran' } }`);
  assert.equal(imported.status, 0);
  assert.match(imported.stderr, /"backup" block, with which current versions of OpenClaw refuse to start/);
  assert.equal(home.run('backup', 'create').status, 3);
  assert.equal(existsSync(join(home.home, 'ran')), false);
});

test('a mistake is one clear sentence, and nothing is written', (context) => {
  const home = new Home(context);
  const bundle = home.run('config', 'export', '--full').stdout;
  const wrong: [string | Buffer, RegExp][] = [
    ['', /Cannot import standard input: it is empty/],
    [' \n', /it is empty/],
    ['{\n  a: 1,\n  b: }\n', /it is not JSON5: invalid character '}' at line 3, column 6/],
    ['[1]', /it holds an array, and a configuration is an object/],
    ['"text"', /it holds a string/],
    [
      '{"format":"exuvia sessions","version":1}',
      /it is of the format "exuvia sessions", which is no configuration/,
    ],
    ['{"name":"p","version":"1.0.0"}', /does not look like a configuration of OpenClaw/],
    [Buffer.from([0x1f, 0x8b, 8, 0]), /it is an archive/],
    [Buffer.from('\ufeff{}', 'utf16le'), /it is UTF-16 text, and UTF-8 is wanted/],
    [Buffer.from([0x7b, 0xff, 0x7d]), /it is not UTF-8 text/],
    [bundle.replace('"version": 1', '"version": 9'), /it is a bundle of version 9/],
    [bundle.replace('sk-1', 'sk-9'), /the content of "\.env" has SHA-256/],
    [bundle.replace('"path": ".env"', '"path": "../.env"'), /the path "\.\.\/\.env" is refused/],
  ];
  for (const [input, message] of wrong) {
    const { status, stdout, stderr } = home.feed(input);
    assert.equal(status, 1, stderr);
    assert.match(stderr, message);
    assert.match(stderr, /^exuvia: Cannot import standard input: .*\n([^\n]*\n)?$/);
    assert.equal(stdout, '');
  }
  assert.equal(home.read(), configText);
  assert.equal(existsSync(join(home.state, 'backups')), false);
  assert.match(
    home.run('config', 'import', 'missing.json').stderr,
    /Cannot read .*missing\.json: no such file/,
  );
  assert.match(home.run('config', 'import', home.state).stderr, /is a folder/);
});

test('config import says so when standard input is the terminal', (context) => {
  if (spawnSync('script', ['--version']).status !== 0) return context.skip('there is no script(1)');
  const home = new Home(context);
  const command = `'${process.execPath}' '${launcherPath}' config import`;
  const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
    env: { PATH: process.env['PATH'] ?? '', HOME: home.home },
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.match(stdout, /Import what\? Standard input is the terminal\r?\n/);
});

test('config export --output writes a private file, and not over another', (context) => {
  const home = new Home(context);
  const path = join(home.home, 'out.json');
  const { json } = home.run('config', 'export', '--redact', '--output', 'out.json', '--json');
  assert.deepEqual(
    [json.form, json.output, json.redacted],
    ['plain', path, [{ file: 'openclaw.json', path: 'gateway.auth.token' }]],
  );
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const again = home.run('config', 'export', '--output', path);
  assert.deepEqual([again.status, /exists already/.test(again.stderr)], [2, true]);
  assert.equal(home.run('config', 'export', '--output', path, '--overwrite').status, 0);
  assert.equal(readFileSync(path, 'utf8'), configText);
  const printed = home.run('config', 'export', '--json').json;
  assert.equal(Buffer.from(printed.base64, 'base64').toString(), configText);
});

test('config export of a home without one, or of one that does not parse', (context) => {
  const home = new Home(context, { 'workspace/a.md': 'a' });
  const { status, stderr } = home.run('config', 'export');
  assert.equal(status, 1);
  assert.match(stderr, /^exuvia: There is no configuration at .*openclaw\.json\n/);
  home.put('openclaw.json', '{ token: "x", broken');
  assert.equal(home.run('config', 'export').stdout, '{ token: "x", broken');
  const redacted = home.run('config', 'export', '--redact');
  assert.deepEqual([redacted.status, redacted.stdout], [1, '']);
  assert.match(redacted.stderr, /Cannot redact .*: it is not JSON5/);
});
