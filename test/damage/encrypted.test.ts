/** The same damages to an encrypted repository: a slice of damage.slow.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Seeded } from '../helpers/seeded.ts';
import { type Damage, flipAt, judgeAll, someFlips, truncateAt, wholeFileDamages } from './every-kind.ts';
import { judgeReplays } from './replays.ts';

const seed = Number(process.env['EXUVIA_SEED'] ?? 1);

test('check finds any flipped bit of an encrypted repository, and no wrong byte is restored: a slice', async (context) => {
  await judgeAll(
    context,
    function* (small) {
      yield* someFlips(small, 250, seed);
      // The small files by every eighth byte: keys and seals are in them.
      for (const [path, bytes] of small.files) {
        if (path.startsWith('packs/')) continue;
        for (let byte = seed % 32; byte < bytes.length; byte += 32) yield flipAt(path, byte * 8 + (byte % 8));
      }
    },
    { restoresEach: 10, repairsEach: 40, isEncrypted: true },
  );
});

test('check finds any file of an encrypted repository cut, swapped, replaced or gone: a slice', async (context) => {
  const random = new Seeded(seed);
  await judgeAll(
    context,
    function* (small): Generator<Damage> {
      const all = [...wholeFileDamages(small)];
      for (let count = 0; count < 120; count++) yield all[random.below(all.length)] as Damage;
      for (const [path, bytes] of small.files)
        for (let count = 0; count < 5; count++) yield truncateAt(path, random.below(bytes.length));
    },
    { restoresEach: 3, repairsEach: 10, isEncrypted: true },
  );
});

test('older files, and those of another repository of the same key, are never taken for the present ones: a slice', async (context) => {
  const judged = await judgeReplays(context, { isChosen: (index) => index % 6 === seed % 6 });
  assert.ok(judged > 40, `${judged} replays`);
});
