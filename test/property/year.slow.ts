process.env['TZ'] = 'Europe/Berlin'; // its clocks change

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveFor } from './year.ts';

test('a year of hourly snapshots and daily prunes', async (context) => {
  const figures = await liveFor(365 * 24);
  context.diagnostic(JSON.stringify(figures));
  assert.ok(figures.kept >= 40, JSON.stringify(figures));
  assert.ok(figures.bytesMax < 1_500_000, JSON.stringify(figures));
});
