import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** A home, and a stand-in for a real `openclaw` that says what it was given. */
function machine(context: TestContext) {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw'));
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  const real = join(home, 'real bin/openclaw');
  mkdirSync(dirname(real));
  writeFileSync(real, '#!/bin/sh\nfor word in "$@"; do printf "<%s>" "$word"; done\nexit 9\n');
  chmodSync(real, 0o755);
  const shim = join(home, '.exuvia/bin/openclaw');
  const path = [dirname(shim), dirname(real), '/usr/bin', '/bin'].join(':');
  const openclaw = (...words: string[]) =>
    spawnSync('openclaw', words, { env: { HOME: home, PATH: path }, encoding: 'utf8' });
  return { home, real, shim, path, openclaw };
}

test('the shim sends what the documentation gives to openclaw to exuvia, and everything else on', (context) => {
  const { home, openclaw } = machine(context);
  assert.equal(runCli(['shim', 'install'], { home }).status, 0);
  const created = openclaw('backup', 'create', '--json');
  assert.equal(created.status, 0, created.stderr);
  assert.match(JSON.parse(created.stdout).snapshot.id, /^[0-9a-f]{64}$/);
  assert.equal(openclaw('backup', 'list').status, 0);
  for (const words of [
    ['status'],
    ['config', 'get', 'a b', '$HOME'],
    ['sessions', 'list', '--json'],
    ['backup', 'git', 'init'],
    ['--profile', 'backup', 'gateway', 'run'],
    [],
    ['--version'],
  ]) {
    const { status, stdout } = openclaw(...words);
    assert.equal(status, 9, words.join(' '));
    assert.equal(stdout, words.map((word) => `<${word}>`).join(''));
  }
});

test('the shim passes options before the command on to exuvia', (context) => {
  const { home, openclaw } = machine(context);
  mkdirSync(join(home, '.openclaw-work'));
  mkdirSync(join(home, '.openclaw-dev'));
  runCli(['shim', 'install'], { home });
  for (const [words, name] of [
    [['--profile', 'work'], '.openclaw-work'],
    [['--dev'], '.openclaw-dev'],
  ] as const) {
    const { stdout, stderr } = openclaw(...words, 'backup', 'create', '--json');
    assert.equal(JSON.parse(stdout || '{}').repository, join(home, name, 'backups'), stderr);
  }
});

test('the shim says so when there is no real openclaw', (context) => {
  const { home, shim } = machine(context);
  runCli(['shim', 'install'], { home });
  const { status, stderr } = spawnSync(shim, ['status'], {
    env: { HOME: home, PATH: `${dirname(shim)}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  assert.equal(status, 127);
  assert.match(stderr, /^openclaw: OpenClaw itself is not on PATH/);
});

test('shim install, status and remove touch nothing but the shim', (context) => {
  const { home, real, shim, path } = machine(context);
  const run = (...words: string[]) => runCli(['shim', ...words, '--json'], { home, env: { PATH: path } });
  assert.equal(run('install', '--dry-run').json.files[0].content.split('\n')[0], '#!/bin/sh');
  assert.equal(existsSync(shim), false);
  assert.equal(run('install').json.isFirst, true);
  assert.equal(statSync(shim).mode & 0o777, 0o755);
  assert.equal(run('install').status, 0, 'again');
  assert.deepEqual(run('status').json, { path: shim, installed: true, isFirst: true, openclaw: real });
  const foreign = run('install', '--dir', dirname(real));
  assert.equal(foreign.status, 1);
  assert.match(foreign.json.error.message, /is not a shim of Exuvia: it is left as it is/);
  assert.equal(run('remove', '--dir', dirname(real)).json.removed, false);
  assert.match(readFileSync(real, 'utf8'), /exit 9/);
  assert.equal(run('remove', '--dry-run').json.removed, true);
  assert.ok(existsSync(shim));
  assert.equal(run('remove').json.removed, true);
  assert.equal(existsSync(shim), false);
  assert.equal(run('remove').json.removed, false);
});
