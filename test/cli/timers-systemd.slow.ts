/** `schedule enable` with a real user manager of systemd: two minutes of a schedule of every minute. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launcherPath } from '../helpers/cli.ts';
import { assertEachMinute, makeMinuteHome, snapshotsOf, waitMinutes } from '../helpers/minutes.ts';
import { PrivateMachine, whyNoPrivateMachine } from '../helpers/private-machine.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const managerPath = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'].find((path) => existsSync(path));
const cgroupRoot = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) =>
  existsSync(join(path, 'cgroup.procs')),
);

/** A control group of its own: the manager makes others below it. */
function makeControlGroup(root: string): string {
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  const group = join(root, own, `exuvia-test-${process.pid}`);
  mkdirSync(group);
  return group;
}

function removeControlGroup(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) removeControlGroup(join(group, entry.name));
  rmdirSync(group);
}

test('schedule enable with a real systemd makes a backup each minute, until disable', {
  timeout: 600_000,
}, async (context) => {
  const why = whyNoPrivateMachine(['systemctl']);
  if (why !== undefined) return context.skip(why);
  if (managerPath === undefined) return context.skip('needs systemd');
  if (cgroupRoot === undefined) return context.skip('needs control groups of version 2');
  const home = temporaryFolder(context);
  makeMinuteHome(home);
  const group = makeControlGroup(cgroupRoot);
  const runtime = join(home, 'runtime');
  mkdirSync(runtime, { mode: 0o700 });
  const machine = await PrivateMachine.start(context, {
    // The manager starts only where the folder says that the system is one of systemd, and finds its group at the usual place.
    script: `
echo $$ > ${group}/cgroup.procs
mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system
exec unshare --cgroup sh -ec 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec ${managerPath} --user'`,
    env: { PATH: process.env['PATH'] ?? '', HOME: home, XDG_RUNTIME_DIR: runtime, TZ: 'UTC' },
    isReady: ['systemctl', '--user', 'show-environment'],
    cleanUp: () => removeControlGroup(group),
  });
  const exuvia = (...words: string[]) =>
    JSON.parse(machine.must([process.execPath, launcherPath, ...words, '--json']));
  const show = (unit: string, property: string) =>
    machine.must(['systemctl', '--user', 'show', '--value', '--property', property, unit]).trim();

  assert.deepEqual(exuvia('schedule', 'enable').methods, ['systemd']);
  assert.equal(show('exuvia-backup.timer', 'ActiveState'), 'active');
  assert.equal(show('exuvia-backup.timer', 'UnitFileState'), 'enabled');
  const minutes = await waitMinutes(2);
  assertEachMinute(snapshotsOf(home), minutes);
  assert.equal(show('exuvia-backup.service', 'Result'), 'success');
  assert.equal(exuvia('schedule', 'status').timers[0].isCurrent, true);

  // A run that could not read all of it is no failure of the timer, a run that fails is one.
  writeFileSync(
    join(home, '.openclaw/exuvia.json5'),
    '{ backup: { schedule: "* * * * *", preBackup: "exit 5" } }',
  );
  await waitMinutes(1);
  assert.equal(show('exuvia-backup.service', 'Result'), 'exit-code');
  assert.equal(snapshotsOf(home).length, 2);

  assert.deepEqual(exuvia('schedule', 'disable').methods, ['systemd']);
  assert.equal(show('exuvia-backup.timer', 'LoadState'), 'not-found');
  makeMinuteHome(home);
  await waitMinutes(1);
  assert.equal(snapshotsOf(home).length, 2);
});
