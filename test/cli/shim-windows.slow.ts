/** The batch file of the shim, run by the `cmd` of Wine: what it sends to Exuvia, what to OpenClaw, and with which words. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { batchShim } from '../../src/operations/shim-scripts.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const drive = (path: string) => `Z:${path.replaceAll('/', '\\')}`;
/** Says who it is and what it was given, and ends with a code of its own. */
const speaker = (name: string, code: number) =>
  `@echo off\r\necho ${name}: %*\r\nset exuvia_\r\nexit /b ${code}\r\n`;

test('openclaw.cmd sends the documented words to exuvia and all others on, as they came', {
  timeout: 600_000,
}, (context) => {
  if (spawnSync('wine', ['--version']).status !== 0) return context.skip('needs wine, for a cmd of Windows');
  const folder = temporaryFolder(context);
  const [shim, other, real] = ['shim', 'other (x86)', 'real bin'].map((name) => join(folder, name));
  assert.ok(shim && other && real);
  for (const made of [shim, other, real, join(folder, 'wine')]) mkdirSync(made);
  const node = join(folder, 'node & co.cmd');
  writeFileSync(node, speaker('exuvia', 3));
  const script = batchShim({ node: drive(node), launcher: drive(join(folder, 'launcher.cjs')) }, '');
  for (const place of [shim, other]) writeFileSync(join(place, 'openclaw.cmd'), script);
  const run = (words: string, path = [shim, other, real]) => {
    const batch = join(folder, 'run.cmd');
    const places = path.map(drive).join(';');
    writeFileSync(batch, `@echo off\r\nset "PATH=%PATH%;${places}"\r\nopenclaw ${words}\r\n`);
    return spawnSync('wine', ['cmd', '/c', drive(batch)], {
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        WINEPREFIX: join(folder, 'wine'),
        WINEDEBUG: '-all',
      },
      encoding: 'utf8',
      timeout: 120_000,
    });
  };
  assert.match(run('status').stderr, /OpenClaw itself is not on PATH/);
  assert.equal(run('status').status, 127);
  writeFileSync(join(real, 'openclaw.cmd'), speaker('openclaw', 9));
  const launcher = `"${drive(join(folder, 'launcher.cjs'))}"`;
  for (const words of [
    'backup create --only config,credentials',
    'backup',
    'config export --full',
    '--profile work sessions import',
    '--dev backup restore "a b.tar.gz"',
  ]) {
    const { stdout, status } = run(words);
    assert.deepEqual([stdout.trimEnd(), status], [`exuvia: ${launcher} ${words}`, 3], words);
  }
  for (const words of [
    'status',
    'config get "a b"',
    'sessions list --json',
    'backup git init',
    '--profile backup gateway run',
    'agent --message "say ""hi"" & 100"',
  ]) {
    const { stdout, status } = run(words);
    assert.deepEqual([stdout.trimEnd(), status], [`openclaw: ${words}`, 9], words);
  }
});
