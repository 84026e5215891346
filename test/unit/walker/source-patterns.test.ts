import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UsageError } from '../../../src/model/errors.ts';
import { expandSourcePatterns } from '../../../src/walker/globs.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/** What patterns stand for in a folder with a few odd names; relative to it where they are below it. */
function expand(context: TestContext, patterns: readonly string[], isAbsolute = false): string[] {
  const root = temporaryFolder(context);
  for (const folder of ['a1', 'a2', '.hidden', '[a1]', 'b*', 'b2']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'a1/x'), '');
  symlinkSync('a1', join(root, 'a3'));
  const given = isAbsolute ? patterns.map((pattern) => join(root, pattern)) : patterns;
  return expandSourcePatterns(given, root).map((path) =>
    path.startsWith(root) ? relative(root, path) : path,
  );
}

for (const isAbsolute of [true, false]) {
  const how = isAbsolute ? 'absolute' : 'relative to the folder given';
  test(`expandSourcePatterns() gives what matches, in order, each link for itself: ${how}`, (context) => {
    assert.deepEqual(expand(context, ['a*'], isAbsolute), ['a1', 'a2', 'a3']);
    assert.deepEqual(expand(context, ['*hidden', '{a2,a1}'], isAbsolute), ['.hidden', 'a1', 'a2']);
  });

  test(`expandSourcePatterns() takes a name that exists for that name: ${how}`, (context) => {
    assert.deepEqual(expand(context, ['[a1]', 'b*'], isAbsolute), ['[a1]', 'b*']);
  });

  test(`expandSourcePatterns() leaves a plain name that is not there to the walk: ${how}`, (context) => {
    assert.deepEqual(expand(context, ['gone'], isAbsolute), ['gone']);
  });
}

test('expandSourcePatterns() refuses a pattern that matches nothing', (context) => {
  assert.throws(() => expand(context, ['z*']), UsageError);
});
