import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/model/errors.ts';
import { compileGlobs } from '../../../src/walker/globs.ts';
import { Seeded } from '../../helpers/seeded.ts';

for (const [what, pattern, matching, others] of [
  ['a star stays in one name', 'a/*/c', ['a/b/c', 'a/.b/c'], ['a/c', 'a/b/b/c']],
  ['a star takes dot files', '*', ['.env', 'a/.env'], []],
  ['a dot is only a dot', '*.md', ['.md', 'a.b.md'], ['amd']],
  ['two stars take any number of folders', 'a/**/z', ['a/z', 'a/.b/z', 'a/b/c/z'], ['z', 'b/a/z']],
  ['two stars at the front', '**/z', ['z', 'a/b/z', 'z/x'], ['az']],
  ['two stars alone', '**', ['a', '.a', 'a/b'], []],
  ['two stars within a name are one', 'a**z/x', ['abz/x'], ['a/b/z/x']],
  ['letters as they are written', 'Logs', ['Logs'], ['logs', 'LOGS']],
  ['alternatives', '*.{jpg,png}', ['a.jpg', 'x/b.png'], ['a.gif', 'a.{jpg,png}']],
  ['alternatives with slashes', '{a/b,c}/x', ['a/b/x', 'c/x'], ['a/x', 'b/x']],
  ['alternatives in alternatives', '/{a,{b,c/d}}/x', ['a/x', 'b/x', 'c/d/x'], ['c/x']],
  ['one name or another', '@(a|b)/x', ['a/x', 'b/x'], ['c/x']],
  ['a question mark is one character', 'a?.md', ['ab.md', 'a..md'], ['a.md', 'a/.md', 'abc.md']],
  ['a backslash takes away a meaning', 'a\\*', ['a*'], ['ab', 'a\\*']],
  ['two backslashes are one', 'a\\\\b', ['a\\b'], ['a/b']],
  ['brackets taken literally', '\\[a\\].md', ['[a].md'], ['a.md']],
  ['a class that is never closed', '[a', ['[a'], ['a']],
  ['an exclamation mark is a character', '!a', ['!a'], ['a', 'b']],
  ['a hash is a character', '#a', ['#a'], ['a']],
  ['blanks around it', '  *.log\t', ['a.log'], []],
  ['a slash at the front after blanks', ' /a', ['a'], ['b/a']],
  ['blanks inside', 'my notes', ['my notes', 'x/my notes/y'], ['my', 'notes']],
  ['a newline in what matches', '*.log', ['a\nb.log', 'a\nb/c.log'], []],
  ['a newline on the way', '/a/**/z', ['a/x\ny/z'], ['a/x\ny']],
] as const) {
  test(`compileGlobs() ${what}: ${pattern}`, () => {
    const { matches } = compileGlobs([pattern]);
    for (const path of matching) assert.ok(matches(path, false), `matches ${JSON.stringify(path)}`);
    for (const path of others) assert.ok(!matches(path, false), `does not match ${JSON.stringify(path)}`);
  });
}

test('compileGlobs() takes several slashes at the end as one', () => {
  const { matches } = compileGlobs(['a/b//']);
  assert.ok(matches('a/b', true));
  assert.ok(!matches('a/b', false));
});

test('compileGlobs() matches what any of its patterns matches', () => {
  const { matches } = compileGlobs(['/a', '*.log']);
  assert.deepEqual(
    ['a', 'a/x', 'b/c.log', 'b/a'].map((path) => matches(path, false)),
    [true, true, true, false],
  );
});

for (const [what, pattern] of [
  ['nothing', ''],
  ['blanks', ' \t'],
  ['slashes', '//'],
  ['a dot and a slash', './'],
  ['1001 characters', 'a'.repeat(1001)],
] as const) {
  test(`compileGlobs() refuses ${what}`, () => assert.throws(() => compileGlobs([pattern]), UsageError));
}

test('compileGlobs() takes a pattern of 1000 characters', () => {
  assert.ok(compileGlobs(['a'.repeat(1000)]).matches('a'.repeat(1000), false));
});

for (const [pattern, entered, denied] of [
  ['/a/b/c', ['a', 'a/b'], ['b', 'a/c', 'a/b/c/d']],
  ['a/*/c', ['a', 'a/x'], ['b', 'b/x']],
  ['c', ['a', 'a/b'], []],
  ['**/c', ['a', 'a/b'], []],
  ['a/**/c', ['a', 'a/b', 'a/b/b'], ['b', 'b/a']],
  ['{a/b,c}/x', ['a', 'a/b', 'c'], []],
  ['a/{b/c,d}/x', ['a', 'a/b', 'a/b/c', 'a/d'], ['b', 'd']],
  ['a/@(b/c|d)/x', ['a', 'a/b', 'a/b/c', 'a/d'], ['b']],
] as const) {
  test(`mayContain() ${pattern}`, () => {
    const { mayContain } = compileGlobs([pattern]);
    for (const folder of entered) assert.ok(mayContain(folder), `${folder} is entered`);
    for (const folder of denied) assert.ok(!mayContain(folder), `${folder} is not`);
  });
}

test('mayContain() never denies a folder that holds a match, whatever the pattern is made of', () => {
  const random = new Seeded(4);
  const tokens = ['a', 'b', '.', '*', '**', '/', '/', '/', '{a,b}', '{a/b,b}', '@(a|b/a)', '?', '[ab]', '\\'];
  const names = ['a', 'b', 'ab', '.a', 'a.b'];
  let matched = 0;
  for (let round = 0; round < 4000; round++) {
    const pattern = Array.from(
      { length: 1 + random.below(7) },
      () => tokens[random.below(tokens.length)],
    ).join('');
    if (/^[/.\s]*$/.test(pattern)) continue;
    const globs = compileGlobs([pattern]);
    for (let count = 0; count < 4; count++) {
      const parts = Array.from({ length: 2 + random.below(3) }, () => names[random.below(names.length)]);
      if (!globs.matches(parts.join('/'), false)) continue;
      matched++;
      for (let depth = 1; depth < parts.length; depth++) {
        const folder = parts.slice(0, depth).join('/');
        const isEntered = globs.matches(folder, true) || globs.mayContain(folder);
        assert.ok(isEntered, `${pattern} matches ${parts.join('/')}, but ${folder} is denied`);
      }
    }
  }
  assert.ok(matched > 1000, `${matched} matches`);
});
