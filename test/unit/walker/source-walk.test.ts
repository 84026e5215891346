import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { byteStringOf, type PathKey, pathOfKey } from '../../../src/model/paths.ts';
import type { Decision, EntryType } from '../../../src/model/selection.ts';
import { walkSource } from '../../../src/walker/source-walk.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

type Decide = (path: string, type: EntryType) => Decision;

/** Paths (latin1) as they are given, `/` behind folders and `@` behind links, and what was reported. */
function walk(root: string, decide: Decide = () => 'take', onEntry: (path: string) => void = () => {}) {
  const given: string[] = [];
  const reported: string[] = [];
  const filter = { decide: (key: PathKey, type: EntryType) => decide(pathOfKey(key), type) };
  const report = {
    skipped: (key: PathKey, reason: string, detail?: string) =>
      void reported.push(`${pathOfKey(key)}: ${detail ?? reason}`),
    unreadable: (key: PathKey, error: unknown) =>
      void reported.push(`${pathOfKey(key)}: ${(error as NodeJS.ErrnoException).code}`),
  };
  for (const entry of walkSource(byteStringOf(root), filter, report)) {
    const mark = entry.type === 'directory' ? '/' : entry.type === 'symlink' ? '@' : '';
    given.push(pathOfKey(entry.key) + mark);
    onEntry(pathOfKey(entry.key));
  }
  return { given, reported };
}

function put(root: string, names: readonly (string | Buffer)[]): void {
  for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)]), 'x');
}

test('walkSource() gives folders before what is in them, in the order of bytes', (context) => {
  const root = temporaryFolder(context);
  for (const folder of ['a', 'a.b', 'a/z']) mkdirSync(join(root, folder));
  put(root, ['a-', 'a/z/1', 'a.b/1', 'B', 'é']);
  // By components: `a` with all below it comes before `a-`, although "a-" < "a/".
  assert.deepEqual(
    walk(root).given,
    ['/', 'a/', 'a/z/', 'a/z/1', 'a-', 'a.b/', 'a.b/1', '\u00c3\u00a9'].toSpliced(1, 0, 'B'),
  );
});

test('walkSource() gives names that are not UTF-8, hold newlines, or are 255 bytes long', (context) => {
  const root = temporaryFolder(context);
  const names = [
    Buffer.from('caf\xe9', 'latin1'),
    Buffer.from('a\nb'),
    Buffer.from('n'.repeat(255)),
    Buffer.from(' '),
  ];
  put(root, names);
  const given = walk(root).given.slice(1);
  assert.deepEqual(given, names.map((name) => name.toString('latin1')).sort());
});

test('walkSource() follows no link, and names what is special', (context) => {
  const root = temporaryFolder(context);
  const outside = temporaryFolder(context);
  put(outside, ['secret']);
  symlinkSync(outside, join(root, 'link'));
  assert.equal(spawnSync('mkfifo', [join(root, 'pipe')]).status, 0);
  const server = createServer().listen(join(root, 'sock'));
  context.after(() => server.close());
  const { given, reported } = walk(root);
  assert.deepEqual(given, ['/', 'link@']);
  assert.deepEqual(reported.sort(), ['pipe: pipe', 'sock: socket']);
});

test('walkSource() of one file gives that file, of a missing one throws', (context) => {
  const root = temporaryFolder(context);
  put(root, ['only']);
  assert.deepEqual(walk(join(root, 'only')).given, ['']);
  assert.throws(() => walk(join(root, 'gone')), /Cannot read source .*gone: no such file/);
});

test('walkSource() gives folders on the way only when something below them is wanted', (context) => {
  const root = temporaryFolder(context);
  for (const folder of ['a', 'a/b', 'c', 'c/d', 'no']) mkdirSync(join(root, folder));
  put(root, ['a/b/wanted', 'a/b/other', 'c/d/other', 'no/wanted']);
  const { given, reported } = walk(root, (path, type) => {
    if (path === 'no') return { skip: 'excluded' };
    if (type === 'directory') return 'descend';
    return path.endsWith('wanted') ? 'take' : { skip: 'excluded', quiet: true };
  });
  assert.deepEqual(given, ['/', 'a/', 'a/b/', 'a/b/wanted']);
  assert.deepEqual(reported, ['no: excluded']);
});

test('walkSource() reports what goes while it looks', (context) => {
  const root = temporaryFolder(context);
  mkdirSync(join(root, 'folder'));
  put(root, ['a', 'b', 'folder/c']);
  const { given, reported } = walk(
    root,
    () => 'take',
    (path) => {
      if (path === 'a') rmSync(join(root, 'b'));
    },
  );
  assert.deepEqual(given, ['/', 'a', 'folder/', 'folder/c']);
  assert.deepEqual(reported, ['b: vanished']);
});

test('walkSource() gives the sidecars of a database with it', (context) => {
  const root = temporaryFolder(context);
  put(root, ['x.sqlite', 'x.sqlite-wal', 'x.sqlite-shm', 'odd-wal', 'notes', 'notes-journal']);
  const filter = { decide: (): Decision => 'take' };
  const report = { skipped: () => assert.fail(), unreadable: () => assert.fail() };
  const found = [...walkSource(byteStringOf(root), filter, report)].map((entry) =>
    [pathOfKey(entry.key), entry.sidecars.map(({ suffix }) => suffix).join(''), entry.sidecarOf ?? ''].join(
      '|',
    ),
  );
  assert.deepEqual(found, [
    '||',
    'notes|-journal|',
    'notes-journal||notes',
    'odd-wal||',
    'x.sqlite|-wal-shm|',
    'x.sqlite-shm||x.sqlite',
    'x.sqlite-wal||x.sqlite',
  ]);
});

test('walkSource() reports a folder that cannot be read, and goes on', (context: TestContext) => {
  if (process.getuid?.() !== 0) return context.skip('needs to become somebody else');
  const root = temporaryFolder(context);
  spawnSync('chmod', ['755', root]);
  mkdirSync(join(root, 'closed'), { mode: 0o700 });
  put(root, ['closed/x', 'open']);
  process.seteuid?.(65_534);
  try {
    const { given, reported } = walk(root);
    assert.deepEqual(given, ['/', 'closed/', 'open']);
    assert.deepEqual(reported, ['closed: EACCES']);
  } finally {
    process.seteuid?.(0);
  }
});
