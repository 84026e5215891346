import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import JSON5 from 'json5';
import { lineOfJson5, locateJson5 } from '../../../src/openclaw/json5-positions.ts';

const text = `// a comment with { braces
{
  /* several
     lines */
  backup: { auto: true, // on
    'sched"ule': "0 0 * * *", "re\\u0074ention": { keepLast: +.5e3 },
    include: [ 'a', "b", ],
  },
}
`;

test('locateJson5() finds every value where it stands', () => {
  const found = Object.fromEntries(
    locateJson5(text).map(({ path, start, end }) => [path.join('.'), text.slice(start, end)]),
  );
  assert.deepEqual(Object.keys(found), [
    '',
    'backup',
    'backup.auto',
    'backup.sched"ule',
    'backup.retention',
    'backup.retention.keepLast',
    'backup.include',
    'backup.include.0',
    'backup.include.1',
  ]);
  assert.equal(found['backup.auto'], 'true');
  assert.equal(found['backup.retention.keepLast'], '+.5e3');
  assert.equal(found['backup.include'], `[ 'a', "b", ]`);
});

test('lineOfJson5() names the line of a key, or of what is above it', () => {
  assert.equal(lineOfJson5(text, ['backup', 'auto']), 5);
  assert.equal(lineOfJson5(text, ['backup', 'retention', 'keepLast']), 6);
  assert.equal(lineOfJson5(text, ['backup', 'include', '1']), 7);
  assert.equal(lineOfJson5(text, ['backup', 'missing']), 5);
  assert.equal(lineOfJson5(text, ['missing']), 2);
});

test('locateJson5() agrees with json5 on any value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, space) => {
      const written = space === undefined ? JSON.stringify(value) : JSON5.stringify(value, undefined, space);
      const [root, ...places] = locateJson5(written);
      assert.equal(written.slice(root?.start, root?.end).trim(), written.trim());
      for (const { path, start, end } of places) {
        // biome-ignore lint/suspicious/noExplicitAny: whatever was generated
        const wanted = path.reduce((at: any, key) => at[key], JSON5.parse(written));
        assert.deepEqual(JSON5.parse(written.slice(start, end)), wanted);
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});
