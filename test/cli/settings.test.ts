import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

class Home {
  readonly home: string;
  readonly state: string;

  constructor(context: TestContext) {
    this.home = temporaryFolder(context);
    this.state = join(this.home, '.openclaw');
    this.put('openclaw.json', '{}');
    this.put('workspace/a.md', 'a'.repeat(5000));
    this.put('logs/gateway.log', 'line\n');
    this.put('credentials/telegram.json', '{}');
  }

  put(path: string, content: string): void {
    mkdirSync(dirname(join(this.state, path)), { recursive: true });
    writeFileSync(join(this.state, path), content);
  }

  settings(block: object): void {
    this.put('exuvia.json5', JSON.stringify({ backup: block }));
  }

  run(...words: string[]) {
    return runCli(words, { home: this.home, env: { SHELL: '/bin/sh' } });
  }

  /** What a hook wrote. */
  said(name = 'said'): string {
    const path = join(this.home, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }
}

test('settings shows each value and where it comes from; init writes a file that changes nothing', (context) => {
  const home = new Home(context);
  const before = home.run('settings', '--json').json;
  assert.equal(before.exists, false);
  assert.ok(before.settings.every((one: { origin: string }) => one.origin === 'default'));
  assert.equal(home.run('settings', 'init').status, 0);
  const path = join(home.state, 'exuvia.json5');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(home.run('settings', '--json').json.settings, before.settings);
  const again = home.run('settings', 'init');
  assert.equal(again.status, 1);
  assert.match(again.stderr, /There are settings already/);
  home.settings({ schedule: '@daily', retention: 7 });
  home.put('openclaw.json', '{ backup: { retention: 30, auto: true } }');
  const shown = home.run('settings', '--json');
  assert.match(shown.stderr, /current versions of OpenClaw refuse to start/);
  const found = Object.fromEntries(
    shown.json.settings.map((one: { name: string; value: unknown; origin: string }) => [
      one.name,
      [one.value, one.origin],
    ]),
  );
  assert.deepEqual(found['schedule'], ['@daily', 'exuvia.json5']);
  assert.deepEqual(found['retention'], [{ keepWithin: '7d' }, 'exuvia.json5']);
  assert.deepEqual(found['auto'], [true, 'openclaw.json']);
  assert.deepEqual(found['compress'], [true, 'default']);
});

test('a mistake in the settings names file, line, key and what was wanted, and nothing is done', (context) => {
  const home = new Home(context);
  home.put('exuvia.json5', '{\n  backup: {\n    shedule: "0 0 * * *",\n  },\n}');
  const { status, stderr } = home.run('backup', 'create');
  assert.equal(status, 2);
  assert.match(stderr, /exuvia\.json5, line 3: unknown key "shedule"; did you mean "schedule"\?\n/);
  assert.equal(existsSync(join(home.state, 'backups')), false);
  assert.equal(
    home.run('backup', 'list', '--repository', join(home.home, 'r')).status,
    10,
    'other commands work',
  );
});

test('path, include and exclude of the settings are in force, and flags beat them', (context) => {
  const home = new Home(context);
  home.settings({
    path: '~/elsewhere',
    include: ['config', 'credentials', 'workspace'],
    exclude: ['credentials'],
  });
  const names = (snapshot: string) =>
    home
      .run('backup', 'ls', snapshot, '--json')
      .json.entries.map((entry: { path: string }) => entry.path)
      .sort();
  const created = home.run('backup', 'create', '--json').json;
  assert.equal(created.repository, join(home.home, 'elsewhere'));
  assert.deepEqual(names('latest'), ['exuvia.json5', 'openclaw.json', 'workspace']);
  home.run('backup', 'create', '--only', 'logs');
  assert.deepEqual(names('latest'), ['logs']);
  home.run('backup', 'create', '--exclude', 'workspace');
  assert.deepEqual(names('latest'), ['credentials', 'exuvia.json5', 'openclaw.json']);
});

test('compress: false stores data as it is', (context) => {
  const home = new Home(context);
  const stored = (compress: boolean): number => {
    rmSync(join(home.state, 'backups'), { recursive: true, force: true });
    home.settings({ compress });
    return home.run('backup', 'create', '--json').json.stats.storedBytes;
  };
  assert.ok(stored(true) < 3000);
  assert.ok(stored(false) > 5000);
  assert.equal(home.run('backup', 'cat', 'latest', 'workspace/a.md').stdout, 'a'.repeat(5000));
});

test('skipIfUnchanged makes no second snapshot of the same', (context) => {
  const home = new Home(context);
  home.settings({ skipIfUnchanged: true, postBackup: 'echo ran >> "$HOME/said"' });
  const first = home.run('backup', 'create', '--json').json;
  const second = home.run('backup', 'create', '--json').json;
  assert.equal(first.unchanged, false);
  assert.equal(second.unchanged, true);
  assert.equal(second.snapshot.id, first.snapshot.id);
  assert.equal(home.said(), 'ran\n', 'nothing was made that a hook could copy');
  home.put('workspace/b.md', 'b');
  assert.equal(home.run('backup', 'create', '--json').json.unchanged, false);
  assert.equal(home.run('backup', 'list', '--json').json.snapshots.length, 2);
});

test('postBackup finds what was made; its failure leaves the backup and gives exit code 3', (context) => {
  const home = new Home(context);
  home.settings({
    postBackup:
      'echo "$EXUVIA_HOOK|$EXUVIA_SNAPSHOT_ID|$EXUVIA_REPOSITORY|$EXUVIA_ARCHIVE|$EXUVIA_STATS" > ~/said; echo out',
  });
  const archive = join(home.home, 'x.tar.gz');
  const run = home.run('backup', 'create', '--output', archive, '--json');
  assert.equal(run.status, 0, run.stderr);
  const { snapshot, repository, stats, hooks } = run.json;
  assert.equal(home.said(), `postBackup|${snapshot.id}|${repository}|${archive}|${JSON.stringify(stats)}\n`);
  assert.deepEqual([hooks[0].name, hooks[0].status], ['postBackup', 0]);
  assert.match(run.stderr, /^out$/m, 'what it prints goes to standard error');
  home.settings({ postBackup: 'exit 7' });
  const failed = home.run('backup', 'create');
  assert.equal(failed.status, 3);
  assert.match(failed.stdout, /postBackup failed: it ended with exit code 7/);
  assert.equal(home.run('backup', 'list', '--json').json.snapshots.length, 2);
});

test('preBackup stops the backup when it fails, and onFailure hears why', (context) => {
  const home = new Home(context);
  home.settings({ preBackup: 'exit 1', onFailure: 'echo "$EXUVIA_ERROR" > ~/said' });
  const run = home.run('backup', 'create');
  assert.equal(run.status, 1);
  assert.match(run.stderr, /No backup was made: preBackup failed: it ended with exit code 1/);
  assert.match(home.said(), /preBackup failed/);
  assert.equal(existsSync(join(home.state, 'backups')), false);
});

test('a hook that takes too long is ended, with all it started', (context) => {
  const home = new Home(context);
  home.settings({ postBackup: 'sleep 60 & sleep 60; echo late > ~/said', hookTimeLimit: 0.3 });
  const startedMs = Date.now();
  const run = home.run('backup', 'create');
  assert.equal(run.status, 3);
  assert.ok(Date.now() - startedMs < 20_000);
  assert.match(run.stdout, /postBackup failed: it took longer than 0\.3 s/);
  assert.equal(home.said(), '');
});

test('hooks do not run for a dry run, or for other folders', (context) => {
  const home = new Home(context);
  home.settings({ preBackup: 'echo x >> ~/said', postBackup: 'echo y >> ~/said' });
  assert.equal(home.run('backup', 'create', '--dry-run').status, 0);
  assert.equal(
    home.run('backup', 'create', '--source', home.state, '--repository', join(home.home, 'r')).status,
    0,
  );
  assert.equal(home.said(), '');
});

test('hooks of settings that a restore brought wait for the user’s word', (context) => {
  const home = new Home(context);
  home.settings({ postBackup: 'echo ran >> ~/said' });
  assert.equal(home.run('backup', 'create').status, 0);
  assert.equal(home.said(), 'ran\n');
  rmSync(join(home.state, 'exuvia.json5'));
  assert.equal(home.run('backup', 'restore', 'latest').status, 0);
  const waiting = home.run('backup', 'create');
  assert.equal(waiting.status, 3);
  assert.match(waiting.stdout, /came with a restore or an import.*exuvia settings trust/);
  assert.equal(home.said(), 'ran\n', 'it did not run again');
  assert.deepEqual(home.run('settings', '--json').json.untrusted, [join(home.state, 'exuvia.json5')]);
  assert.equal(home.run('settings', 'trust', '--json').json.trusted.length, 1);
  assert.equal(home.run('backup', 'create').status, 0);
  assert.equal(home.said(), 'ran\nran\n');
  assert.deepEqual(readdirSync(join(home.home, '.local/state/exuvia')), ['untrusted-settings.json']);
});

test('an edited file is the user’s own again', (context) => {
  const home = new Home(context);
  home.settings({ postBackup: 'echo ran >> ~/said' });
  home.run('backup', 'create');
  rmSync(join(home.state, 'exuvia.json5'));
  home.run('backup', 'restore', 'latest');
  home.settings({ postBackup: 'echo edited >> ~/said' });
  assert.equal(home.run('backup', 'create').status, 0);
  assert.equal(home.said(), 'ran\nedited\n');
});
