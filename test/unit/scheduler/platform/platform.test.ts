import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nextRunMs } from '../../../../src/scheduler/next-run.ts';
import { crontabBlock, crontabScript, withBlock } from '../../../../src/scheduler/platform/crontab.ts';
import type { TimerJob } from '../../../../src/scheduler/platform/job.ts';
import { launchdAgent } from '../../../../src/scheduler/platform/launchd.ts';
import { calendarLines, systemdService, systemdTimer } from '../../../../src/scheduler/platform/systemd.ts';
import { windowsTask } from '../../../../src/scheduler/platform/windows.ts';
import { temporaryFolder } from '../../../helpers/temporary.ts';

/** With every character that some platform would read as its own. */
const odd = `/home/o'n $x 100% "a" & <b>\\c`;
const start = [`${odd}/node`, `${odd}/launcher.cjs`, 'schedule', 'run'];
const job: TimerJob = {
  id: 'exuvia-backup',
  schedule: '30 2,14 1 * mon-fri',
  tick: [...start, '--if-due', '--quiet'],
  daemon: start,
  env: { PATH: `${odd}/bin:/usr/bin`, SHELL: '/bin/bash' },
};

const golden = fileURLToPath(new URL('../../../golden/scheduler/', import.meta.url));

for (const [name, text] of [
  ['exuvia-backup.service', systemdService(job)],
  ['exuvia-backup.timer', systemdTimer(job)],
  ['exuvia-backup.plist', launchdAgent(job, { folder: '/f', log: '/l/exuvia.log', userId: 501 })],
  ['exuvia-backup.sh', crontabScript(job)],
  ['crontab', crontabBlock(job, `${odd}/exuvia-backup.sh`)],
  ['exuvia-backup.xml', windowsTask(job, { folder: 'C:\\f', user: 'HOST\\Jo & Co' })],
] as const) {
  test(`the text of ${name} is the golden one`, () => {
    if (process.env['EXUVIA_UPDATE_GOLDEN']) writeFileSync(join(golden, name), text);
    assert.equal(text, readFileSync(join(golden, name), 'utf8'));
  });
}

function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version']).status === 0;
}

/** When systemd would start it, by its own word. */
function systemdTimes(line: string, fromMs: number, count: number): number[] {
  const { stdout, stderr } = spawnSync(
    'systemd-analyze',
    ['calendar', `--base-time=@${fromMs / 1000}`, `--iterations=${count}`, line],
    { env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', LC_ALL: 'C' }, encoding: 'utf8' },
  );
  const times = [...stdout.matchAll(/(?:Next elapse|Iter\. #\d+): \w+ (\S+) (\S+) UTC/g)];
  assert.ok(times.length > 0, stderr);
  return times.map(([, day, time]) => Date.parse(`${day}T${time}Z`));
}

test('calendarLines() are the times of the schedule, says systemd', (context) => {
  if (!hasProgram('systemd-analyze')) return context.skip('there is no systemd here');
  const fromMs = Date.parse('2026-01-30T10:10:00Z');
  for (const schedule of [
    '@daily',
    '0 3 * * 7',
    '*/15 8-18/2 * * mon-fri',
    '5/20 * * * *',
    '0 0 1,15 */2 *',
    '30 4 13 * 5',
    '0 0 29 feb *',
  ]) {
    const times = calendarLines(schedule).flatMap((line) => systemdTimes(line, fromMs, 12));
    const all = [...new Set(times)].sort((a, b) => a - b).slice(0, 12);
    let afterMs = fromMs;
    for (const time of all) {
      afterMs = nextRunMs(schedule, afterMs, 'UTC');
      assert.equal(new Date(time).toISOString(), new Date(afterMs).toISOString(), schedule);
    }
  }
});

/** A program that says what it was given, at an odd place. */
function oddProgram(context: TestContext): { folder: string; words: string[] } {
  const folder = join(temporaryFolder(context), `o'n $x 100% "a" & <b>`);
  mkdirSync(folder);
  const script = join(folder, 'say');
  writeFileSync(script, 'printf "<%s>" "$PATH" "$@"\n');
  return { folder, words: ['/bin/sh', script, 'a b', '%h', '$HOME'] };
}

test('crontabScript() gives the words and the environment as they are', (context) => {
  const { folder, words } = oddProgram(context);
  const path = join(folder, 'job.sh');
  writeFileSync(path, crontabScript({ ...job, tick: words, env: { PATH: `/bin:${folder}` } }));
  const { stdout } = spawnSync('/bin/sh', [path], { env: {}, encoding: 'utf8' });
  assert.equal(stdout, `</bin:${folder}><a b><%h><$HOME>`);
});

test('withBlock() replaces its own block, and leaves every other line as it is', () => {
  const block = crontabBlock(job, '/s/job.sh');
  const other = crontabBlock({ ...job, id: 'exuvia-backup-1234' }, '/s/other.sh');
  for (const before of ['', 'MAILTO=x\n1 2 * * * a\n', '1 2 * * * without an end', '\n\n# c\n\n']) {
    const once = withBlock(before, job, block);
    assert.equal(once, `${before}${before.endsWith('an end') ? '\n' : ''}${block}`);
    assert.equal(withBlock(once, job, block), once, 'again');
    const changed = withBlock(`${once}${other}9 9 * * * b\n`, job, block.replace('30 2', '31 2'));
    assert.ok(changed.includes('31 2') && changed.endsWith(`${other}9 9 * * * b\n`));
    assert.equal(withBlock(once, job, ''), before === '' || before.endsWith('\n') ? before : `${before}\n`);
  }
});

test('withBlock() without an end takes nothing out', () => {
  const torn = '# begin exuvia-backup, changed by hand\n1 2 * * * a\n';
  assert.equal(withBlock(torn, job, ''), torn);
});
