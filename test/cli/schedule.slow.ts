/** The daemon for real: two minutes of a schedule of every minute, killed and started again in between. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('schedule run neither misses nor doubles a minute, killed and restarted', {
  timeout: 300_000,
}, async (context) => {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw'));
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  writeFileSync(join(home, '.openclaw/exuvia.json5'), '{ backup: { schedule: "* * * * *" } }');
  const start = () =>
    spawn(process.execPath, [launcherPath, 'schedule', 'run', '--quiet'], {
      env: { PATH: process.env['PATH'] ?? '', HOME: home },
      stdio: 'ignore',
    });
  const startedMs = Date.now();
  let child = start();
  context.after(() => child.kill('SIGKILL'));
  for (const waitMs of [20_000, 45_000, 30_000, 40_000]) {
    await sleep(waitMs);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await sleep(500);
    child = start();
  }
  await sleep(5000);
  const minutes = Math.floor(Date.now() / 60_000) - Math.floor(startedMs / 60_000);
  const { snapshots } = runCli(['backup', 'list', '--json'], { home }).json;
  context.diagnostic(`${snapshots.length} snapshots in ${minutes} minutes`);
  assert.equal(snapshots.length, minutes);
});
