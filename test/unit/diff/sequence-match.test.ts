import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { longestRising, type MatchedPair, matchSequences } from '../../../src/diff/sequence-match.ts';

const generous = { maxEditLength: 10_000, timeoutMs: 2000 };
const items = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 24 });

function assertCommon(
  before: readonly number[],
  after: readonly number[],
  pairs: readonly MatchedPair[],
): void {
  let [old, now] = [-1, -1];
  for (const [left, right] of pairs) {
    assert.ok(left > old && right > now && left < before.length && right < after.length);
    assert.equal(before[left], after[right]);
    [old, now] = [left, right];
  }
}

function commonLength(before: readonly number[], after: readonly number[]): number {
  let row = new Array<number>(after.length + 1).fill(0);
  for (const item of before) {
    const next = [0];
    after.forEach((other, at) => {
      next.push(item === other ? row[at]! + 1 : Math.max(row[at + 1]!, next[at]!));
    });
    row = next;
  }
  return row.at(-1)!;
}

test('matchSequences() finds a longest common subsequence', () => {
  fc.assert(
    fc.property(items, items, (before, after) => {
      const pairs = matchSequences(before, after, generous);
      assertCommon(before, after, pairs);
      assert.equal(pairs.length, commonLength(before, after));
    }),
  );
});

test('matchSequences() stays true when it may not look for the shortest answer', () => {
  fc.assert(
    fc.property(items, items, (before, after) => {
      assertCommon(before, after, matchSequences(before, after, { maxEditLength: 1, timeoutMs: 2000 }));
    }),
  );
});

test('matchSequences() without the shortest answer keeps what moved little', () => {
  const before = Array.from({ length: 1000 }, (_, at) => at);
  const after = [5000, ...before.slice(500), ...before.slice(0, 400), 0];
  const pairs = matchSequences(before, after, { maxEditLength: 3, timeoutMs: 2000 });
  assertCommon(before, after, pairs);
  assert.equal(pairs.length, 500);
});

test('longestRising() gives positions of a longest rising subsequence', () => {
  assert.deepEqual(longestRising([]), []);
  assert.deepEqual(longestRising([3, 0, 1, 2]), [1, 2, 3]);
  assert.deepEqual(longestRising([2, 1, 0]), [2]);
});
