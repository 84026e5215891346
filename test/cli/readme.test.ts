import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launcherPath } from '../helpers/cli.ts';
import { buildFileEraHome } from '../helpers/homes.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(project, 'README.md'), 'utf8');
const [setUp = '', tests = '', use = '', korean = ''] = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(
  (match) => match[1] ?? '',
);

/** A home to work on, a folder to stand in, and `exuvia` on the PATH, also as `npx exuvia`. */
async function readersMachine(context: TestContext) {
  const folder = temporaryFolder(context);
  const built = await buildFileEraHome(join(folder, 'home'), 7);
  context.after(() => built.close());
  const bin = join(folder, 'bin');
  const cwd = join(folder, 'here');
  for (const made of [bin, cwd]) await mkdir(made);
  script(join(bin, 'exuvia'), `exec '${process.execPath}' '${launcherPath}' "$@"`);
  script(join(bin, 'npx'), 'exec "$@"');
  script(join(bin, 'npm'), 'test "$1" = ci');
  await mkdir(join(built.home, 'notes'));
  writeFileSync(join(built.home, 'notes', 'a.md'), 'a note');
  const env = { HOME: built.home, PATH: `${bin}:${process.env['PATH']}`, TZ: 'UTC' };
  return { cwd, run: (line: string) => spawnSync('sh', ['-c', line], { cwd, env, encoding: 'utf8' }) };
}

function script(path: string, body: string): void {
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
}

async function runEach(context: TestContext, block: string): Promise<string> {
  const { cwd, run } = await readersMachine(context);
  const lines = block.split('\n').filter((line) => line.trim() !== '');
  assert.ok(lines.length > 0);
  for (const line of lines) {
    const { status, stderr } = run(line);
    assert.equal(status, 0, `${line}\n${stderr}`);
  }
  return cwd;
}

test('README: the set-up takes a snapshot, and names the test command', async (context) => {
  await runEach(context, setUp);
  assert.equal(tests.trim(), 'npm test');
});

test('README: every line of "Use" does what it says', async (context) => {
  const cwd = await runEach(context, use);
  for (const made of ['transfer.tar.gz', 'copy.tar.gz', 'restored']) assert.ok(existsSync(join(cwd, made)));
});

test('README: every line of the Korean quick start does what it says', async (context) => {
  const cwd = await runEach(context, korean);
  assert.ok(existsSync(join(cwd, 'transfer-backup.tar.gz')));
});

test('README: lines of commands in its text are run too', async (context) => {
  const inText = [...readme.replace(/```[\s\S]*?```/g, '').matchAll(/`(exuvia [^`]+)`/g)].map(
    (match) => match[1] ?? '',
  );
  assert.ok(inText.length > 0);
  await runEach(context, inText.map((line) => line.replace('/mnt/disk', '"$HOME"')).join('\n'));
});

test('README: npx finds the command in a checkout', (context) => {
  const { status, stdout } = spawnSync('npx', ['exuvia', '--version'], {
    cwd: project,
    env: { ...process.env, HOME: temporaryFolder(context) },
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  assert.equal(stdout.trim(), JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).version);
});

test('README: pages it names exist', () => {
  for (const [, page = ''] of readme.matchAll(/`((?:docs|bench)\/[^`]*)`/g))
    assert.ok(existsSync(join(project, page)), page);
});
