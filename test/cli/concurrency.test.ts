import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCrowd } from '../helpers/crowd.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('eight processes create, prune, forget, check, list and restore at once: nothing lost, nothing dangling', async (context) => {
  const home = temporaryFolder(context);
  const { problems, runs } = await runCrowd({ home, seed: 1, durationMs: 6000, kills: false });
  context.diagnostic(JSON.stringify(runs));
  assert.deepEqual(problems, []);
});
