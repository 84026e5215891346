/** Where a process may open few files, a large restore into many folders does with them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('a restore into 300 folders does with 150 descriptors', {
  skip: process.platform === 'win32' ? 'has no such limit' : false,
}, (context) => {
  const home = temporaryFolder(context);
  const source = join(home, 'source');
  const random = new Seeded(1);
  for (let index = 0; index < 300; index++) {
    mkdirSync(join(source, `d${index}`), { recursive: true });
    writeFileSync(join(source, `d${index}`, 'f'), random.bytes(60_000));
  }
  const repository = ['--repository', join(home, 'repository')];
  assert.equal(runCli(['backup', 'create', '--source', source, ...repository], { home }).status, 0);
  const target = join(home, 'target');
  const { status, stderr } = spawnSync(
    'sh',
    [
      ...['-c', 'ulimit -n 150; exec "$@"', 'sh', process.execPath, launcherPath],
      ...['backup', 'restore', 'latest', '--quiet', '--target', target, ...repository],
    ],
    { env: { PATH: process.env['PATH'] ?? '', HOME: home }, encoding: 'utf8' },
  );
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  for (const name of ['d0', 'd299'])
    assert.ok(readFileSync(join(target, name, 'f')).equals(readFileSync(join(source, name, 'f'))));
});
