import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restoreAmongSwaps, restoreInThreadsAmongSwaps, whyNoSwaps } from './swap.ts';

for (const [how, restore] of [
  ['10,000 restores', restoreAmongSwaps],
  ['10,000 restores in threads', restoreInThreadsAmongSwaps],
] as const) {
  test(`${how} write nothing outside while an attacker swaps folders for links`, {
    skip: whyNoSwaps,
  }, async (context) => {
    const report = await restore(10_000);
    assert.ok(report.swaps > 10_000 && report.refused > 100, JSON.stringify(report));
    context.diagnostic(JSON.stringify(report));
  });
}
