/** A control for swap.test.ts: without the protection, the same attacker gets a write outside. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';

let replacedCount = 0;
registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.endsWith('/safe-folders.ts')) return next(specifier, context);
    replacedCount++;
    return next(new URL('plain-folders.ts', import.meta.url).href, context);
  },
});
const { restoreAmongSwaps, whyNoSwaps } = await import('./swap.ts');

const roundsMax = 2000;

test('a restore by plain paths is led outside by an attacker that swaps folders for links', {
  skip: whyNoSwaps,
}, async (context) => {
  assert.equal(replacedCount, 1);
  await assert.rejects(restoreAmongSwaps(roundsMax), (error: Error) => {
    assert.match(error.message, /^round \d+/);
    context.diagnostic(error.message.split('\n')[0] ?? '');
    return true;
  });
});
