import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/model/errors.ts';
import { lastDueMs, nextRunMs, parseSchedule } from '../../../src/scheduler/next-run.ts';

const berlin = 'Europe/Berlin';
const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16);

test('parseSchedule() writes out names and steps that begin at a number', () => {
  assert.deepEqual(parseSchedule(' @daily '), ['0', '0', '*', '*', '*']);
  assert.deepEqual(parseSchedule('5/15,1 */2 1-9/3 JAN MON-fri'), ['5-59/15,1', '*/2', '1-9/3', '1', '1-5']);
});

for (const [schedule, problem] of [
  ['60 * * * *', /minute is "60"/],
  ['0 24 * * *', /hour is "24"/],
  ['0 0 0 * *', /day of the month is "0"/],
  ['0 0 * 13 *', /month is "13"/],
  ['0 0 * * fry', /day of the week is "fry"/],
  ['0 0 * *', /it has 4 fields/],
  ['0 0 * * * *', /it has 6 fields/],
  ['@dayly', /it has 1 fields/],
] as const) {
  test(`nextRunMs() names what is wrong with ${schedule}`, () => {
    assert.throws(
      () => nextRunMs(schedule, 0),
      (error) => error instanceof UsageError && problem.test(error.message),
    );
  });
}

test('nextRunMs() loses no time of a list in the gap, and doubles none', () => {
  assert.equal(iso(nextRunMs('30 2,14 * * *', at('2026-03-28T20:00Z'), berlin)), '2026-03-29T01:00');
  const first = nextRunMs('30 2,14 * * *', at('2026-10-24T20:00Z'), berlin);
  assert.equal(iso(first), '2026-10-25T00:30');
  assert.equal(iso(nextRunMs('30 2,14 * * *', first, berlin)), '2026-10-25T13:30');
});

test('nextRunMs() of steps goes on in real time through both changes of the clock', () => {
  for (const day of ['2026-03-29', '2026-10-25']) {
    let next = at(`${day}T00:00Z`);
    for (let count = 0; count < 8; count++) {
      const after = nextRunMs('*/30 * * * *', next, berlin);
      assert.equal(after - next, 30 * 60_000);
      next = after;
    }
  }
});

test('nextRunMs() takes Sunday as 0 and 7, and either of two kinds of days', () => {
  const monday = at('2026-05-04T00:00Z');
  assert.equal(iso(nextRunMs('0 0 * * 7', monday, 'UTC')), '2026-05-10T00:00');
  assert.equal(iso(nextRunMs('0 0 * * 0', monday, 'UTC')), '2026-05-10T00:00');
  assert.equal(iso(nextRunMs('0 0 6 * 0', monday, 'UTC')), '2026-05-06T00:00');
});

test('lastDueMs() and nextRunMs() agree over a year', () => {
  for (const schedule of ['30 2 * * *', '0 */6 * * 1-5', '15 2,3 * * *']) {
    let due = nextRunMs(schedule, at('2026-01-01T00:00Z'), berlin);
    while (due < at('2027-01-01T00:00Z')) {
      const next = nextRunMs(schedule, due, berlin);
      assert.equal(lastDueMs(schedule, due - 1, due, berlin), due);
      assert.equal(lastDueMs(schedule, due - 1, next - 1000, berlin), due);
      due = next;
    }
  }
});
