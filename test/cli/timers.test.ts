import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockSchedule } from '../../src/scheduler/lock.ts';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const crontabProgram = `case $1 in
  -l) cat "$HOME/crontab" 2>/dev/null || { echo "no crontab for $LOGNAME" >&2; exit 1; } ;;
  -) cat > "$HOME/crontab" ;;
  *) exit 2 ;;
esac`;
const logProgram = 'echo "$(basename "$0") $*" >> "$HOME/log"';

/** A home, and stand-ins for the programs that a system has: what they are told is kept in the home. */
function machine(context: TestContext, programs: Readonly<Record<string, string>>) {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw'));
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  const bin = join(home, 'bin');
  mkdirSync(bin);
  for (const [name, text] of Object.entries({ systemctl: 'exit 1', crontab: 'exit 1', ...programs })) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const settings = (text: string) => writeFileSync(join(home, '.openclaw/exuvia.json5'), text);
  settings('{ backup: { schedule: "30 2 * * *" } }');
  const env = { PATH: `${bin}:/usr/bin:/bin`, XDG_STATE_HOME: join(home, 'state') };
  const run = (...words: string[]) => {
    const result = runCli(['schedule', ...words, '--json'], { home, env });
    return { ...result, json: result.json };
  };
  const read = (name: string) => readFileSync(join(home, name), 'utf8');
  return { home, env, run, read, settings };
}

type Step = { do: string; path?: string; content?: string; words?: string[]; input?: string };

test('schedule enable and disable with cron change nothing but their own block', (context) => {
  const { home, run, read, settings } = machine(context, { crontab: crontabProgram });
  const before = 'MAILTO=x@example.org\n0 5 * * * mine\n';
  writeFileSync(join(home, 'crontab'), before);
  const planned = run('enable', '--dry-run').json;
  assert.deepEqual(planned.methods, ['crontab']);
  assert.equal(read('crontab'), before);
  assert.equal(existsSync(join(home, '.exuvia')), false);

  const enabled = run('enable');
  assert.equal(enabled.status, 0, enabled.stderr);
  assert.deepEqual(enabled.json.steps, planned.steps, 'the dry run said exactly this');
  const script = join(home, '.exuvia/schedule/exuvia-backup.sh');
  assert.equal(read('.exuvia/schedule/exuvia-backup.sh'), planned.steps[0].content);
  assert.ok(read('crontab').startsWith(before));
  assert.match(read('crontab'), /\n30 2 \* \* \* \/bin\/sh \S+exuvia-backup\.sh\n/);
  assert.equal(run('enable').status, 0, 'again');
  assert.equal(read('crontab'), planned.steps[1].input, 'and one block is there');

  assert.deepEqual(run('status').json.timers, [{ method: 'crontab', path: script, isCurrent: true }]);
  settings('{ backup: { schedule: "@hourly" } }');
  assert.equal(run('status').json.timers[0].isCurrent, false);
  run('enable');
  assert.equal(run('status').json.timers[0].isCurrent, true);

  assert.deepEqual(run('disable').json.methods, ['crontab']);
  assert.equal(read('crontab'), before);
  assert.equal(existsSync(script), false);
  assert.deepEqual(run('disable').json, {
    id: 'exuvia-backup',
    methods: [],
    dryRun: false,
    steps: [],
    notes: [],
  });
});

test('what cron starts makes a backup when one is due, and only then', (context) => {
  const { home, run, settings } = machine(context, { crontab: crontabProgram });
  settings('{ backup: { schedule: "@yearly" } }');
  run('enable');
  const script = join(home, '.exuvia/schedule/exuvia-backup.sh');
  const start = () => spawnSync('/bin/sh', [script], { env: { HOME: home }, encoding: 'utf8', cwd: '/' });
  const count = () => readdirSync(join(home, '.openclaw/backups/snapshots')).length;
  const local = join(home, '.openclaw/backups/local');
  const first = start();
  assert.equal(first.status, 0, first.stderr);
  assert.equal(existsSync(join(home, '.openclaw/backups/snapshots')), false, 'nothing is due at first');
  writeFileSync(join(local, 'schedule.json'), '{"served":"2019-12-31T00:00:00.000Z"}');
  assert.deepEqual([start().status, count()], [0, 1]);
  assert.deepEqual([start().status, count()], [0, 1]);
  // A clock that was wrong once must not put an end to backups.
  writeFileSync(join(local, 'schedule.json'), '{"served":"2999-01-01T00:00:00.000Z"}');
  assert.equal(start().status, 0);
  assert.doesNotMatch(readFileSync(join(local, 'schedule.json'), 'utf8'), /2999/);
});

test('schedule enable takes systemd where its user manager answers, and leaves other kinds', (context) => {
  const { home, run, read } = machine(context, { crontab: crontabProgram });
  run('enable');
  assert.match(read('crontab'), /begin exuvia-backup/);
  writeFileSync(join(home, 'bin/systemctl'), `#!/bin/sh\n${logProgram}\n`);
  const enabled = run('enable');
  assert.equal(enabled.status, 0, enabled.stderr);
  assert.deepEqual(enabled.json.methods, ['systemd']);
  assert.doesNotMatch(read('crontab'), /exuvia/);
  const units = join(home, '.config/systemd/user');
  assert.deepEqual(readdirSync(units).sort(), ['exuvia-backup.service', 'exuvia-backup.timer']);
  assert.match(read('.config/systemd/user/exuvia-backup.timer'), /^OnCalendar=\*-\*-\* 2:30:00$/m);
  assert.deepEqual(read('log').trim().split('\n'), [
    'systemctl --user show-environment',
    'systemctl --user daemon-reload',
    'systemctl --user enable exuvia-backup.timer',
    'systemctl --user restart exuvia-backup.timer',
  ]);
  assert.deepEqual(run('disable').json.methods, ['systemd']);
  assert.deepEqual(readdirSync(units), []);
});

test('schedule enable writes over no file of others, and says when nothing works', (context) => {
  const { home, run, env, read } = machine(context, {});
  const nothing = run('enable');
  assert.equal(nothing.status, 1);
  assert.equal(nothing.json.error.code, 'ERR_NO_TIMER');
  const failing = run('enable', '--method', 'systemd');
  assert.equal(failing.status, 1);
  assert.match(failing.json.error.message, /^"systemctl --user daemon-reload" failed: exit code 1$/);
  assert.equal(run('disable').status, 0, 'the half that is there goes away');
  assert.deepEqual(readdirSync(join(home, '.config/systemd/user')), []);
  const foreign = join(home, '.config/systemd/user/exuvia-backup.timer');
  writeFileSync(foreign, '[Timer]\n');
  for (const words of [
    ['enable', '--method', 'systemd'],
    ['enable', '--method', 'systemd', '--dry-run'],
  ]) {
    const refused = run(...words);
    assert.equal(refused.status, 1);
    assert.match(refused.json.error.message, /was not written by exuvia schedule enable/);
  }
  assert.deepEqual(run('disable').json.methods, []);
  assert.equal(read('.config/systemd/user/exuvia-backup.timer'), '[Timer]\n');
  assert.deepEqual(readdirSync(join(home, '.config/systemd/user')), ['exuvia-backup.timer']);
  rmSync(foreign);
  writeFileSync(join(home, '.openclaw/exuvia.json5'), '{ backup: { schedule: "0 0 31 2 *" } }');
  assert.equal(runCli(['schedule', 'enable', '--method', 'systemd'], { home, env }).status, 2);
});

test('schedule enable --dry-run shows every kind, for another home under another name', (context) => {
  const { home, run, env } = machine(context, { crontab: crontabProgram });
  for (const method of ['systemd', 'launchd', 'crontab', 'windows']) {
    const { steps } = run('enable', '--dry-run', '--method', method).json as { steps: Step[] };
    assert.ok(steps[0]?.content?.includes('launcher.cjs'), method);
    assert.ok(
      steps.some((step) => step.do === 'run'),
      method,
    );
  }
  mkdirSync(join(home, '.openclaw-work'));
  const { id, steps } = run('enable', '--dry-run', '--profile', 'work').json;
  assert.match(id, /^exuvia-backup-[0-9a-f]{8}$/);
  assert.match(steps[0].content, /--state-dir \S+\.openclaw-work --profile work --if-due --quiet\n$/);
  const text = runCli(['schedule', 'enable', '--dry-run'], { home, env }).stdout;
  assert.match(text, /^Would write \S+exuvia-backup\.sh\n {4}#!\/bin\/sh\n/);
  assert.match(text, /^Would run crontab -\n {4}# begin exuvia-backup/m);
});

test('a scheduled run that is killed is begun again', async (context) => {
  const { home, env, run, settings } = machine(context, {});
  const local = join(home, '.openclaw/backups/local');
  mkdirSync(local, { recursive: true });
  const state = join(local, 'schedule.json');
  writeFileSync(state, '{"served":"2019-12-31T00:00:00.000Z"}');
  settings('{ backup: { schedule: "@yearly", preBackup: "sleep 3" } }');
  const child = spawn(process.execPath, [launcherPath, 'schedule', 'run', '--if-due'], {
    env: { ...env, HOME: home, TZ: 'UTC' },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  while (!readFileSync(state, 'utf8').includes('begun')) await sleep(20);
  child.kill('SIGKILL');
  await ended;
  settings('{ backup: { schedule: "@yearly" } }');
  assert.match(run('run', '--if-due').json.snapshot, /^[0-9a-f]{64}$/);
  assert.equal(run('run', '--if-due').json.isDue, false);
});

test('only one scheduler works on a repository', (context) => {
  const { home, env, run, settings } = machine(context, {});
  // Not within the last hour, which would count as missed.
  settings(`{ backup: { schedule: "30 ${(new Date().getUTCHours() + 3) % 24} * * *" } }`);
  {
    using lock = lockSchedule(join(home, '.openclaw/backups'));
    assert.ok(lock);
    const daemon = run('run');
    assert.equal(daemon.status, 11);
    assert.match(daemon.json.error.message, /another exuvia schedule run sees to it/);
    assert.deepEqual(run('run', '--if-due').json, { snapshot: null, isDue: false });
  }
  assert.equal(runCli(['schedule', 'run', '--if-due'], { home, env }).stdout, 'No backup is due\n');
  assert.equal(run('run', '--once', '--if-due').status, 2);
});

test('doctor says whether anything starts the backups that the settings want', (context) => {
  const { home, env, run, settings } = machine(context, { crontab: crontabProgram });
  settings('{ backup: { auto: true, schedule: "30 2 * * *" } }');
  const timer = () =>
    runCli(['doctor', '--json'], { home, env }).json.lines.find(
      ({ about }: { about: string }) => about === 'timer',
    );
  assert.match(timer().hint, /exuvia schedule enable/);
  assert.equal(run('enable').status, 0);
  assert.deepEqual([timer().level, timer().message.split(',')[0]], ['ok', 'crontab']);
  settings('{ backup: { auto: true, schedule: "0 3 * * *" } }');
  assert.match(timer().message, /the schedule, the program or Node is another/);
  assert.equal(run('disable').status, 0);
  settings('{ backup: { auto: false } }');
  assert.equal(timer(), undefined, 'nobody wants one');
});
