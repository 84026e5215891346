/** Standard output and standard error that nobody reads, or that have no room. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const hasShell = process.platform === 'win32' ? 'Windows has no sh' : false;
const hasFullDevice = existsSync('/dev/full') ? false : 'no device that is always full';

/** A home of which a backup warns: its database is damaged. */
function buildHome(context: TestContext): string {
  const home = temporaryFolder(context);
  const place = join(home, '.openclaw/damaged.sqlite');
  mkdirSync(join(home, '.openclaw'));
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  const database = new Database(place);
  database.exec('CREATE TABLE t (x)');
  const insert = database.prepare('INSERT INTO t VALUES (?)');
  for (let row = 0; row < 200; row++) insert.run('x'.repeat(300) + row);
  database.close();
  writeFileSync(place, readFileSync(place).fill(7, 8192, 20_000));
  return home;
}

/** The exit code and what the shell says, of `exuvia` in `script`. */
function runShell(home: string, script: string): { readonly status: number | null; readonly stderr: string } {
  const start = `exuvia() { "${process.execPath}" "${launcherPath}" backup "$@"; }`;
  const env = { PATH: process.env['PATH'] ?? '', TZ: 'UTC', HOME: home };
  return spawnSync('sh', ['-c', `${start}\n${script}`], { cwd: home, env, encoding: 'utf8' });
}

function countSnapshots(home: string): number {
  return runCli(['backup', 'list', '--json'], { home }).json.snapshots.length;
}

test('a backup goes on when nobody reads its warnings', { skip: hasShell }, (context) => {
  const home = buildHome(context);
  runShell(home, '{ exuvia create 2>&1 >said; echo $? >code; } | true');
  assert.equal(readFileSync(join(home, 'code'), 'utf8'), '3\n');
  assert.match(readFileSync(join(home, 'said'), 'utf8'), /^Snapshot /);
  assert.equal(countSnapshots(home), 1);
});

test('a backup goes on when there is no room for its warnings', { skip: hasFullDevice }, (context) => {
  const home = buildHome(context);
  assert.equal(runShell(home, 'exuvia create 2>/dev/full').status, 3);
  assert.equal(countSnapshots(home), 1);
});

test('no room for the output is a failure in one sentence', { skip: hasFullDevice }, (context) => {
  const home = buildHome(context);
  runCli(['backup', 'create'], { home });
  const { status, stderr } = runShell(home, 'exuvia list >/dev/full');
  assert.equal(status, 1);
  assert.equal(stderr, 'exuvia: Cannot write the output: no space left on the device\n');
});

test('who stops reading early changes no exit code', { skip: hasShell }, (context) => {
  const home = buildHome(context);
  runCli(['backup', 'create'], { home });
  runShell(
    home,
    '{ exuvia list; echo $? >listed; exuvia show nonsense; echo $? >shown; } 2>/dev/null | true',
  );
  assert.equal(readFileSync(join(home, 'listed'), 'utf8'), '0\n');
  assert.equal(readFileSync(join(home, 'shown'), 'utf8'), '1\n');
});
