import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueAtMs } from '../../../src/scheduler/watch-due.ts';
import { Seeded } from '../../helpers/seeded.ts';

const pace = { quietMs: 5, atMostEveryMs: 60 };
const nothing = { firstChangeMs: undefined, lastChangeMs: undefined, lastSnapshotMs: undefined };

test('dueAtMs() wants nothing while nothing has changed', () => {
  assert.equal(dueAtMs(nothing, pace), undefined);
  assert.equal(dueAtMs({ ...nothing, lastSnapshotMs: 1 }, pace), undefined);
});

test('dueAtMs() waits for quiet, for the least distance, and not for ever', () => {
  const first = { firstChangeMs: 100, lastChangeMs: 100, lastSnapshotMs: undefined };
  assert.equal(dueAtMs(first, pace), 105);
  assert.equal(dueAtMs({ ...first, lastChangeMs: 120 }, pace), 125);
  assert.equal(dueAtMs({ ...first, lastSnapshotMs: 90 }, pace), 150, 'too soon after the last one');
  assert.equal(dueAtMs({ ...first, lastChangeMs: 500 }, pace), 160, 'never quiet');
  assert.equal(dueAtMs({ ...first, lastChangeMs: 500 }, { quietMs: 90, atMostEveryMs: 60 }), 190);
});

test('dueAtMs() gives, for random changes under a fake clock, no two snapshots too close and none too late', () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = new Seeded(seed);
    let times: Parameters<typeof dueAtMs>[0] = nothing;
    for (let nowMs = 1; nowMs < 2000; nowMs++) {
      if (random.below(1 + (seed % 20)) === 0) {
        times = { ...times, firstChangeMs: times.firstChangeMs ?? nowMs, lastChangeMs: nowMs };
      }
      const dueMs = dueAtMs(times, pace);
      if (dueMs === undefined || dueMs > nowMs) continue;
      const { firstChangeMs = 0, lastSnapshotMs } = times;
      if (lastSnapshotMs !== undefined) assert.ok(nowMs - lastSnapshotMs >= pace.atMostEveryMs);
      const latest = Math.max(firstChangeMs, lastSnapshotMs ?? 0) + pace.atMostEveryMs;
      assert.ok(nowMs <= latest, `seed ${seed}: at ${nowMs}, wanted by ${latest}`);
      times = { ...nothing, lastSnapshotMs: nowMs };
    }
  }
});
