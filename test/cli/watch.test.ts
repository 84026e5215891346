import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

interface Event {
  readonly event: string;
  readonly atMs: number;
  readonly reason?: string;
}

/** A watched home whose first snapshot is made. */
class Watched {
  readonly home: string;
  readonly events: Event[] = [];
  readonly child: ChildProcess;

  constructor(context: TestContext, words: readonly string[], prepare: (home: string) => void = () => {}) {
    this.home = temporaryFolder(context);
    mkdirSync(join(this.home, '.openclaw/workspace/deep'), { recursive: true });
    this.write('openclaw.json', '{}');
    prepare(this.home);
    this.child = spawn(process.execPath, [launcherPath, 'watch', '--json', ...words], {
      env: { PATH: process.env['PATH'] ?? '', HOME: this.home, TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    context.after(() => this.child.kill('SIGKILL'));
    if (this.child.stdout === null) throw new Error('no output');
    createInterface({ input: this.child.stdout }).on('line', (line) =>
      this.events.push({ ...JSON.parse(line), atMs: performance.now() }),
    );
  }

  write(path: string, content: string): void {
    writeFileSync(join(this.home, '.openclaw', path), content);
  }

  get backups(): Event[] {
    return this.events.filter(({ event }) => event === 'backup');
  }

  async untilBackups(count: number): Promise<void> {
    const deadline = performance.now() + 15_000;
    while (this.backups.length < count) {
      assert.ok(
        performance.now() < deadline,
        `${this.backups.length} of ${count} backups: ${JSON.stringify(this.events)}`,
      );
      await sleep(20);
    }
  }

  snapshots(): number {
    return runCli(['backup', 'list', '--json'], { home: this.home }).json.snapshots.length;
  }

  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

test('watch takes one snapshot after each burst of changes, and none while nothing changes', async (context) => {
  const watched = new Watched(context, ['--quiet-for', '0.4', '--at-most-every', '0.5']);
  await watched.untilBackups(1);
  await sleep(1200);
  assert.equal(watched.backups.length, 1, 'its own repository wakes nobody');
  for (let round = 0; round < 3; round++) {
    watched.write('workspace/deep/notes.md', `burst ${round}`);
    await sleep(30);
  }
  const changedMs = performance.now();
  await watched.untilBackups(2);
  assert.ok(performance.now() - changedMs > 250, 'after the quiet time');
  mkdirSync(join(watched.home, '.openclaw/workspace/new/inner'), { recursive: true });
  await watched.untilBackups(3);
  watched.write('workspace/new/inner/file', 'in a folder that came later');
  await watched.untilBackups(4);
  renameSync(join(watched.home, '.openclaw/workspace/new'), join(watched.home, '.openclaw/workspace/moved'));
  await watched.untilBackups(5);
  mkdirSync(join(watched.home, '.openclaw/tmp'), { recursive: true });
  watched.write('tmp/scratch', 'left out by default');
  watched.write('backups/archive.tar.gz', 'beside the snapshots');
  await sleep(1500);
  assert.equal(watched.backups.length, 5);
  assert.equal(await watched.stop(), 0);
  assert.equal(watched.snapshots(), 5);
  assert.deepEqual([watched.events[0]?.event, watched.events.at(-1)?.event], ['watching', 'stopped']);
});

test('watch keeps its distance while the home never rests, and sees databases and external workspaces', async (context) => {
  const watched = new Watched(context, ['--quiet-for', '0.5', '--at-most-every', '1.2'], (home) => {
    mkdirSync(join(home, 'outside'));
    writeFileSync(
      join(home, '.openclaw/openclaw.json'),
      JSON.stringify({ agents: { defaults: { workspace: join(home, 'outside') } } }),
    );
  });
  await watched.untilBackups(1);
  const endMs = performance.now() + 4000;
  for (let round = 0; performance.now() < endMs; round++) {
    watched.write('workspace/busy', `change ${round}`);
    await sleep(50);
  }
  const times = watched.backups.map(({ atMs }) => atMs);
  assert.ok(times.length >= 3, `${times.length} snapshots of a home that never rests`);
  for (let index = 1; index < times.length; index++) {
    assert.ok((times[index] ?? 0) - (times[index - 1] ?? 0) > 1100, 'at most every 1.2 s');
  }
  await sleep(2500);
  const before = watched.backups.length;
  writeFileSync(join(watched.home, 'outside/MEMORY.md'), 'in an external workspace');
  await watched.untilBackups(before + 1);
  const database = new BetterSqlite3(join(watched.home, '.openclaw/memory.sqlite'));
  database.pragma('journal_mode = WAL');
  database.exec('CREATE TABLE memory (text)');
  await watched.untilBackups(before + 2);
  await sleep(1500);
  const quiet = watched.backups.length;
  database.prepare('INSERT INTO memory VALUES (?)').run('only the log beside the database grows');
  await watched.untilBackups(quiet + 1);
  database.close();
  assert.equal(await watched.stop(), 0);
});

test('watch says what fails, goes on, and refuses times that are none', async (context) => {
  const watched = new Watched(context, ['--quiet-for', '0.2', '--at-most-every', '0.5']);
  await watched.untilBackups(1);
  watched.write('exuvia.json5', '{ backup: { preBackup: "exit 1" } }');
  const deadline = performance.now() + 10_000;
  while (!watched.events.some(({ event }) => event === 'failed')) {
    assert.ok(performance.now() < deadline);
    await sleep(20);
  }
  watched.write('exuvia.json5', '{}');
  await watched.untilBackups(2);
  assert.equal(await watched.stop(), 0);
  for (const words of [
    ['--quiet-for', '0'],
    ['--at-most-every', 'often'],
    ['--quiet-for', '-1'],
  ]) {
    assert.equal(runCli(['watch', ...words], { home: watched.home }).status, 2, words.join(' '));
  }
});
