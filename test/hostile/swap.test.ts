import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restoreAmongSwaps, whyNoSwaps } from './swap.ts';

test('a restore writes nothing outside while an attacker swaps folders for links', {
  skip: whyNoSwaps,
}, async () => {
  const { swaps, refused } = await restoreAmongSwaps(500);
  assert.ok(swaps > 300, `the attacker was at work: ${swaps} swaps`);
  assert.ok(refused > 0, 'and met the restore');
});
