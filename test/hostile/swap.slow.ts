import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restoreAmongSwaps, whyNoSwaps } from './swap.ts';

test('10,000 restores write nothing outside while an attacker swaps folders for links', {
  skip: whyNoSwaps,
}, async (context) => {
  const report = await restoreAmongSwaps(10_000);
  assert.ok(report.swaps > 10_000 && report.refused > 100, JSON.stringify(report));
  context.diagnostic(JSON.stringify(report));
});
