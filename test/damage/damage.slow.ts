/** Every bit of a small repository flipped, every file cut at every length, and every damage to whole files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Damage, flipAt, judgeAll, truncateAt, wholeFileDamages } from './every-kind.ts';
import { judgeReplays } from './replays.ts';
import type { SmallRepository } from './small-repository.ts';

/**
 * For a share of a whole run: every so many-th damage, another share with another seed. Of the flips, 8 is one bit of every byte.
 */
const every = Number(process.env['EXUVIA_EVERY'] ?? 1);
const seed = Number(process.env['EXUVIA_SEED'] ?? 1);

function* share(damages: Iterable<Damage>): Generator<Damage> {
  let index = 0;
  for (const damage of damages) if (index++ % every === seed % every) yield damage;
}

function* everyFlip({ files }: SmallRepository): Generator<Damage> {
  for (const [path, bytes] of files) for (let bit = 0; bit < bytes.length * 8; bit++) yield flipAt(path, bit);
}

function* everyTruncation({ files }: SmallRepository): Generator<Damage> {
  for (const [path, bytes] of files)
    for (let length = 0; length < bytes.length; length++) yield truncateAt(path, length);
}

/** Each twice: every other one is judged without `local/`. */
function* everyWholeFile(small: SmallRepository): Generator<Damage> {
  for (const damage of wholeFileDamages(small)) {
    yield damage;
    yield damage;
  }
}

for (const isEncrypted of [false, true]) {
  const of = isEncrypted ? ' of an encrypted repository' : '';

  test(`check finds every flipped bit${of}, and no wrong byte is restored`, async (context) => {
    const each = { restoresEach: 20, repairsEach: 50, isEncrypted, tells: true };
    await judgeAll(context, (small) => share(everyFlip(small)), each);
  });

  test(`check finds every truncation${of}`, async (context) => {
    const each = { restoresEach: 5, repairsEach: 10, isEncrypted, tells: true };
    await judgeAll(context, (small) => share(everyTruncation(small)), each);
  });

  // They are few: always all of them.
  test(`check finds every swap, deletion and overwritten block${of}`, async (context) => {
    await judgeAll(context, everyWholeFile, { isEncrypted, tells: true });
  });
}

test('older files, and those of another repository of the same key, are never taken for the present ones', async (context) => {
  const judged = await judgeReplays(context, {
    isChosen: (index) => index % every === seed % every,
    tells: true,
  });
  assert.ok(judged * every > 300, `${judged} replays`);
});
