import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Seeded } from '../../helpers/seeded.ts';
import { fuzz } from './engine.ts';
import { targets } from './targets.ts';

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
