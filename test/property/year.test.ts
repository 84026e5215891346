process.env['TZ'] = 'Europe/Berlin'; // its clocks change

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveFor } from './year.ts';

test('twelve days of hourly snapshots and daily prunes: all that is kept restores, the repository stays small', async (context) => {
  const figures = await liveFor(12 * 24);
  context.diagnostic(JSON.stringify(figures));
  assert.ok(figures.bytesMax < 1_500_000, JSON.stringify(figures));
});
