import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { resolveSnapshot } from '../../../src/operations/snapshot-reference.ts';

const now = new Date(2026, 10, 23, 12, 0, 0).getTime();
const hour = 3_600_000;

/** Five snapshots; the two oldest ids begin alike, the third has the tag of the first too. */
const snapshots = [
  { id: 'aaaa1111', time: now - 72 * hour, tags: ['nightly'] },
  { id: 'aaaa2222', time: now - 50 * hour, tags: [] },
  { id: 'bbbb3333', time: now - 26 * hour, tags: ['nightly', 'Before Move'] },
  { id: 'cccc4444', time: now - 3 * hour, tags: [] },
  { id: 'dddd5555', time: now - hour / 2, tags: [] },
].map(({ id, time, tags }) => ({
  id: id.repeat(8),
  time: new Date(time).toISOString(),
  tags,
})) as unknown as Snapshot[];

const found = (reference: string): string => resolveSnapshot(snapshots, reference, now).id.slice(0, 4);

for (const [reference, id] of [
  ['latest', 'dddd'],
  ['latest~', 'cccc'],
  ['latest~~', 'bbbb'],
  ['latest~2', 'bbbb'],
  ['latest~0', 'dddd'],
  ['bbbb', 'bbbb'],
  ['BBBB33', 'bbbb'],
  ['bbbb~1', 'aaaa'],
  ['nightly', 'bbbb'],
  ['nightly~1', 'aaaa'],
  ['Before Move', 'bbbb'],
  ['2 hours ago', 'cccc'],
  ['3h', 'cccc'],
  ['1 day ago', 'bbbb'],
  ['2 days ago', 'aaaa'],
  ['2026-11-21', 'aaaa'],
  ['2026-11-22', 'bbbb'],
  ['yesterday', 'bbbb'],
  ['now', 'dddd'],
  ['2026-11-23 09:00', 'cccc'],
] as const) {
  test(`resolveSnapshot() finds ${reference}`, () => assert.equal(found(reference), id));
}

test('resolveSnapshot() tells two with the same beginning apart', () => {
  assert.throws(() => found('aaaa'), /aaaa is ambiguous: 2 ids begin with it: aaaa1111 .*, aaaa2222/);
  assert.equal(resolveSnapshot(snapshots, 'aaaa1', now).id.slice(0, 8), 'aaaa1111');
});

for (const [reference, message] of [
  ['eeee', /no id, tag or time/],
  ['no such', /no id, tag or time/],
  ['', /no id, tag or time/],
  ['latest~5', /only 4 snapshots before it/],
  ['latest~x', /want a number after ~/],
  ['latest~-1', /want a number after ~/],
  ['2020-01-01', /the oldest snapshot is of 2026-11-20/],
  ['2026-02-31', /no id, tag or time/],
] as const) {
  test(`resolveSnapshot() refuses ${JSON.stringify(reference)}`, () =>
    assert.throws(() => found(reference), message));
}

test('resolveSnapshot() says so when there are none', () =>
  assert.throws(() => resolveSnapshot([], 'latest', now), /the repository has no snapshots yet/));
