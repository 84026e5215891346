/** Damage of every kind to `local/`: flipped bits all over the index, pages over others, cuts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Seeded } from '../helpers/seeded.ts';
import { copyPage, cutIndex, flipIndex, LocalBench, type LocalDamage, wholeLocalDamages } from './local.ts';

const flips = 2000;
const pages = 400;
const cuts = 200;

function* everyKind(bench: LocalBench): Generator<LocalDamage> {
  const random = new Seeded(7);
  yield* wholeLocalDamages;
  yield bench.olderIndex;
  const bits = bench.indexBytes * 8;
  for (let count = 0; count < flips; count++)
    yield flipIndex(Math.floor((count * bits) / flips) + random.below(8));
  for (let count = 0; count < pages; count++) yield copyPage(random, bench.indexBytes);
  for (let count = 0; count < cuts; count++) yield cutIndex(Math.floor((count * bench.indexBytes) / cuts));
}

test('damage to local/ never matters', async (context) => {
  using bench = await LocalBench.open();
  const problems: string[] = [];
  let damages = 0;
  for (const damage of everyKind(bench)) {
    damages++;
    const found = await bench.judge(damage);
    problems.push(...found.map((text) => `${damage.name}: ${text}`));
  }
  context.diagnostic(`${damages} damages, ${problems.length} problems`);
  assert.deepEqual(problems, []);
});
