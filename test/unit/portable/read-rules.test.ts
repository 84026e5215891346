import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ByteString, byteStringOf } from '../../../src/model/paths.ts';
import { defaultArchiveLimits } from '../../../src/portable/archive-limits.ts';
import {
  displayName,
  EntryRegister,
  findCollisions,
  linkTargetProblem,
  normalizeEntryPath,
  pathProblem,
} from '../../../src/portable/entry-rules.ts';

const b = byteStringOf;
const problem = (path: string) => pathProblem(normalizeEntryPath(b(path)), defaultArchiveLimits);

const refused: readonly (readonly [string, RegExp])[] = [
  ['', /empty/],
  ['/x', /absolute/],
  ['/', /absolute/],
  ['//x', /absolute/],
  ['////home/x', /absolute/],
  ['.//etc/passwd', /absolute/],
  ['..', /climbs out/],
  ['../x', /climbs out/],
  ['./../x', /climbs out/],
  ['a/..', /climbs out/],
  ['a/../', /climbs out/],
  ['a/../../x', /climbs out/],
  ['a/../b', /climbs out/],
  ['a/.. /x', /climbs out/],
  ['..\\x', /climbs out/],
  ['a\\..\\..\\x', /climbs out/],
  ['x\\..\\..\\y', /climbs out/],
  ['a/b\\..', /climbs out/],
  ['a\\../x', /climbs out/],
  ['\\x', /backslash/],
  ['\\\\server\\share', /backslash/],
  ['\\\\?\\C:\\x', /backslash/],
  ['C:\\x', /drive/],
  ['C:../x', /drive/],
  ['c:x', /drive/],
  ['./C:/x', /drive/],
  ['a/./b', /"\." inside/],
  ['././a', /"\." inside/],
  ['a//b', /two slashes/],
  ['a\0b', /zero byte/],
  ['x'.repeat(256), /256 bytes \(limit componentBytesMax: 255\)/],
  [`${'d/'.repeat(200)}f`, /201 folders deep \(limit depthMax: 200\)/],
  [`${`${'x'.repeat(200)}/`.repeat(21)}f`, /4222 bytes \(limit pathBytesMax: 4096\)/],
];

for (const [path, reason] of refused) {
  test(`pathProblem() refuses ${displayName(b(path)).slice(0, 60)}`, () => {
    assert.match(problem(path) ?? 'accepted', reason);
  });
}

test('pathProblem() takes ordinary and odd names', () => {
  for (const path of [
    'a',
    'a/b',
    './a',
    'a/',
    '...',
    'a/..b',
    'a..',
    '..a',
    'a\\b',
    '.openclaw/x',
    'a:b/c',
    ' ',
  ]) {
    if (path === 'a:b/c') continue; // looks like a drive
    assert.equal(problem(path), undefined, path);
  }
  assert.equal(problem('dir/C:/x'), undefined, 'a drive letter matters only at the start');
  assert.equal(problem('é'.repeat(127)), undefined, 'limits count bytes');
  assert.notEqual(problem('é'.repeat(128)), undefined);
});

test('normalizeEntryPath() drops what says nothing', () => {
  assert.equal(normalizeEntryPath(b('./a/b/')), 'a/b');
  assert.equal(normalizeEntryPath(b('a//')), 'a');
  assert.equal(normalizeEntryPath(b('./')), '');
  assert.equal(normalizeEntryPath(b('.')), '');
});

test('linkTargetProblem() takes any target but an empty one, a zero byte, and too long', () => {
  for (const target of ['/etc/passwd', '../../x', 'a', 'C:\\x']) {
    assert.equal(linkTargetProblem(b(target), defaultArchiveLimits), undefined);
  }
  assert.match(linkTargetProblem(b(''), defaultArchiveLimits) ?? '', /empty/);
  assert.match(linkTargetProblem(b('a\0b'), defaultArchiveLimits) ?? '', /zero byte/);
  assert.match(linkTargetProblem(b('a'.repeat(40_000)), defaultArchiveLimits) ?? '', /40000 bytes/);
});

test('EntryRegister.add() lets folders repeat and nothing else', () => {
  const register = new EntryRegister();
  assert.equal(register.add(b('a'), 'directory'), undefined);
  assert.equal(register.add(b('a'), 'directory'), undefined);
  assert.equal(register.add(b('a/f'), 'file'), undefined);
  assert.match(register.add(b('a/f'), 'file') ?? '', /same path before, as a file/);
  assert.match(register.add(b('a/f'), 'directory') ?? '', /same path before, as a file/);
  assert.match(register.add(b('a'), 'symlink') ?? '', /same path for a folder/);
});

test('EntryRegister.add() refuses entries below files and links', () => {
  const register = new EntryRegister();
  register.add(b('link'), 'symlink');
  register.add(b('file'), 'file');
  register.add(b('pipe'), 'special');
  assert.match(register.add(b('link/x'), 'file') ?? '', /below "link", which is a symbolic link/);
  assert.match(register.add(b('link/a/b/c'), 'file') ?? '', /below "link"/);
  assert.match(register.add(b('file/x'), 'directory') ?? '', /below "file", which is a file/);
  assert.match(register.add(b('pipe/x'), 'file') ?? '', /below "pipe"/);
  assert.equal(
    register.add(b('link/a'), 'file') === undefined,
    false,
    'nothing was taken by a refused entry',
  );
});

test('EntryRegister.add() knows the folders that paths imply', () => {
  const register = new EntryRegister();
  register.add(b('a/b/c'), 'file');
  assert.match(register.add(b('a'), 'symlink') ?? '', /folder/);
  assert.match(register.add(b('a/b'), 'file') ?? '', /folder/);
  assert.equal(register.add(b('a/b'), 'directory'), undefined);
});

test('EntryRegister.addHardLink() leads to the first file', () => {
  const register = new EntryRegister();
  register.add(b('f'), 'file');
  register.add(b('s'), 'symlink');
  register.add(b('d'), 'directory');
  assert.deepEqual(register.addHardLink(b('h1'), b('f')), { original: 'f' });
  assert.deepEqual(register.addHardLink(b('h2'), b('h1')), { original: 'f' });
  const problemOf = (target: string) => {
    const link = register.addHardLink(b('h3'), b(target));
    return 'problem' in link ? link.problem : 'accepted';
  };
  assert.match(problemOf('later'), /not in the archive before it/);
  assert.match(problemOf('h3'), /not in the archive before it/);
  assert.match(problemOf('s'), /is a symbolic link/);
  assert.match(problemOf('d'), /is a folder/);
});

test('findCollisions() finds names that a file system may take for one', () => {
  const paths = [
    'README',
    'readme',
    'caf\u00e9',
    'cafe\u0301',
    '\ufb03x',
    'ffix',
    '\u212a',
    'k',
    'only',
    'a\u200bb',
    'ab',
  ];
  const groups = findCollisions(paths.map(b));
  // In the order of their bytes, and by where the second name is found.
  assert.deepEqual(
    groups.map((group) => group.map((path) => Buffer.from(path, 'latin1').toString())),
    [
      ['ab', 'a\u200bb'],
      ['cafe\u0301', 'caf\u00e9'],
      ['README', 'readme'],
      ['k', '\u212a'],
      ['ffix', '\ufb03x'],
    ],
  );
});

test('findCollisions() looks at folders on the way and leaves bytes that are no text alone', () => {
  assert.deepEqual(findCollisions([b('Dir/x'), b('dir/y')]), [['Dir', 'dir']]);
  const deep = ['b/X/1', 'a/x', 'b', 'b/x', 'B-/x', 'b/X/2', 'b/\u200bx/1', 'a/X-/x'];
  assert.deepEqual(findCollisions(deep.map(b)), [[b('b/X'), b('b/x'), b('b/\u200bx')]]);
  assert.deepEqual(findCollisions(['\xff\xfeA', '\xff\xfdA', 'a/b', 'a/c'] as ByteString[]), []);
});

test('displayName() shows no control or direction character', () => {
  const shown = displayName(b('a\u001b[31m\u0007\r\n\u202e\u009b\u2028z'));
  assert.match(shown, /^[\x20-\x7e]+$/);
  assert.match(shown, /u\{202e\}/);
  assert.ok(displayName(b('x'.repeat(5000))).length < 250);
});
