/** An hour, shared by all decoders; `EXUVIA_FUZZ_MINUTES` and `EXUVIA_SEED` change it. */
import { describe, test } from 'node:test';
import { Seeded } from '../../helpers/seeded.ts';
import { fuzz } from './engine.ts';
import { targets } from './targets.ts';

const seed = Number(process.env['EXUVIA_SEED'] ?? 1);
const minutes = Number(process.env['EXUVIA_FUZZ_MINUTES'] ?? 60);
const limits = { ms: (minutes * 60_000) / targets.length, runMs: 3000, memoryBytes: 1024 * 1024 * 1024 };

describe(`${minutes} minutes of changed inputs, seed ${seed}`, () => {
  for (const target of targets) {
    test(`find no bug in ${target.name}`, async (context) => {
      context.diagnostic(JSON.stringify(await fuzz(target, new Seeded(seed), limits)));
    });
  }
});
