/** `schedule enable` with the real cron: three minutes of a schedule of every minute, and cron started anew. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { launcherPath } from '../helpers/cli.ts';
import { assertEachMinute, makeMinuteHome, snapshotsOf, waitMinutes } from '../helpers/minutes.ts';
import { PrivateMachine, whyNoPrivateMachine } from '../helpers/private-machine.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** With none of this machine's own jobs. The spool is in `folder`, so that it outlives a cron. */
const script = (folder: string) => `
mkdir -p ${folder}/crontabs && chgrp --reference=/var/spool/cron/crontabs ${folder}/crontabs
chmod --reference=/var/spool/cron/crontabs ${folder}/crontabs
mount --bind ${folder}/crontabs /var/spool/cron/crontabs
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /etc/cron.d
mount --bind /dev/null /etc/crontab
exec cron -f`;

function startCron(context: TestContext, home: string): Promise<PrivateMachine> {
  return PrivateMachine.start(context, {
    script: script(home),
    env: { PATH: process.env['PATH'] ?? '', HOME: home, XDG_STATE_HOME: join(home, 'state'), TZ: 'UTC' },
    isReady: ['test', '-s', '/run/crond.pid'],
  });
}

test('schedule enable with the real cron makes a backup each minute, until disable', {
  timeout: 600_000,
}, async (context) => {
  const why = whyNoPrivateMachine(['cron', 'crontab']);
  if (why !== undefined) return context.skip(why);
  const home = temporaryFolder(context);
  makeMinuteHome(home);
  const cron = await startCron(context, home);
  const exuvia = (...words: string[]) =>
    JSON.parse(cron.must([process.execPath, launcherPath, ...words, '--json']));
  const mine = '# mine\n0 5 1 1 * true\n';
  writeFileSync(join(home, 'mine'), mine);
  cron.must(['crontab', join(home, 'mine')]);

  assert.deepEqual(exuvia('schedule', 'enable').methods, ['crontab'], 'no systemd answers here');
  const minutes = await waitMinutes(2);
  assertEachMinute(snapshotsOf(home), minutes);
  assert.equal(exuvia('schedule', 'status').timers[0].isCurrent, true);

  // A minute that cron slept through is made up for when it starts.
  await cron.stop();
  await waitMinutes(1);
  assert.equal(snapshotsOf(home).length, 2, 'nothing starts them now');
  const again = await startCron(context, home);
  await waitMinutes(1);
  const made = snapshotsOf(home).slice(2);
  assert.equal(made.length, 2, 'one that was missed, one of the minute');

  again.must([process.execPath, launcherPath, 'schedule', 'disable']);
  assert.equal(again.must(['crontab', '-l']), mine);
  await waitMinutes(1);
  assert.equal(snapshotsOf(home).length, 4);
});
