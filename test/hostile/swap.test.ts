import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restoreAmongSwaps, restoreInThreadsAmongSwaps, whyNoSwaps } from './swap.ts';

for (const [how, restore] of [
  ['a restore', restoreAmongSwaps],
  ['a restore in threads', restoreInThreadsAmongSwaps],
] as const) {
  test(`${how} writes nothing outside while an attacker swaps folders for links`, {
    skip: whyNoSwaps,
  }, async () => {
    const { swaps, refused } = await restore(500);
    assert.ok(swaps > 300, `the attacker was at work: ${swaps} swaps`);
    assert.ok(refused > 0, 'and met the restore');
  });
}
