/** Nothing that Exuvia writes can be read by others, from its first byte; and no secret is said anywhere. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const hasStrace = spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0;

function homeIn(folder: string): { put: (path: string, content: string) => void; state: string } {
  const state = join(folder, '.openclaw');
  const put = (path: string, content: string): void => {
    mkdirSync(dirname(join(state, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(state, path), content);
  };
  put('openclaw.json', '{ "gateway": { "port": 1 } }');
  put('workspace/MEMORY.md', 'x'.repeat(100_000));
  put('workspace/many/a', 'a');
  mkdirSync(join(state, 'state'));
  const database = new Database(join(state, 'state/openclaw.sqlite'));
  database.exec('CREATE TABLE t (v); INSERT INTO t VALUES (1)');
  database.close();
  return { put, state };
}

/** Every command that writes something, in an order in which each finds what it needs. */
const writers: readonly (readonly string[])[] = [
  ['backup', 'create'],
  ['backup', 'create', '--force', '--output', 'a.tar.gz'],
  ['backup', 'export', 'latest', 'b.tar.zst'],
  ['backup', 'export', 'latest', 'c.tar', '--layout', 'home'],
  ['backup', 'export', 'latest', 'd.tar', '--redact'],
  ['backup', 'import', './a.tar.gz'],
  ['backup', 'verify', './a.tar.gz'],
  ['backup', 'diff', './a.tar.gz', 'live', '--content', '--html', 'e.html'],
  ['backup', 'tag', 'latest', '--add', 'x'],
  ['backup', 'restore', 'latest', '--target', 'out'],
  ['backup', 'restore', 'latest'],
  ['backup', 'restore', '--undo'],
  ['backup', 'forget', '--keep-last', '1'],
  ['backup', 'check', '--read-data'],
  ['backup', 'rebuild-index'],
  ['backup', 'prune'],
  ['config', 'export', '--output', 'f.json'],
  ['config', 'export', '--full', '--output', 'g.json'],
  ['config', 'import', './f.json'],
  ['sessions', 'export', '--all', '--output', 'h.json'],
  ['settings', 'init'],
  ['shim', 'install', '--dir', 'bin'],
];

test('everything is created closed to others, with no help from the umask', {
  skip: hasStrace ? false : 'needs strace',
}, (context) => {
  const folder = temporaryFolder(context);
  homeIn(folder);
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const open: string[] = [];
  const closed = new Set<string>();
  for (const words of writers) {
    const trace = join(folder, 'trace');
    const command = `umask 000; exec strace -f -qq -e trace=open,openat,creat,mkdir,mkdirat,mknod,mknodat -o ${trace} ${process.execPath} ${launcherPath} ${words.join(' ')}`;
    const run = spawnSync('sh', ['-c', command], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: temporary },
      encoding: 'utf8',
    });
    assert.ok(run.status === 0 || run.status === 3, `${words.join(' ')}: ${run.stderr}`);
    for (const line of readFileSync(trace, 'latin1').split('\n')) {
      const [, path = '', mode] = /"([^"]*)"(?:.*O_CREAT\S*)?, (0[0-7]*)\) = \d/.exec(line) ?? [];
      if (mode === undefined || isMeant(path)) continue;
      if ((Number.parseInt(mode, 8) & 0o077) === 0) closed.add(path);
      // SQLite asks for a wide mode when it opens what was made before, closed.
      else if (!closed.has(path)) open.push(`${words.slice(0, 2).join(' ')}: ${line.replace(/^\d+\s+/, '')}`);
    }
  }
  assert.deepEqual(open, []);
  assert.ok(closed.size > 50, `${closed.size} files and folders were made`);
  const own = [
    join(folder, '.openclaw/backups'),
    ...readdirSync(folder)
      .filter((name) => /^[a-h]\./.test(name))
      .map((name) => join(folder, name)),
  ];
  for (const path of own) assertPrivate(path);
  assert.deepEqual(readdirSync(temporary), [], 'no temporary file is left');
});

/** SQLite's companions get the mode of their database; the launcher of the shim is to be run; Node's code lies in a closed folder. */
function isMeant(path: string): boolean {
  return (
    /-(journal|wal|shm)$/.test(path) ||
    /\/bin(\/|$)/.test(path) ||
    /\.cache\/exuvia\/code\//.test(path) ||
    path.startsWith('/dev/')
  );
}

function assertPrivate(path: string): void {
  const stat = lstatSync(path);
  assert.equal(stat.mode & 0o077, 0, `${path} has mode ${(stat.mode & 0o777).toString(8)}`);
  if (stat.isDirectory()) for (const name of readdirSync(path)) assertPrivate(join(path, name));
}

test('a repository that others can read, and a folder that anybody can write to, are told', (context) => {
  const home = temporaryFolder(context);
  const { state } = homeIn(home);
  const run = (...words: string[]) => runCli(words, { home });
  assert.doesNotMatch(run('backup', 'create').stderr, /Others can read/);
  chmodSync(join(state, 'backups'), 0o755);
  assert.doesNotMatch(run('backup', 'create').stderr, /Others can read/);
  chmodSync(join(state, 'backups/packs'), 0o755);
  assert.match(
    run('backup', 'create').stderr,
    /Others can read the repository .*backups, which holds secrets: chmod -R go-rwx/,
  );
  mkdirSync(join(home, 'open'));
  chmodSync(join(home, 'open'), 0o777);
  assert.match(
    run('backup', 'export', 'latest', 'open/a.tar').stderr,
    /Anybody can replace files in .*open: chmod o-w/,
  );
});

/** Marked secrets in every place that has some. */
function secretHome(context: TestContext): { home: string; state: string; secrets: string[] } {
  const home = temporaryFolder(context);
  const { put, state } = homeIn(home);
  const secrets: string[] = [];
  const secret = (name: string): string => {
    const value = `sk-ant-canary-${name}-0123456789abcdef`;
    secrets.push(value);
    return value;
  };
  put(
    'openclaw.json',
    JSON.stringify({
      channels: { telegram: { botToken: secret('bot') } },
      gateway: { auth: { password: secret('gateway') } },
      mcp: {
        servers: {
          x: { env: { KEY: secret('mcp') }, headers: { Authorization: `Bearer ${secret('header')}` } },
        },
      },
    }),
  );
  put('.env', `A_KEY=${secret('env')}\n`);
  put('secrets.json', JSON.stringify({ any: secret('secrets') }));
  put('credentials/x/creds.json', JSON.stringify({ noise: secret('creds') }));
  put(
    'agents/main/agent/auth-profiles.json',
    JSON.stringify({ profiles: { a: { key: secret('profile') } } }),
  );
  put('identity/device.json', JSON.stringify({ privateKeyPem: secret('device') }));
  put('workspace/broken.json', `{"token": "${secret('broken')}" oops`);
  const database = new Database(join(state, 'state/openclaw.sqlite'));
  database.exec('CREATE TABLE auth_profile_store (id TEXT PRIMARY KEY, value TEXT)');
  database.prepare('INSERT INTO auth_profile_store VALUES (?, ?)').run('a', secret('row'));
  database.close();
  return { home, state, secrets };
}

test('no secret is said by any command, also where it fails or crashes', (context) => {
  const { home, state, secrets } = secretHome(context);
  const said: string[] = [];
  const run = (...words: string[]): void => {
    for (const more of [[], ['--json']]) {
      const { stdout, stderr } = runCli([...words, ...more], { home, env: { EXUVIA_DEBUG: '1' } });
      said.push(`${words.join(' ')}\n${stdout}\n${stderr}`);
    }
  };
  for (const words of writers) run(...words);
  for (const name of ['openclaw.json', 'secrets.json', 'agents/main/agent/auth-profiles.json']) {
    const path = join(state, name);
    writeFileSync(path, `${readFileSync(path, 'utf8').slice(0, -2)} } oops`);
  }
  run('backup', 'create');
  run('backup', 'diff', 'latest~1', 'latest', '--content');
  run('backup', 'diff', 'latest', 'live', '--content');
  run('backup', 'log', 'openclaw.json');
  run('backup', 'blame', 'openclaw.json');
  run('backup', 'components');
  run('backup', 'show', 'latest');
  run('config', 'export', '--redact');
  run('config', 'export', '--redact', '--full');
  run('config', 'import', './f.json', '--dry-run');
  run('doctor');
  run('settings', 'show');
  run('backup', 'restore', 'latest', '--target', 'openclaw.json/x');
  run('sessions', 'import', '.openclaw/openclaw.json');
  for (const text of said) {
    const found = secrets.find((secret) => text.includes(secret));
    assert.equal(found, undefined, `${text.split('\n')[0]} says ${found}`);
  }
  assert.equal(existsSync(join(home, 'core')), false);
});
