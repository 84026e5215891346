/** A slice of damage.slow.ts for the main run: other damages with another EXUVIA_SEED. */
import { test } from 'node:test';
import { Seeded } from '../helpers/seeded.ts';
import { type Damage, judgeAll, someFlips, truncateAt, wholeFileDamages } from './every-kind.ts';
import type { SmallRepository } from './small-repository.ts';

const seed = Number(process.env['EXUVIA_SEED'] ?? 1);

test('check finds any flipped bit, and no wrong byte is restored: a slice', async (context) => {
  await judgeAll(context, (small) => someFlips(small, 500, seed), { restoresEach: 5, repairsEach: 10 });
});

test('check finds any truncation, swap, deletion and overwritten block: a slice', async (context) => {
  const random = new Seeded(seed);
  await judgeAll(
    context,
    function* (small: SmallRepository): Generator<Damage> {
      const all = [...wholeFileDamages(small)];
      for (let count = 0; count < 150; count++) yield all[random.below(all.length)] as Damage;
      for (const [path, bytes] of small.files)
        for (let count = 0; count < 5; count++) yield truncateAt(path, random.below(bytes.length));
    },
    { restoresEach: 3, repairsEach: 5 },
  );
});
