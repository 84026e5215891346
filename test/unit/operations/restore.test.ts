/** Restores of real folders through the library: what happens to what is already there. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import {
  type CreateOptions,
  createBackup,
  type RestoredBackup,
  type RestoreOptions,
  restoreBackup,
  systemEnvironment,
  undoRestore,
} from '../../../src/index.ts';
import { compareFolders } from '../../helpers/compare-folders.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

class World {
  readonly folder: string;
  readonly state: string;

  constructor(context: TestContext) {
    this.folder = temporaryFolder(context);
    this.state = this.at('home/.openclaw');
    mkdirSync(this.state, { recursive: true, mode: 0o700 });
  }

  at(path: string): string {
    return join(this.folder, path);
  }

  /** Writes a file below the state directory, with a modification time in seconds. */
  put(path: string, content: string, { seconds = 1_700_000_000, mode = 0o600 } = {}): void {
    const full = join(this.state, path);
    mkdirSync(dirname(full), { recursive: true, mode: 0o700 });
    writeFileSync(full, content);
    chmodSync(full, mode);
    utimesSync(full, seconds, seconds);
  }

  read(path: string): string {
    return readFileSync(join(this.state, path), 'utf8');
  }

  get environment() {
    return systemEnvironment({
      env: { HOME: this.at('home'), TMPDIR: this.folder },
      osHome: this.at('home'),
      cwd: this.folder,
    });
  }

  async create(options: CreateOptions = {}): Promise<void> {
    const { unreadable } = await createBackup(this.environment, options);
    assert.deepEqual(unreadable, []);
  }

  async restore(options: RestoreOptions = {}): Promise<RestoredBackup> {
    const restored = await restoreBackup(this.environment, options, 'latest');
    assert.deepEqual(restored.failures, []);
    return restored;
  }
}

const later = 1_700_000_100;
const earlier = 1_699_999_900;

for (const [conflict, newer, older] of [
  ['overwrite', 'stored', 'stored'],
  ['keep', 'mine', 'mine'],
  ['newer', 'mine', 'stored'],
] as const) {
  test(`restoreBackup() with --conflict ${conflict}`, async (context) => {
    const world = new World(context);
    for (const name of ['newer', 'older', 'missing', 'same']) world.put(name, 'stored');
    await world.create();
    world.put('newer', 'mine', { seconds: later });
    world.put('older', 'mine', { seconds: earlier });
    rmSync(join(world.state, 'missing'));
    const { filesWritten } = await world.restore({ conflict });
    assert.deepEqual(
      ['newer', 'older', 'missing', 'same'].map((name) => world.read(name)),
      [newer, older, 'stored', 'stored'],
    );
    assert.equal(filesWritten, 1 + [newer, older].filter((content) => content === 'stored').length);
  });
}

test('restoreBackup() with --conflict fail names the first file that differs and writes nothing', async (context) => {
  const world = new World(context);
  world.put('a', 'stored');
  world.put('b', 'stored');
  await world.create();
  world.put('b', 'mine', { seconds: later });
  rmSync(join(world.state, 'a'));
  await assert.rejects(
    world.restore({ conflict: 'fail' }),
    /Cannot restore b: something else is in its place/,
  );
  assert.equal(existsSync(join(world.state, 'a')), false);
  assert.equal(world.read('b'), 'mine');
});

test('restoreBackup() with dryRun plans what execution then does', async (context) => {
  const world = new World(context);
  for (const name of ['a', 'deep/er/b', 'c']) world.put(name, name);
  symlinkSync('a', join(world.state, 'link'));
  await world.create();
  world.put('c', 'changed', { seconds: later });
  rmSync(join(world.state, 'deep'), { recursive: true });
  rmSync(join(world.state, 'link'));
  const planned = await world.restore({ dryRun: true });
  assert.equal(world.read('c'), 'changed');
  assert.equal(existsSync(join(world.state, 'deep')), false);
  const { newFiles, replacedFiles, writeBytes } = planned.sources[0]?.plan.totals ?? assert.fail();
  const done = await world.restore();
  assert.equal(done.filesWritten, newFiles + replacedFiles);
  assert.equal(done.bytesWritten, writeBytes);
  assert.equal(readlinkSync(join(world.state, 'link')), 'a');
});

test('restoreBackup() with --delete removes what came later, and nothing it never looked at', async (context) => {
  const world = new World(context);
  world.put('openclaw.json', '{}');
  world.put('agents/main/agent/auth-profiles.json', 'key');
  world.put('credentials/telegram.json', 'token');
  world.put('workspace/a.md', 'a');
  await world.create({ exclude: ['credentials', '*.secret'] });
  for (const extra of ['extra.md', 'folder/in/it.md', 'workspace/b.md']) world.put(extra, 'new');
  const kept = ['my.secret', 'tmp/x', 'dev/tool/y', 'backups/other.txt'];
  for (const path of kept) world.put(path, 'not looked at');
  const server = createServer().listen(join(world.state, 'gateway.sock'));
  context.after(() => server.close());
  const { removed } = await world.restore({ delete: true });
  for (const gone of ['extra.md', 'folder', 'workspace/b.md'])
    assert.equal(existsSync(join(world.state, gone)), false, gone);
  assert.ok(removed >= 3);
  assert.ok(lstatSync(join(world.state, 'gateway.sock')).isSocket());
  for (const path of [...kept, 'agents/main/agent/auth-profiles.json', 'credentials/telegram.json']) {
    assert.ok(existsSync(join(world.state, path)), path);
  }
});

test('restoreBackup() with --delete and --only removes nothing of other components', async (context) => {
  const world = new World(context);
  world.put('workspace/a.md', 'a');
  world.put('logs/gateway.log', 'line');
  await world.create();
  world.put('workspace/new.md', 'new');
  world.put('logs/new.log', 'new');
  await world.restore({ delete: true, only: ['workspace'] });
  assert.equal(existsSync(join(world.state, 'workspace/new.md')), false);
  assert.ok(existsSync(join(world.state, 'logs/new.log')));
});

test('restoreBackup() removes what a killed restore left, once nobody can be at work on it', async (context) => {
  const world = new World(context);
  world.put('a', 'stored');
  await world.create();
  world.put('.exuvia-0123456789ab-7', 'half a fi');
  world.put('.exuvia-mine', 'not one of those');
  await world.restore();
  assert.ok(existsSync(join(world.state, '.exuvia-0123456789ab-7')), 'perhaps still at work');
  const clock = { nowMs: () => Date.now() + 3_600_000 };
  await restoreBackup({ ...world.environment, clock }, {}, 'latest');
  assert.equal(existsSync(join(world.state, '.exuvia-0123456789ab-7')), false);
  assert.ok(existsSync(join(world.state, '.exuvia-mine')));
});

test('restoreBackup() never writes through a link that stands where the snapshot has a folder', async (context) => {
  const world = new World(context);
  world.put('workspace/memory/note.md', 'stored');
  world.put('plain.md', 'stored');
  await world.create();
  const outside = world.at('outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'note.md'), 'outside');
  rmSync(join(world.state, 'workspace/memory'), { recursive: true });
  symlinkSync(outside, join(world.state, 'workspace/memory'));
  rmSync(join(world.state, 'plain.md'));
  symlinkSync(join(outside, 'note.md'), join(world.state, 'plain.md'));
  await world.restore();
  assert.equal(readFileSync(join(outside, 'note.md'), 'utf8'), 'outside');
  assert.deepEqual(readdirSync(outside), ['note.md']);
  assert.ok(lstatSync(join(world.state, 'workspace/memory')).isDirectory());
  assert.equal(world.read('workspace/memory/note.md'), 'stored');
  assert.ok(lstatSync(join(world.state, 'plain.md')).isFile());
});

for (const [what, disturb] of [
  ['a missing name', (world: World) => rmSync(join(world.state, 'b'))],
  ['a copy in the place of a name', (world: World) => apart(world, 'b')],
  ['a copy in the place of the first name', (world: World) => apart(world, 'a')],
] as const) {
  test(`restoreBackup() links names of one file again: ${what}`, async (context) => {
    const world = new World(context);
    world.put('a', 'shared');
    linkSync(join(world.state, 'a'), join(world.state, 'b'));
    linkSync(join(world.state, 'a'), join(world.state, 'c'));
    await world.create();
    disturb(world);
    await world.restore();
    const inodes = ['a', 'b', 'c'].map((name) => statSync(join(world.state, name)).ino);
    assert.equal(new Set(inodes).size, 1);
    assert.equal((await world.restore()).filesWritten, 0);
  });
}

test('createBackup() keeps names of one file together when the first was left out the last time', async (context) => {
  const world = new World(context);
  world.put('a', 'shared');
  linkSync(join(world.state, 'a'), join(world.state, 'b'));
  // Later: a file that was only just changed is read again anyway.
  const environment = { ...world.environment, clock: { nowMs: () => Date.now() + 60_000 } };
  await createBackup(environment, { exclude: ['a'] });
  await createBackup(environment, {});
  const target = world.at('target');
  await world.restore({ target });
  assert.equal(statSync(join(target, 'a')).ino, statSync(join(target, 'b')).ino);
});

/** The same file, but for its inode. */
function apart(world: World, name: string): void {
  rmSync(join(world.state, name));
  world.put(name, 'shared');
}

test('restoreBackup() makes names of one file names of one file again', async (context) => {
  const world = new World(context);
  world.put('a', 'one');
  linkSync(join(world.state, 'a'), join(world.state, 'b'));
  await world.create();
  const target = world.at('target');
  await world.restore({ target });
  const [a, b] = ['a', 'b'].map((name) => statSync(join(target, name)));
  assert.equal(a?.ino, b?.ino);
  assert.equal(a?.nlink, 2);
});

test('restoreBackup() widens no mode: neither what is there nor what was stored', async (context) => {
  const world = new World(context);
  world.put('was-open', 'stored', { mode: 0o644 });
  world.put('was-closed', 'stored', { mode: 0o600 });
  await world.create();
  world.put('was-open', 'changed', { mode: 0o600, seconds: later });
  world.put('was-closed', 'changed', { mode: 0o644, seconds: later });
  await world.restore();
  assert.equal(statSync(join(world.state, 'was-open')).mode & 0o777, 0o600);
  assert.equal(statSync(join(world.state, 'was-closed')).mode & 0o777, 0o600);
});

test('restoreBackup() removes what SQLite left beside a database it replaces', async (context) => {
  const world = new World(context);
  world.put('openclaw.json', '{}');
  mkdirSync(join(world.state, 'memory'));
  const path = join(world.state, 'memory/main.sqlite');
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.exec('CREATE TABLE t (v); INSERT INTO t VALUES (1)');
  await world.create();
  database.exec('UPDATE t SET v = 2');
  // As after a crash: the log is left behind.
  const log = readFileSync(`${path}-wal`);
  database.close();
  writeFileSync(`${path}-wal`, log);
  writeFileSync(`${path}-journal`, 'stale');
  await world.restore();
  for (const suffix of ['-wal', '-shm', '-journal']) assert.equal(existsSync(path + suffix), false, suffix);
  const restored = new Database(path, { readonly: true });
  assert.equal(restored.prepare('SELECT v FROM t').pluck().get(), 1);
  assert.equal(restored.pragma('integrity_check', { simple: true }), 'ok');
  restored.close();
});

test('restoreBackup() puts a folder where a file is, and a file where a folder is only with --delete', async (context) => {
  const world = new World(context);
  world.put('folder/file', 'stored');
  world.put('file', 'stored');
  await world.create();
  rmSync(join(world.state, 'folder'), { recursive: true });
  world.put('folder', 'a file now');
  rmSync(join(world.state, 'file'));
  world.put('file/within', 'a folder now');
  await assert.rejects(world.restore(), /Cannot restore file/);
  assert.equal(world.read('folder'), 'a file now', 'nothing was done');
  await world.restore({ delete: true });
  assert.equal(world.read('folder/file'), 'stored');
  assert.equal(world.read('file'), 'stored');
});

test('undoRestore() brings back what was there, and undoing that the restored state', async (context) => {
  const world = new World(context);
  world.put('a', 'first');
  world.put('only-first', 'x');
  await world.create();
  const first = world.at('first');
  await world.restore({ target: first });
  world.put('a', 'second', { seconds: later });
  rmSync(join(world.state, 'only-first'));
  world.put('only-second', 'y', { seconds: later });
  await restoreBackup(world.environment, { delete: true }, 'latest');
  const ignore = (path: string) => path.startsWith('backups');
  assert.deepEqual(compareFolders(first, world.state, { ignore, skipTimes: true }), []);
  await undoRestore(world.environment, {});
  assert.deepEqual(
    ['a', 'only-second'].map((name) => world.read(name)),
    ['second', 'y'],
  );
  assert.equal(existsSync(join(world.state, 'only-first')), false);
  await undoRestore(world.environment, {});
  assert.deepEqual(compareFolders(first, world.state, { ignore, skipTimes: true }), []);
});
