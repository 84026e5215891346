import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import JSON5 from 'json5';
import type { JsonChange, JsonDiff } from '../../../src/diff/content-diff.ts';
import { diffJson } from '../../../src/diff/diff-json.ts';

function jsonDiff(before: string, after: string): JsonDiff {
  const diff = diffJson(before, after);
  assert.ok(diff.kind === 'json', JSON.stringify(diff));
  return diff;
}

function changesOf(before: unknown, after: unknown): readonly JsonChange[] {
  return jsonDiff(JSON.stringify(before), JSON.stringify(after)).changes;
}

/** Changes of one member or element, seen from there. */
function below(changes: readonly JsonChange[], key: string | number): JsonChange[] {
  const inner = changes.filter(
    ({ path, change }) => path[0] === key && (path.length > 1 || change === 'changed'),
  );
  return inner.map((change) => ({ ...change, path: change.path.slice(1) }));
}

function applyChanges(value: unknown, changes: readonly JsonChange[]): unknown {
  const whole = changes.find(({ path }) => path.length === 0);
  if (whole !== undefined) return whole.after;
  if (changes.length === 0) return value;
  if (Array.isArray(value)) return applyToArray(value, changes);
  assert.ok(typeof value === 'object' && value !== null);
  const direct = changes.filter(({ path }) => path.length === 1);
  const gone = new Set(direct.filter(({ change }) => change === 'removed').map(({ path }) => path[0]));
  const members = Object.entries(value)
    .filter(([key]) => !gone.has(key))
    .map(([key, member]) => [key, applyChanges(member, below(changes, key))] as const);
  const added = direct.filter(({ change }) => change === 'added');
  return Object.fromEntries([...members, ...added.map(({ path, after }) => [path[0], after] as const)]);
}

function applyToArray(value: readonly unknown[], changes: readonly JsonChange[]): unknown[] {
  const direct = changes.filter(({ path }) => path.length === 1);
  const placed = new Map<number, unknown>();
  const taken = new Set<number>();
  for (const { path, change, after, from } of direct) {
    const at = path[0] as number;
    if (change === 'added') placed.set(at, after);
    if (change === 'removed') taken.add(at);
    if (change === 'moved') {
      taken.add(from!);
      placed.set(at, value[from!]);
    }
  }
  const rest = value.filter((_, at) => !taken.has(at));
  const length = rest.length + placed.size;
  const result = Array.from({ length }, (_, at) => (placed.has(at) ? placed.get(at) : rest.shift()));
  return result.map((element, at) => applyChanges(element, below(changes, at)));
}

const scalar = fc.constantFrom<unknown>(0, 1, 'a', 'b', '', null, true, 1.5);
const { value: someJson } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    fc.array(scalar, { maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'id', 'name', '0', '__proto__', 'toString'), tie('value'), {
      maxKeys: 4,
    }),
    fc.uniqueArray(fc.record({ id: fc.constantFrom('x', 'y', 'z', 1, 2), to: tie('value') }), {
      selector: ({ id }) => id,
      maxLength: 5,
    }),
  ),
}));
const asText = (value: unknown) => JSON5.stringify(value);

test('diffJson() gives changes that make the newer value of the older', () => {
  const check = (before: unknown, after: unknown) => {
    const [old, now] = [JSON5.parse(asText(before)), JSON5.parse(asText(after))];
    const diff = jsonDiff(asText(before), asText(after));
    assert.equal(diff.moreChanges, 0);
    assert.deepEqual(applyChanges(old, diff.changes), now);
    if (diff.changes.length === 0) assert.deepEqual(old, now);
  };
  fc.assert(fc.property(someJson, someJson, check), { numRuns: 1000 });
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), check), { numRuns: 300 });
});

test('diffJson() gives no changes for equal values', () => {
  fc.assert(
    fc.property(someJson, (value) => {
      assert.deepEqual(jsonDiff(asText(value), JSON5.stringify(value, null, 2)).changes, []);
    }),
  );
});

test('diffJson() names the key that changed', () => {
  const before = { gateway: { port: 18789, mode: 'local' } };
  const after = { gateway: { port: 18790, mode: 'local', bind: 'loopback' } };
  assert.deepEqual(changesOf(before, after), [
    { path: ['gateway', 'port'], change: 'changed', before: 18789, after: 18790 },
    { path: ['gateway', 'bind'], change: 'added', after: 'loopback' },
  ]);
});

test('diffJson() matches elements by id and says what moved', () => {
  const before = [{ id: 'main' }, { id: 'work', model: 'b' }, { id: 'tools' }, { id: 'old' }];
  const after = [{ id: 'new' }, { id: 'work', model: 'c' }, { id: 'tools' }, { id: 'main' }];
  assert.deepEqual(changesOf({ list: before }, { list: after }), [
    { path: ['list', 3], change: 'removed', before: { id: 'old' } },
    { path: ['list', 0], change: 'added', after: { id: 'new' } },
    { path: ['list', 1, 'model'], change: 'changed', before: 'b', after: 'c' },
    { path: ['list', 3], change: 'moved', from: 0, before: before[0], after: after[3] },
  ]);
});

test('diffJson() compares arrays of scalars by what they have in common', () => {
  assert.deepEqual(changesOf(['a', 'b', 'c'], ['a', 'x', 'b', 'c']), [
    { path: [1], change: 'added', after: 'x' },
  ]);
  assert.deepEqual(changesOf([1, 2, 3], [1, 5, 3]), [{ path: [1], change: 'changed', before: 2, after: 5 }]);
  assert.deepEqual(changesOf([1, 2, 3], [3, 1, 2]), [
    { path: [0], change: 'moved', from: 2, before: 3, after: 3 },
  ]);
});

test('diffJson() looks into an element without a name that took the place of one', () => {
  const changes = changesOf([{ url: 'a', n: 1 }, 5], [7, 8, { url: 'a', n: 2 }, 5].slice(2));
  assert.deepEqual(changes, [{ path: [0, 'n'], change: 'changed', before: 1, after: 2 }]);
});

test('diffJson() tells changes of form apart', () => {
  const form = (before: string, after: string) => jsonDiff(before, after).formOnly;
  assert.equal(form('{a: 1, b: 2}', '{a: 1, b: 2}'), undefined);
  assert.equal(form('{a: 1, b: 2}', '{\n  "a": 1,\n  "b": 2,\n}\n'), 'spaces');
  assert.equal(form('{"a": 1, "b": {"c": 1, "d": 2}}', '{"a": 1, "b": {"d": 2, "c": 1}}'), 'order');
  assert.equal(form('{a: 1} // one', '{a: 1} // uno'), 'comments');
  assert.equal(form('{a: "// no comment"}', '{a: /* c */ "// no comment"}'), 'comments');
  assert.equal(form('{a: 1}', '{a: 2} // two'), undefined);
});

test('diffJson() shows a version that is not there as a whole', () => {
  assert.deepEqual(diffJson(undefined, '{"a": 1}'), {
    kind: 'json',
    changes: [{ path: [], change: 'added', after: { a: 1 } }],
    moreChanges: 0,
    formOnly: undefined,
  });
  const gone = diffJson('[1]', undefined);
  assert.ok(gone.kind === 'json');
  assert.deepEqual(gone.changes, [{ path: [], change: 'removed', before: [1] }]);
});

test('diffJson() gives a note without any of the text for what does not parse', () => {
  const diff = diffJson('{"a": 1}', '{"token": sk-secret}');
  assert.deepEqual(diff, { kind: 'note', message: 'the newer version cannot be compared as JSON: not JSON' });
  assert.equal(diffJson('', '{}').kind, 'note');
});

test('diffJson() does not take numbers for equal that only round to the same', () => {
  assert.equal(diffJson('{"id": 12345678901234567891}', '{"id": 12345678901234567892}').kind, 'note');
  assert.equal(diffJson('[1e400]', '[1e500]').kind, 'note');
  assert.equal(jsonDiff('{$E: 1, abcdefghijklmnopq: -Infinity}', '{}').changes.length, 2);
  assert.equal(jsonDiff('[0]', '[-0]').changes.length, 1);
  const kept = jsonDiff('[12345678901234567891, 1]', '[12345678901234567891, 2]');
  assert.deepEqual(kept.changes, [{ path: [1], change: 'changed', before: 1, after: 2 }]);
  assert.equal(jsonDiff('{"cost": 0.0012345000000000001}', '{"cost": 0.5}').changes.length, 1);
});

test('diffJson() finds the elements that differ in an array of very many', () => {
  const long = (last: number, other = 7) =>
    `{"a": [${'7,'.repeat(100_000)}${last}${`,${other}`.repeat(100_000)}]}`;
  assert.deepEqual(jsonDiff(long(1), long(2)).changes, [
    { path: ['a', 100_000], change: 'changed', before: 1, after: 2 },
  ]);
  assert.equal(jsonDiff(long(1), ` ${long(1)}`).formOnly, 'spaces');
  const whole = jsonDiff(long(1), long(2, 8)).changes.map(({ path, change }) => ({ path, change }));
  assert.deepEqual(whole, [{ path: ['a'], change: 'changed' }], 'too many of them');
  const objects = (last: number) => `[${'{"a":1},'.repeat(200_000)}{"a":${last}}]`;
  assert.equal(jsonDiff(objects(1), objects(2)).changes.length, 1);
});

test('diffJson() refuses more values than it can compare in bounded memory', () => {
  const diff = diffJson('[]', `[${'{},'.repeat(5_000_000)}1]`);
  assert.deepEqual(diff, {
    kind: 'note',
    message: 'the newer version cannot be compared as JSON: more than 750000 keys and values',
  });
});

test('diffJson() lists at most 1,000 changes', () => {
  const diff = jsonDiff(
    '{}',
    JSON.stringify(Object.fromEntries(Array.from({ length: 1500 }, (_, at) => [`k${at}`, at]))),
  );
  assert.equal(diff.changes.length, 1000);
  assert.equal(diff.moreChanges, 500);
});

test('diffJson() compares 1,000 levels and refuses more, in bounded time', () => {
  const nest = (depth: number, core: string) => `${'['.repeat(depth)}${core}${']'.repeat(depth)}`;
  assert.equal(jsonDiff(nest(1000, '1'), nest(1000, '2')).changes[0]?.path.length, 1000);
  const objects = (core: string) => `${'{"a":'.repeat(999)}${core}${'}'.repeat(999)}`;
  assert.equal(jsonDiff(objects('1'), objects('2')).changes[0]?.path.length, 999);
  const bomb = diffJson(nest(1, ''), nest(4_000_000, ''));
  assert.deepEqual(bomb, {
    kind: 'note',
    message: 'the newer version cannot be compared as JSON: nested more than 1000 levels deep',
  });
  const wide = (last: number) => nest(500, `${'7,'.repeat(40_000)}${last}`);
  const started = performance.now();
  assert.equal(jsonDiff(wide(1), wide(2)).changes.length, 1);
  assert.ok(performance.now() - started < 2000);
});
