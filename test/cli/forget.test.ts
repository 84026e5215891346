import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createBackup, systemEnvironment } from '../../src/index.ts';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** A home with one snapshot a day at noon, the last one on the given number of days. */
async function homeWithDays(context: TestContext, days: number): Promise<string> {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw'));
  for (let index = 1; index <= days; index++) {
    writeFileSync(join(home, '.openclaw/openclaw.json'), `{ "day": ${index} }`);
    const clock = { nowMs: () => Date.UTC(2026, 0, index, 12) };
    const environment = systemEnvironment({ env: { HOME: home }, osHome: home, cwd: home, clock });
    await createBackup(environment, index === 3 ? { tags: ['keep'] } : {});
  }
  return home;
}

test('backup forget keeps what the rules keep, and says why', async (context) => {
  const home = await homeWithDays(context, 10);
  const run = (...words: string[]) => runCli(['backup', 'forget', ...words], { home });
  const files = () => readdirSync(join(home, '.openclaw/backups/snapshots')).length;
  const planned = run('--keep-daily', '2', '--keep-tag', 'keep', '--dry-run', '--json').json;
  assert.equal(planned.forgotten.length, 7);
  assert.deepEqual(
    planned.kept.map(({ reasons }: { reasons: string[] }) => reasons.join(', ')),
    ['tag keep', 'day 2026-01-09', 'the newest of its kind, day 2026-01-10'],
  );
  assert.equal(files(), 10, 'a dry run changes nothing');
  const text = run('--keep-daily', '2', '--keep-tag', 'keep');
  assert.equal(text.status, 0);
  assert.match(text.stdout, /^keep +[0-9a-f]{8} +2026-01-03 12:00:00 +tag keep$/m);
  assert.match(text.stdout, /^Forgot 7 snapshots, kept 3$/m);
  assert.equal(files(), 3);
  const { snapshots } = runCli(['backup', 'list', '--json'], { home }).json;
  assert.deepEqual(
    snapshots.map(({ time }: { time: string }) => time.slice(8, 10)),
    ['03', '09', '10'],
  );
  assert.equal(runCli(['backup', 'verify', '2026-01-03'], { home }).status, 0);
});

test('backup forget drops what is named, and nothing when one name is wrong', async (context) => {
  const home = await homeWithDays(context, 3);
  const run = (...words: string[]) => runCli(['backup', 'forget', ...words], { home });
  const wrong = run('latest', 'nothere');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /No snapshot "nothere"/);
  assert.equal(run('latest', '2026-01-01', '--json').json.forgotten.length, 2);
  assert.equal(runCli(['backup', 'list', '--json'], { home }).json.snapshots.length, 1);
});

test('backup forget follows the settings, and asks when there is no policy', async (context) => {
  const home = await homeWithDays(context, 10);
  const refused = runCli(['backup', 'forget'], { home });
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /There is no retention policy/);
  writeFileSync(join(home, '.openclaw/exuvia.json5'), '{ backup: { retention: 7 } }');
  const { forgotten } = runCli(['backup', 'forget', '--json'], { home }).json;
  assert.deepEqual(
    forgotten.map(({ time }: { time: string }) => time.slice(8, 10)),
    ['01', '02'],
  );
  for (const words of [
    ['--keep-last', 'x'],
    ['--keep-within', 'soon'],
  ])
    assert.equal(runCli(['backup', 'forget', ...words], { home }).status, 2);
});
