/** `watch` and scheduled runs on an encrypted repository: nobody is there to type a passphrase. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CliRun, launcherPath, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { runOnTerminal } from '../helpers/terminal.ts';

interface Event {
  readonly event: string;
  readonly reason?: string;
}

/** A home with an encrypted repository of one snapshot. */
class EncryptedHome {
  readonly home: string;
  readonly env: Record<string, string>;
  readonly keyFile: string;

  constructor(context: TestContext) {
    this.home = temporaryFolder(context);
    this.keyFile = join(this.home, 'key');
    this.env = { XDG_RUNTIME_DIR: join(this.home, 'runtime') };
    mkdirSync(join(this.home, '.openclaw/workspace'), { recursive: true });
    mkdirSync(join(this.home, 'runtime'), { mode: 0o700 });
    this.write('openclaw.json', '{}');
    done(this.run('backup', 'create', '--encrypt', '--key-file', this.keyFile));
  }

  write(path: string, content: string): void {
    writeFileSync(join(this.home, '.openclaw', path), content);
  }

  settings(settings: object): void {
    this.write('exuvia.json5', JSON.stringify({ backup: settings }));
  }

  run(...words: string[]): CliRun {
    return runCli(words, { home: this.home, env: this.env });
  }

  snapshots(): number {
    return done(this.run('backup', 'list', '--json', '--key-file', this.keyFile)).json.snapshots.length;
  }
}

function done(run: CliRun): CliRun {
  assert.equal(run.status, 0, run.stderr + run.stdout);
  return run;
}

class Daemon {
  readonly events: Event[] = [];
  readonly #child: ChildProcess;

  constructor(context: TestContext, { home, env }: EncryptedHome, words: readonly string[]) {
    this.#child = spawn(process.execPath, [launcherPath, ...words, '--json'], {
      env: { PATH: process.env['PATH'] ?? '', HOME: home, TZ: 'UTC', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    context.after(() => this.#child.kill('SIGKILL'));
    if (this.#child.stdout === null) throw new Error('no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.events.push(JSON.parse(line)));
  }

  count(kind: string): number {
    return this.events.filter(({ event }) => event === kind).length;
  }

  async until(kind: string, count: number): Promise<void> {
    const deadline = performance.now() + 30_000;
    while (this.count(kind) < count) {
      assert.ok(performance.now() < deadline, `${count} × ${kind}: ${JSON.stringify(this.events)}`);
      await sleep(20);
    }
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    assert.equal(this.#child.exitCode, 0);
  }
}

const noKey = /Cannot open repository .*: it is encrypted, and no key was given/;
const pace = ['watch', '--quiet-for', '0.2', '--at-most-every', '1'];

test('watch goes on with a key that is kept, says when it is gone, and again with it', async (context) => {
  const home = new EncryptedHome(context);
  done(home.run('key', 'unlock', '--for', '1h', '--key-file', home.keyFile));
  const daemon = new Daemon(context, home, pace);
  await daemon.until('watching', 1);
  home.write('workspace/notes.md', 'one');
  await daemon.until('backup', 1);
  done(home.run('key', 'lock'));
  home.write('workspace/notes.md', 'two');
  await daemon.until('failed', 1);
  const failedBefore = daemon.count('failed');
  await sleep(3000);
  assert.ok(daemon.count('failed') - failedBefore <= 4, 'once a second, as it may make snapshots');
  for (const { event, reason } of daemon.events) if (event === 'failed') assert.match(reason ?? '', noKey);
  const backupsBefore = daemon.count('backup');
  done(home.run('key', 'unlock', '--for', '1h', '--key-file', home.keyFile));
  await daemon.until('backup', backupsBefore + 1);
  await daemon.stop();
  const files = runCli(['backup', 'cat', 'latest', 'workspace/notes.md'], home);
  assert.equal(files.stdout, 'two');
});

for (const [name, settings] of [
  ['a key file', (home: EncryptedHome) => ({ keyFile: home.keyFile })],
  ['a command for the passphrase', () => ({ passphraseCommand: 'echo of a command' })],
  [
    'a file of the passphrase',
    (home: EncryptedHome) => {
      writeFileSync(join(home.home, 'passphrase'), 'of a command\n', { mode: 0o600 });
      return { passphraseFile: join(home.home, 'passphrase') };
    },
  ],
] as const) {
  test(`watch and scheduled runs work with ${name} in the settings`, async (context) => {
    const home = new EncryptedHome(context);
    const add = ['key', 'add', '--key-file', home.keyFile, '--new-passphrase-command', 'echo of a command'];
    done(home.run(...add));
    home.settings({ encryption: settings(home), schedule: '@hourly' });
    const daemon = new Daemon(context, home, pace);
    await daemon.until('backup', 1);
    await daemon.stop();
    done(home.run('schedule', 'run', '--once'));
    mkdirSync(join(home.home, '.openclaw/backups/local'), { recursive: true });
    home.write('backups/local/schedule.json', '{"served":"2026-01-01T00:00:00.000Z"}');
    const scheduled = new Daemon(context, home, ['schedule', 'run']);
    await scheduled.until('done', 1);
    await scheduled.stop();
    assert.equal(home.snapshots(), 4);
  });
}

test('without a key a run ends with 12 and one sentence, and makes nothing', (context) => {
  const home = new EncryptedHome(context);
  home.settings({ schedule: '* * * * *' });
  for (const words of [
    ['schedule', 'run', '--once'],
    ['schedule', 'run', '--if-due'],
  ]) {
    const refused = home.run(...words);
    assert.equal(refused.status, 12, words.join(' '));
    const [sentence, hint, ...rest] = refused.stderr.trimEnd().split('\n');
    assert.match(sentence ?? '', noKey);
    assert.match(hint ?? '', /^Give --passphrase-file/);
    assert.deepEqual([rest, refused.stdout], [[], '']);
  }
  home.settings({ encryption: { passphraseCommand: 'exit 5' } });
  const failing = home.run('schedule', 'run', '--once');
  assert.equal(failing.status, 12);
  assert.match(failing.stderr, /The command for the passphrase failed: exit code 5/);
  assert.equal(home.snapshots(), 1);
});

test('without a key and without anybody there, the daemons say so at once, and wait', async (context) => {
  const home = new EncryptedHome(context);
  home.settings({ schedule: '0 0 1 1 *' });
  const scheduled = new Daemon(context, home, ['schedule', 'run']);
  const watching = new Daemon(context, home, ['watch', '--quiet-for', '0.2', '--at-most-every', '60']);
  await scheduled.until('waiting', 1);
  await watching.until('failed', 1);
  await sleep(2000);
  assert.deepEqual(
    [...scheduled.events, ...watching.events].map(({ event }) => event),
    ['no-key', 'waiting', 'watching', 'failed'],
  );
  assert.match(scheduled.events[0]?.reason ?? '', noKey);
  assert.match(watching.events[1]?.reason ?? '', noKey);
  await scheduled.stop();
  await watching.stop();
});

const onTerminal = { skip: process.platform === 'win32' && 'Windows has no pseudo-terminals of Python' };

test('watch at a terminal asks once, at its start', onTerminal, (context) => {
  const home = new EncryptedHome(context);
  const add = ['key', 'add', '--key-file', home.keyFile, '--new-passphrase-command', 'echo typed'];
  done(home.run(...add));
  // The hook of each snapshot changes the home, so that there is a next one.
  const log = join(home.home, '.openclaw/workspace/log');
  home.settings({ postBackup: `date >> ${log}; echo "a snapshot is made"` });
  const isMade = 'a snapshot is made';
  const { screen, status } = runOnTerminal(
    pace,
    [
      { expect: 'Passphrase of ', type: 'typed\r' },
      { expect: isMade, signal: 0 },
      { expect: isMade, signal: constants.signals.SIGTERM },
    ],
    { home: home.home },
  );
  assert.equal(status, 0, screen);
  assert.equal(screen.split('Passphrase of').length, 2);
});

test('a wrong passphrase at a terminal ends the daemons at once', onTerminal, (context) => {
  const home = new EncryptedHome(context);
  done(home.run('key', 'add', '--key-file', home.keyFile, '--new-passphrase-command', 'echo typed'));
  for (const words of [pace, ['schedule', 'run']]) {
    const wrong = runOnTerminal(words, [{ expect: 'Passphrase of ', type: 'mistyped\r' }], home);
    assert.equal(wrong.status, 12, wrong.screen);
    assert.match(wrong.screen, /the passphrase is wrong/);
  }
});
