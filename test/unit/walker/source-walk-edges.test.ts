import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { byteStringOf, byteStringToBytes, keyComponents, pathOfKey } from '../../../src/model/paths.ts';
import type { Decision, EntryType } from '../../../src/model/selection.ts';
import { type WalkedEntry, walkSource } from '../../../src/walker/source-walk.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

type Decide = (path: string, type: EntryType) => Decision;

/** What is given, and what is reported as `path: why`. */
function walk(root: string, decide: Decide = () => 'take', onEntry: (path: string) => void = () => {}) {
  const entries: WalkedEntry[] = [];
  const reported: string[] = [];
  const walked = walkSource(
    byteStringOf(root),
    { decide: (key, type) => decide(pathOfKey(key), type) },
    {
      skipped: (key, reason, detail) => void reported.push(`${pathOfKey(key)}: ${detail ?? reason}`),
      unreadable: (key, error) =>
        void reported.push(`${pathOfKey(key)}: ${(error as NodeJS.ErrnoException).code}`),
    },
  );
  for (const entry of walked) {
    entries.push(entry);
    onEntry(pathOfKey(entry.key));
  }
  return { entries, reported, given: entries.map(({ key }) => pathOfKey(key) as string) };
}

/** Folders and files (`x/` and `x`) below a root. */
function make(root: string, ...paths: readonly string[]): void {
  for (const path of paths) {
    if (path.endsWith('/')) mkdirSync(join(root, path), { recursive: true });
    else writeFileSync(join(root, path), path);
  }
}

/** Runs as a user whom permissions hold back. */
function asNobody<T>(run: () => T): T {
  process.seteuid?.(65_534);
  try {
    return run();
  } finally {
    process.seteuid?.(0);
  }
}

function needsRoot(context: TestContext): boolean {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) context.skip('needs to become somebody else');
  return isRoot;
}

function compareComponents(a: readonly Buffer[], b: readonly Buffer[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = Buffer.compare(part, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

test('walkSource() gives keys in the order of the bytes of their components', (context) => {
  const root = temporaryFolder(context);
  const random = new Seeded(3);
  const folders = [Buffer.from(root)];
  for (let count = 0; count < 400; count++) {
    const bytes = random.bytes(1 + random.below(4));
    const name = Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 1 : byte)));
    if (/^\.{1,2}$/.test(name.toString('latin1'))) continue;
    const parent = folders[random.below(folders.length)] ?? Buffer.from(root);
    const path = Buffer.concat([parent, Buffer.from('/'), name]);
    try {
      if (random.below(3) > 0) writeFileSync(path, '');
      else {
        mkdirSync(path);
        folders.push(path);
      }
    } catch {
      // The name is taken.
    }
  }
  const { entries, reported } = walk(root);
  assert.deepEqual(reported, []);
  const keys = entries.map(({ key }) => key);
  const parts = keys.map((key) => keyComponents(key).map((name) => byteStringToBytes(name)));
  assert.ok(entries.length > 300, `${entries.length} entries`);
  assert.deepEqual(parts, parts.toSorted(compareComponents));
  assert.deepEqual(keys, keys.toSorted(), 'which is the order of the keys as text');
  assert.equal(new Set(keys).size, keys.length);
  const listed = spawnSync('find', [root, '-print0'], { encoding: 'latin1' }).stdout.split('\0').slice(0, -1);
  assert.deepEqual(entries.map(({ path }) => path as string).toSorted(), listed.toSorted());
});

test('walkSource() takes a source that is a link for the link', (context) => {
  const root = temporaryFolder(context);
  make(root, 'folder/', 'folder/x');
  symlinkSync('folder', join(root, 'link'));
  const { entries, given } = walk(join(root, 'link'));
  assert.deepEqual(given, ['']);
  assert.equal(entries[0]?.type, 'symlink');
});

test('walkSource() gives links that lead nowhere, and to themselves', (context) => {
  const root = temporaryFolder(context);
  symlinkSync('gone', join(root, 'broken'));
  symlinkSync('loop', join(root, 'loop'));
  symlinkSync('.', join(root, 'self'));
  const { entries, reported } = walk(root);
  assert.deepEqual(
    entries.map(({ key, type }) => `${key} ${type}`),
    [' directory', 'broken symlink', 'loop symlink', 'self symlink'],
  );
  assert.deepEqual(reported, []);
});

test('walkSource() of a pipe reports it and gives nothing', (context) => {
  const pipe = join(temporaryFolder(context), 'pipe');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const { given, reported } = walk(pipe);
  assert.deepEqual(given, []);
  assert.deepEqual(reported, [': special']);
});

test('walkSource() names devices', (context) => {
  if (!needsRoot(context)) return;
  const root = temporaryFolder(context);
  if (spawnSync('mknod', [join(root, 'null'), 'c', '1', '3']).status !== 0)
    return context.skip('cannot make a device');
  assert.deepEqual(walk(root).reported, ['null: device']);
});

test('walkSource() says nothing about special files that are left out quietly', (context) => {
  const root = temporaryFolder(context);
  assert.equal(spawnSync('mkfifo', [join(root, 'pipe')]).status, 0);
  const { given, reported } = walk(root, (path) =>
    path === 'pipe' ? { skip: 'excluded', quiet: true } : 'take',
  );
  assert.deepEqual([given, reported], [[''], []]);
});

test('walkSource() never looks into a folder that is left out', (context) => {
  const root = temporaryFolder(context);
  make(root, 'out/', 'out/x', 'in/', 'in/x');
  const asked: string[] = [];
  const { given, reported } = walk(root, (path) => {
    asked.push(path);
    return path === 'out' ? { skip: 'excluded', detail: 'a reason' } : 'take';
  });
  assert.deepEqual(given, ['', 'in', 'in/x']);
  assert.deepEqual(asked, ['', 'in', 'in/x', 'out']);
  assert.deepEqual(reported, ['out: a reason']);
});

test('walkSource() gives each folder on the way once, before the first thing wanted in it', (context) => {
  const root = temporaryFolder(context);
  make(root, 'a/b/c/', 'a/b/c/want1', 'a/b/no/', 'a/b/want2', 'a/empty/', 'z/y/', 'z/y/no', 'z/want3');
  const { given } = walk(root, (path, type) => {
    if (type === 'directory') return 'descend';
    return /want\d$/.test(path) ? 'take' : { skip: 'excluded', quiet: true };
  });
  assert.deepEqual(given, ['', 'a', 'a/b', 'a/b/c', 'a/b/c/want1', 'a/b/want2', 'z', 'z/want3']);
});

test('walkSource() gives a wanted folder with nothing in it, and what leads there', (context) => {
  const root = temporaryFolder(context);
  make(root, 'a/wanted/', 'b/');
  const { given } = walk(root, (path) => (path === 'a/wanted' ? 'take' : 'descend'));
  assert.deepEqual(given, ['', 'a', 'a/wanted']);
});

test('walkSource() takes no file for being on the way', (context) => {
  const root = temporaryFolder(context);
  make(root, 'a');
  assert.deepEqual(
    walk(root, () => 'descend'),
    { entries: [], reported: [], given: [] },
  );
});

test('walkSource() reports a folder that goes before it is opened', (context) => {
  const root = temporaryFolder(context);
  make(root, 'a/b/', 'a/b/x', 'c');
  const { given, reported } = walk(
    root,
    () => 'take',
    (path) => {
      if (path === 'a/b') rmSync(join(root, 'a/b'), { recursive: true });
    },
  );
  assert.deepEqual(given, ['', 'a', 'a/b', 'c']);
  assert.deepEqual(reported, ['a/b: vanished']);
});

test('walkSource() reports everything in a folder that goes while it is walked', (context) => {
  const root = temporaryFolder(context);
  make(root, 'a/', 'a/1', 'a/2', 'a/3', 'b');
  const { given, reported } = walk(
    root,
    () => 'take',
    (path) => {
      if (path === 'a/1') rmSync(join(root, 'a'), { recursive: true });
    },
  );
  assert.deepEqual(given, ['', 'a', 'a/1', 'b']);
  assert.deepEqual(reported, ['a/2: vanished', 'a/3: vanished']);
});

test('walkSource() reports what it may list but not look at', (context) => {
  if (!needsRoot(context)) return;
  const root = temporaryFolder(context);
  make(root, 'listed/', 'listed/x', 'other');
  chmodSync(root, 0o755);
  chmodSync(join(root, 'listed'), 0o744);
  const { given, reported } = asNobody(() => walk(root));
  assert.deepEqual(given, ['', 'listed', 'other']);
  assert.deepEqual(reported, ['listed/x: EACCES']);
});

test('walkSource() reports a source that may not be listed', (context) => {
  if (!needsRoot(context)) return;
  const root = temporaryFolder(context);
  make(root, 'x');
  chmodSync(root, 0o700);
  const { given, reported } = asNobody(() => walk(root));
  assert.deepEqual(given, ['']);
  assert.deepEqual(reported, [': EACCES']);
});

test('walkSource() reports paths that are too long for the system, and goes on', (context) => {
  const root = temporaryFolder(context);
  make(root, 'last');
  const path = Array.from({ length: 20 }, () => 'd'.repeat(250)).join('/');
  const made = spawnSync('mkdir', ['-p', path], { cwd: root });
  context.after(() => spawnSync('rm', ['-rf', root]));
  assert.equal(made.status, 0, String(made.stderr));
  const { given, reported } = walk(root);
  assert.ok(given.length > 14, `${given.length} given`);
  assert.ok(given.includes('last'));
  assert.equal(reported.length, 1);
  assert.match(reported[0] ?? '', /: ENAMETOOLONG$/);
});
