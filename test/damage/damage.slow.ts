/** Every bit of a small repository flipped, every file cut at every length, and every damage to whole files. */
import { test } from 'node:test';
import { flipAt, judgeAll, truncateAt, wholeFileDamages } from './every-kind.ts';

test('check finds every flipped bit, and no wrong byte is restored', async (context) => {
  await judgeAll(
    context,
    function* (small) {
      for (const [path, bytes] of small.files)
        for (let bit = 0; bit < bytes.length * 8; bit++) yield flipAt(path, bit);
    },
    { restoresEach: 20, repairsEach: 50 },
  );
});

test('check finds every truncation, swap, deletion and overwritten block', async (context) => {
  await judgeAll(
    context,
    function* (small) {
      for (const [path, bytes] of small.files)
        for (let length = 0; length < bytes.length; length++) yield truncateAt(path, length);
      yield* wholeFileDamages(small);
    },
    { restoresEach: 5, repairsEach: 10 },
  );
});
