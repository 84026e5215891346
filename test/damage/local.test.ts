/** A slice of local.slow.ts for the main run: other damages with another EXUVIA_SEED. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Seeded } from '../helpers/seeded.ts';
import { copyPage, cutIndex, flipIndex, LocalBench, wholeLocalDamages } from './local.ts';

test('damage to local/ never matters: a slice', async () => {
  using bench = await LocalBench.open();
  const random = new Seeded(Number(process.env['EXUVIA_SEED'] ?? 1));
  const flips = Array.from({ length: 40 }, () => flipIndex(random.below(bench.indexBytes * 8)));
  const pages = Array.from({ length: 15 }, () => copyPage(random, bench.indexBytes));
  const cuts = Array.from({ length: 5 }, () => cutIndex(random.below(bench.indexBytes)));
  const problems: string[] = [];
  for (const damage of [...wholeLocalDamages, bench.olderIndex, ...flips, ...pages, ...cuts]) {
    const found = await bench.judge(damage);
    problems.push(...found.map((text) => `${damage.name}: ${text}`));
  }
  assert.deepEqual(problems, []);
});
