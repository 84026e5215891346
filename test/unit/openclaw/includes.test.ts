import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { discoverHome } from '../../../src/openclaw/discovery.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/** What is included (relative to the home) and the problems, for files below `.openclaw`; `-> x` is a link to x. */
function include(
  context: TestContext,
  config: unknown,
  files: Readonly<Record<string, string>> = {},
  roots = '',
) {
  const home = temporaryFolder(context);
  const all = { 'openclaw.json': JSON.stringify(config), ...files };
  for (const [path, content] of Object.entries(all)) {
    const at = join(home, '.openclaw', path);
    mkdirSync(dirname(at), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), at);
    else writeFileSync(at, content);
  }
  const env = { OPENCLAW_INCLUDE_ROOTS: roots };
  const { includes, problems } = discoverHome({ env, osHome: home });
  return { includes: includes.map((path) => relative(join(home, '.openclaw'), path)), problems };
}

/** a0 includes a1, and so on; the last includes nothing. */
function chain(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `a${index}.json`,
      index + 1 < count ? `{"$include": "a${index + 1}.json"}` : '{}',
    ]),
  );
}

test('findIncludes() goes ten files deep', (context) => {
  const ten = include(context, { $include: 'a0.json' }, chain(10));
  assert.equal(ten.includes.length, 10);
  assert.deepEqual(ten.problems, []);
  const eleven = include(context, { $include: 'a0.json' }, chain(11));
  assert.equal(eleven.includes.length, 10);
  assert.match(eleven.problems.join(), /a10\.json, which is not followed: it is more than 10 files deep$/);
});

test('findIncludes() names a file once that is included twice, also by a link', (context) => {
  const files = { 'one.json': '{}', 'link.json': '-> one.json' };
  const { includes, problems } = include(context, { $include: ['one.json', 'one.json', 'link.json'] }, files);
  assert.deepEqual([includes, problems], [['one.json'], []]);
});

test('findIncludes() finds includes in arrays and below other includes', (context) => {
  const config = { agents: { list: [{ $include: './a.json' }], $include: 'sub/b.json' }, $include: 7 };
  const { includes } = include(context, config, {
    'a.json': '{}',
    'sub/b.json': '[{"$include": "c.json"}]',
    'sub/c.json': '5',
  });
  assert.deepEqual(includes.toSorted(), ['a.json', 'sub/b.json', 'sub/c.json']);
});

test('findIncludes() follows a file whose name begins with dots', (context) => {
  const { includes, problems } = include(context, { $include: '..keys/a.json' }, { '..keys/a.json': '{}' });
  assert.deepEqual([includes, problems], [['..keys/a.json'], []]);
});

test('findIncludes() keeps an included file that does not parse, and says so', (context) => {
  const { includes, problems } = include(context, { $include: 'bad.json' }, { 'bad.json': '{\n' });
  assert.deepEqual(includes, ['bad.json']);
  assert.match(problems.join(), /^The included file .*bad\.json does not parse: .*2:1/);
});

test('findIncludes() follows out of the folder only to OPENCLAW_INCLUDE_ROOTS', (context) => {
  const root = temporaryFolder(context);
  const other = temporaryFolder(context);
  for (const folder of [root, other]) writeFileSync(join(folder, 'x.json'), '{}');
  const config = { $include: [join(root, 'x.json'), join(other, 'x.json')] };
  const { includes, problems } = include(context, config, {}, `:${root}:/nowhere`);
  assert.equal(includes.length, 1);
  assert.match(problems.join(), /it lies outside the folders that may be included$/);
});

test('findIncludes() looks at where a link leads', (context) => {
  const outside = join(temporaryFolder(context), 'x.json');
  writeFileSync(outside, '{}');
  const { includes, problems } = include(
    context,
    { $include: 'link.json' },
    { 'link.json': `-> ${outside}` },
  );
  assert.deepEqual(includes, []);
  assert.match(problems.join(), /outside/);
});

for (const [what, name, reason] of [
  ['a folder', '.', /there is no such file$/],
  ['a file below a file', 'openclaw.json/x', /there is no such file$/],
  ['the configuration itself', 'openclaw.json', /it includes itself$/],
  ['a path of 4096 characters', 'x/'.repeat(2048), /its path is too long$/],
  ['a name of 300 characters', 'x'.repeat(300), /which is not followed: /],
  ['a link to itself', 'loop.json', /which is not followed: /],
  ['a zero byte', 'a\0b', /which is not followed: /],
] as const) {
  test(`findIncludes() says why it does not follow ${what}`, (context) => {
    const { includes, problems } = include(context, { $include: name }, { 'loop.json': '-> loop.json' });
    assert.deepEqual(includes, []);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', reason);
  });
}

test('findIncludes() does not read files of more than 2 MiB', (context) => {
  const text = (bytes: number): string => `"${'x'.repeat(bytes - 2)}"`;
  const files = { 'at.json': text(2 ** 21), 'over.json': text(2 ** 21 + 1) };
  const { includes, problems } = include(context, { $include: ['at.json', 'over.json'] }, files);
  assert.deepEqual(includes, ['at.json']);
  assert.match(problems.join(), /over\.json, which is not followed: it is larger than 2 MiB$/);
});

test('findIncludes() looks through a configuration however deep it is', (context) => {
  const depth = 100_000;
  const files = {
    'a.json': '{}',
    'openclaw.json': `{"x": ${'['.repeat(depth)}{"$include": "a.json"}${']'.repeat(depth)}}`,
  };
  const { includes, problems } = include(context, {}, files);
  assert.deepEqual([includes, problems], [['a.json'], []]);
});
