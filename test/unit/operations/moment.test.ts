import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMoment } from '../../../src/operations/moment.ts';

const now = new Date(2026, 10, 23, 12, 30, 15, 250).getTime();
const day = 86_400_000;

for (const [text, wanted] of [
  ['now', now],
  ['2 hours ago', now - 7_200_000],
  ['an hour ago', now - 3_600_000],
  ['1 week ago', now - 7 * day],
  ['90s', now - 90_000],
  ['15m', now - 900_000],
  ['3 d', now - 3 * day],
  [' 2 Days Ago ', now - 2 * day],
  ['today', new Date(2026, 10, 23, 23, 59, 59, 999).getTime()],
  ['yesterday', new Date(2026, 10, 22, 23, 59, 59, 999).getTime()],
  ['2026-11-20', new Date(2026, 10, 20, 23, 59, 59, 999).getTime()],
  ['2026-11-20 14:30', new Date(2026, 10, 20, 14, 30, 59, 999).getTime()],
  ['2026-11-20T14:30:05Z', Date.UTC(2026, 10, 20, 14, 30, 5, 999)],
  ['2026-11-20T14:30:05.123Z', Date.UTC(2026, 10, 20, 14, 30, 5, 123)],
  ['2026-11-20T14:30:05.123+09:00', Date.UTC(2026, 10, 20, 5, 30, 5, 123)],
  ['2024-02-29', new Date(2024, 1, 29, 23, 59, 59, 999).getTime()],
] as const) {
  test(`parseMoment() reads ${JSON.stringify(text)}`, () => assert.equal(parseMoment(text, now), wanted));
}

for (const text of [
  '',
  'soon',
  '5',
  '5 parsecs ago',
  '2026-13-01',
  '2026-02-29',
  '2026-11-20 25:00',
  '20-11-2026',
]) {
  test(`parseMoment() does not take ${JSON.stringify(text)} for a time`, () =>
    assert.equal(parseMoment(text, now), undefined));
}
