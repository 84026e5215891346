import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileGlobs } from '../../../src/walker/globs.ts';
import { Seeded } from '../../helpers/seeded.ts';

for (const [pattern, matching, others] of [
  ['*.log', ['a.log', 'deep/er/b.log', '.log'], ['a.logs', 'log']],
  ['logs', ['logs', 'a/logs', 'logs/x', 'a/logs/x/y'], ['logs2', 'xlogs']],
  ['/logs', ['logs', 'logs/x'], ['a/logs']],
  ['logs/**', ['logs/x', 'logs/x/y'], ['a/logs/x']],
  ['workspace/*.md', ['workspace/a.md'], ['workspace/b/a.md', 'a.md', 'workspace/a.txt']],
  ['workspace/**/*.md', ['workspace/a.md', 'workspace/b/c/a.md'], ['a.md']],
  ['**/node_modules/', ['x/node_modules/y'], []],
  [
    'agents/{main,work}/sessions',
    ['agents/main/sessions/a.jsonl', 'agents/work/sessions'],
    ['agents/other/sessions'],
  ],
  ['*.sqlite?(3)', ['a.sqlite', 'b/a.sqlite3'], ['a.sqlite4']],
  ['[ab].txt', ['a.txt', 'x/b.txt'], ['c.txt']],
  ['./a/b', ['a/b', 'a/b/c'], ['x/a/b']],
  ['메모.md', ['메모.md', 'x/메모.md'], ['메모']],
] as const) {
  test(`compileGlobs() ${pattern}`, () => {
    const { matches } = compileGlobs([pattern]);
    for (const path of matching) assert.ok(matches(path, false), `${pattern} matches ${path}`);
    for (const path of others) assert.ok(!matches(path, false), `${pattern} does not match ${path}`);
  });
}

test('compileGlobs() takes a slash at the end for folders only', () => {
  const { matches } = compileGlobs(['cache/']);
  assert.ok(matches('cache', true));
  assert.ok(!matches('cache', false));
  assert.ok(matches('cache/x', false), 'what is in the folder');
});

test('compileGlobs() without patterns matches nothing', () => {
  const { matches, mayContain } = compileGlobs([]);
  assert.equal(matches('a', false), false);
  assert.equal(mayContain('a'), false);
});

test('compileGlobs() refuses patterns that are empty or too long', () => {
  assert.throws(() => compileGlobs(['']), /is empty/);
  assert.throws(() => compileGlobs(['/']), /is empty/);
  assert.throws(() => compileGlobs(['a'.repeat(100_000)]), /too long/);
});

/** A folder that `mayContain` denies is never entered: a wrong no would lose files. */
test('mayContain() never denies a folder that holds a match', () => {
  const random = new Seeded(11);
  const pick = <T>(items: readonly T[]): T => items[random.bytes(1)[0]! % items.length]!;
  const names = ['a', 'b', 'c.md'];
  const parts = ['a', 'b', '*', '**', 'c.md', '*.md', '{a,b}'];
  const join = (count: number, from: readonly string[]) =>
    Array.from({ length: count }, () => pick(from)).join('/');
  let matched = 0;
  for (let round = 0; round < 3000; round++) {
    const pattern = join(1 + (round % 4), parts);
    const path = join(2 + (round % 3), names);
    const globs = compileGlobs([pattern]);
    if (!globs.matches(path, false)) continue;
    matched++;
    const folders = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= folders.length; depth++) {
      const folder = folders.slice(0, depth).join('/');
      const isEntered = globs.matches(folder, true) || globs.mayContain(folder);
      assert.ok(isEntered, `${pattern} matches ${path}, but ${folder} is denied`);
    }
  }
  assert.ok(matched > 300, `${matched} matches`);
});
