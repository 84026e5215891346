import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asRecord, asText, parseJson5, recordAt, textAt } from '../../../src/openclaw/json5.ts';
import { lineOfJson5, locateJson5 } from '../../../src/openclaw/json5-positions.ts';

for (const [what, text, value] of [
  ['JSON', '{"a": [1, null]}', { a: [1, null] }],
  ['comments', '/* a */ {a: 1} // b', { a: 1 }],
  ['commas at the end', '{a: [1,],}', { a: [1] }],
  ['single quotes', `{'a': 'it"s'}`, { a: 'it"s' }],
  ['a text over two lines', `{a: 'b\\\nc'}`, { a: 'bc' }],
  ['numbers', '[+1, .5, 5., 0xff, Infinity]', [1, 0.5, 5, 255, Number.POSITIVE_INFINITY]],
  ['a mark of byte order before JSON', '\ufeff{"a": 1}', { a: 1 }],
  ['a mark of byte order before JSON5', '\ufeff{a: 1}', { a: 1 }],
  ['carriage returns', '{\r\n a: 1,\r\n}', { a: 1 }],
  ['a key twice: the last one', '{a: 1, a: 2}', { a: 2 }],
] as const) {
  test(`parseJson5() ${what}`, () => assert.deepEqual(parseJson5(text), value));
}

for (const [what, text, line, column] of [
  ['nothing', '', 1, 1],
  ['an object that is not closed', '{\n  a: 1,\n', 3, 1],
  ['a comma too many', '{\n  a: 1,,\n}', 2, 8],
  ['two values', '{}\n\n  {}', 3, 3],
  ['a text that is not closed', '{\n\n  a: "b', 3, 8],
  ['a key that is a number', '{1: 2}', 1, 2],
  ['after a comment of two lines', '/*\n*/ {a: ?}', 2, 8],
  ['JSON with a mistake', '{\n  "a": 1\n  "b": 2\n}', 3, 3],
] as const) {
  test(`parseJson5() says where the mistake is: ${what}`, () => {
    assert.throws(
      () => parseJson5(text),
      (error: unknown) => {
        assert.ok(error instanceof SyntaxError);
        const { lineNumber, columnNumber } = error as unknown as Record<string, unknown>;
        assert.deepEqual([lineNumber, columnNumber], [line, column], error.message);
        assert.ok(error.message.endsWith(`${line}:${column}`), error.message);
        return true;
      },
    );
  });
}

for (const text of ['{"__proto__": {"polluted": "yes"}}', "{'__proto__': {polluted: 'yes'}}"]) {
  test(`parseJson5() makes a key of __proto__: ${text}`, () => {
    const value = parseJson5(text);
    assert.deepEqual(Object.keys(value as object), ['__proto__']);
    assert.equal(textAt(value, 'polluted'), undefined);
    assert.equal(textAt(value, '__proto__', 'polluted'), 'yes');
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });
}

test('recordAt() and textAt() take own keys only', () => {
  const value = { a: { b: ' text ', list: ['x'], none: null, blank: ' ' } };
  assert.equal(recordAt(value, 'a'), value.a);
  assert.equal(recordAt(value), value);
  assert.equal(textAt(value, 'a', 'b'), 'text');
  for (const path of [
    ['a', 'list'],
    ['a', 'none'],
    ['a', 'blank'],
    ['a', 'constructor', 'name'],
    ['x', 'y'],
  ])
    assert.equal(textAt(value, ...path), undefined, path.join('.'));
  for (const path of [['constructor'], ['__proto__'], ['a', 'list'], ['a', 'b']])
    assert.equal(recordAt(value, ...path), undefined, path.join('.'));
  assert.equal(textAt(value), undefined);
});

test('asRecord() and asText() take nothing else for what they want', () => {
  for (const value of [null, undefined, [], 'x', 5, true]) assert.equal(asRecord(value), undefined);
  for (const value of [null, undefined, [], {}, 5, true, '', '\n']) assert.equal(asText(value), undefined);
  assert.equal(asText(' a b '), 'a b');
});

test('locateJson5() finds keys named __proto__ and keys that are empty', () => {
  const text = '{"__proto__": 1, "": {"": 2}}';
  assert.deepEqual(
    locateJson5(text).map(({ path, start, end }) => [path, text.slice(start, end)]),
    [
      [[], text],
      [['__proto__'], '1'],
      [[''], '{"": 2}'],
      [['', ''], '2'],
    ],
  );
});

test('lineOfJson5() names the last of two equal keys, as the last is what counts', () => {
  assert.equal(lineOfJson5('{\n a: 1,\n a: 2\n}', ['a']), 3);
});

test('lineOfJson5() counts lines that end in carriage return and newline once', () => {
  assert.equal(lineOfJson5('{\r\n// c\r\n a: 1\r\n}', ['a']), 3);
});

for (const [separator, lastLine] of [
  ['\n', 60_000],
  [' ', 1],
] as const) {
  test(`locateJson5() takes time in proportion to the text: ${lastLine} lines`, () => {
    const members = Array.from({ length: 60_000 }, (_, index) => `"key${index}": ${index}`);
    const before = performance.now();
    const places = locateJson5(`{${members.join(`,${separator}`)}}`);
    assert.equal(places.at(-1)?.line, lastLine);
    assert.ok(performance.now() - before < 3000, `${Math.round(performance.now() - before)} ms`);
  });
}
