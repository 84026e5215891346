import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

function smallHome(context: TestContext, settings: object): string {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw'));
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  writeFileSync(join(home, '.openclaw/exuvia.json5'), JSON.stringify({ backup: settings }));
  return home;
}

test('schedule run --once backs up as the schedule does, and keeps what retention says', (context) => {
  const home = smallHome(context, { retention: { keepLast: 2 } });
  for (let round = 0; round < 4; round++) {
    writeFileSync(join(home, '.openclaw/openclaw.json'), `{ "round": ${round} }`);
    writeFileSync(join(home, '.openclaw/large'), randomBytes(200_000));
    const { status, json, stderr } = runCli(['schedule', 'run', '--once', '--json'], { home });
    assert.equal(status, 0, stderr);
    assert.equal(json.forgotten, round < 2 ? 0 : 1);
    if (round < 2) assert.equal(json.maintained, null);
    else assert.ok(json.maintained.pruned.freedBytes > 190_000, 'what was forgotten is freed at once');
  }
  const { snapshots } = runCli(['backup', 'list', '--json'], { home }).json;
  assert.deepEqual(
    snapshots.map(({ reason }: { reason: string }) => reason),
    ['scheduled', 'scheduled'],
  );
});

test('schedule run makes up for what was missed, logs a line for each event, and stops at a signal', async (context) => {
  const home = smallHome(context, { schedule: '@hourly' });
  const local = join(home, '.openclaw/backups/local');
  mkdirSync(local, { recursive: true });
  writeFileSync(join(local, 'schedule.json'), '{"served":"2026-01-01T00:00:00.000Z"}');
  const child = spawn(process.execPath, [launcherPath, 'schedule', 'run', '--json'], {
    env: { PATH: process.env['PATH'] ?? '', HOME: home, TZ: 'UTC' },
  });
  context.after(() => child.kill('SIGKILL'));
  const events: { event: string; nextMs?: number; isLate?: boolean; snapshot?: string }[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    events.push(event);
    if (event.event === 'waiting') child.kill('SIGTERM');
  }
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  assert.equal(code, 0);
  assert.deepEqual(
    events.map(({ event }) => event),
    ['started', 'backup', 'done', 'waiting', 'stopped'],
  );
  assert.equal(events[0]?.isLate, true);
  const nextMs = events[3]?.nextMs ?? 0;
  assert.ok(nextMs > Date.now() && nextMs <= Date.now() + 3_600_000 && nextMs % 3_600_000 === 0);
  const { served } = JSON.parse(readFileSync(join(local, 'schedule.json'), 'utf8'));
  assert.equal(Date.parse(served) + 3_600_000, nextMs);
  const status = runCli(['schedule', 'status', '--json'], { home, env: { TZ: 'UTC' } }).json;
  assert.deepEqual(status, {
    schedule: '@hourly',
    auto: false,
    next: new Date(nextMs).toISOString(),
    last: served,
    timers: [],
  });
});

test('schedule run refuses wrong settings before it waits', (context) => {
  const home = smallHome(context, { schedule: '0 0 31 2 *' });
  const { status, stderr } = runCli(['schedule', 'run'], { home });
  assert.equal(status, 2);
  assert.match(stderr, /The schedule "0 0 31 2 \*" never comes/);
});

test('a run that is incomplete says so with --quiet too, as timers start it', (context) => {
  const home = smallHome(context, { postBackup: 'exit 7' });
  for (const words of [
    ['schedule', 'run', '--once', '--quiet'],
    ['backup', 'create', '--quiet'],
  ]) {
    const { status, stdout, stderr } = runCli(words, { home });
    assert.deepEqual(
      [status, stdout, stderr],
      [3, '', 'exuvia: postBackup failed: it ended with exit code 7\n'],
    );
  }
});
