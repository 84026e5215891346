import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Seeded } from '../../helpers/seeded.ts';
import { fuzz } from './engine.ts';
import { targets } from './targets.ts';
import { fuzzWatched } from './watched.ts';

const seed = Number(process.env['EXUVIA_SEED'] ?? 1);
const limits = { ms: 400, runMs: 3000, memoryBytes: 1024 * 1024 * 1024 };

describe(`a short time of changed inputs, seed ${seed}`, () => {
  for (const target of targets) {
    test(`finds no bug in ${target.name}`, async () => {
      const { runs } = await fuzz(target, new Seeded(seed), limits);
      assert.ok(runs > 20, `${runs} runs`);
    });
  }
});

describe('the watch over a decoder names the input of', () => {
  const told: Readonly<Record<string, RegExp>> = {
    'a loop': /no end after/,
    'a wait': /no end after/,
    'a glutton': /memory grew to/,
    'an end': /ended with 3/,
    'a fault': /ended with SIGSEGV/,
    'an error': /TypeError: not ours/,
  };
  // So little memory that it is taken before the time is over, also on a busy machine.
  const watched = { ...limits, hangMs: 5000, memoryBytes: 400 * 1024 * 1024 };
  for (const [name, message] of Object.entries(told)) {
    test(name, async () => {
      await assert.rejects(fuzzWatched(name, seed, watched), (error: Error) => {
        assert.match(error.message, message);
        assert.ok(error.message.includes(`input (base64): ${Buffer.from('!').toString('base64')}`));
        return true;
      });
    });
  }
});
