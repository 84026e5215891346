import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SnapshotId } from '../../../src/model/ids.ts';
import { planRetention, type RetentionPolicy, type RetentionSnapshot } from '../../../src/retention/plan.ts';

const hour = 3_600_000;
const day = 24 * hour;

function snapshot(time: number, changes: Partial<RetentionSnapshot> = {}): RetentionSnapshot {
  return {
    id: `${time}` as SnapshotId,
    time: new Date(time).toISOString(),
    tags: [],
    reason: 'scheduled',
    components: null,
    include: [],
    exclude: [],
    host: { name: 'h' },
    sources: [{ path: '/home/a/.openclaw' }],
    ...changes,
  };
}

/** Noon of a day in local time, and the hours around it. */
const noon = (dayOfMonth: number, month = 10, atHour = 12): number =>
  new Date(2026, month, dayOfMonth, atHour).getTime();

function kept(snapshots: readonly RetentionSnapshot[], policy: RetentionPolicy): string[] {
  return planRetention(snapshots, policy)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ snapshot: { time } }) => {
      const date = new Date(time);
      return `${date.getMonth() + 1}/${date.getDate()} ${date.getHours()}`;
    });
}

const november = Array.from({ length: 20 }, (_, index) => [noon(index + 1, 10, 9), noon(index + 1, 10, 21)])
  .flat()
  .map((time) => snapshot(time));

test('planRetention() keeps the last ones', () => {
  assert.deepEqual(kept(november, { keepLast: 3 }), ['11/19 21', '11/20 9', '11/20 21']);
});

test('planRetention() keeps the last snapshot of each day', () => {
  assert.deepEqual(kept(november, { keepDaily: 3 }), ['11/18 21', '11/19 21', '11/20 21']);
});

test('planRetention() counts days that have snapshots, not days', () => {
  const some = [noon(1), noon(9), noon(20)].map((time) => snapshot(time));
  assert.deepEqual(kept(some, { keepDaily: 2 }), ['11/9 12', '11/20 12']);
});

test('planRetention() keeps the last snapshot of each ISO week, month and year', () => {
  // 2026-11-01 is a Sunday; weeks end on the 1st, 8th and 15th.
  assert.deepEqual(kept(november, { keepWeekly: 3 }), ['11/8 21', '11/15 21', '11/20 21']);
  const months = [noon(30, 8), noon(2, 9), noon(31, 9), noon(3, 10)].map((time) => snapshot(time));
  assert.deepEqual(kept(months, { keepMonthly: 2 }), ['10/31 12', '11/3 12']);
  const years = [new Date(2024, 11, 30), new Date(2025, 0, 2), new Date(2026, 0, 1)].map((date) =>
    snapshot(date.getTime()),
  );
  assert.equal(planRetention(years, { keepYearly: 3 }).filter(({ reasons }) => reasons.length > 0).length, 3);
  const [december, january] = planRetention(years, { keepWeekly: 9 });
  assert.deepEqual(december?.reasons, [], 'the 30th of December 2024 is in the first week of 2025');
  assert.deepEqual(january?.reasons, ['week 2025-W01']);
});

test('planRetention() counts keepWithin from the newest snapshot, whatever the time is now', () => {
  const old = [0, 3, 8].map((days) => snapshot(noon(20) - days * day)).reverse();
  assert.deepEqual(kept(old, { keepWithinMs: 7 * day }), ['11/17 12', '11/20 12']);
});

test('planRetention() keeps tags, the newest of each kind, and what undoes the last restore', () => {
  const mixed = [
    snapshot(noon(1), { tags: ['keep'] }),
    snapshot(noon(2), { reason: 'before-restore' }),
    snapshot(noon(3), { components: ['config'] }),
    snapshot(noon(4), { host: { name: 'other' } }),
    snapshot(noon(5), { sources: [{ path: '/elsewhere' }] }),
    snapshot(noon(6), { reason: 'before-restore' }),
    snapshot(noon(7)),
    snapshot(noon(8)),
  ];
  const decisions = planRetention(mixed, { keepTags: ['keep'] });
  assert.deepEqual(
    decisions.map(({ reasons }) => reasons.join(', ')),
    [
      'tag keep',
      '',
      'the newest of its kind',
      'the newest of its kind',
      'the newest of its kind',
      'the newest of its kind, the last restore can be undone',
      '',
      'the newest of its kind',
    ],
  );
});

test('planRetention() with no rule keeps everything', () => {
  assert.equal(kept(november, {}).length, november.length);
});

test('planRetention() never forgets the newest, and more rules never keep less', () => {
  const count = fc.option(fc.nat(5), { nil: undefined });
  const policy = fc.record({
    keepLast: count,
    keepHourly: count,
    keepDaily: count,
    keepWeekly: count,
    keepMonthly: count,
  });
  const times = fc.uniqueArray(fc.integer({ min: 0, max: 400 * 24 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(times, policy, policy, (hours, one, two) => {
      const snapshots = hours.sort((a, b) => a - b).map((at) => snapshot(noon(1, 0) + at * hour));
      const clean = (rules: object) =>
        Object.fromEntries(
          Object.entries(rules).filter(([, value]) => value !== undefined),
        ) as RetentionPolicy;
      const first = clean(one);
      if (Object.keys(first).length === 0) return;
      const keptByOne = new Set(kept(snapshots, first));
      const keptByBoth = new Set(kept(snapshots, { ...clean(two), ...first }));
      const last = planRetention(snapshots, first).at(-1);
      assert.ok((last?.reasons.length ?? 0) > 0);
      for (const name of keptByOne) assert.ok(keptByBoth.has(name));
    }),
    { seed: 5, numRuns: 300 },
  );
});
