import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCrowd } from '../helpers/crowd.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

for (const kills of [false, true]) {
  test(`eight processes at once for three minutes${kills ? ', some killed' : ''}`, async (context) => {
    const home = temporaryFolder(context);
    const { problems, runs } = await runCrowd({ home, seed: 2, durationMs: 180_000, kills });
    context.diagnostic(JSON.stringify(runs));
    assert.deepEqual(problems, []);
  });
}
