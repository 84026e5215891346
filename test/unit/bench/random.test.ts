import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../bench/lib/random.ts';

const draws = (seed: number, label?: string): number[] => {
  const random = seededRandom(seed, label);
  return Array.from({ length: 5 }, () => random.u32());
};

test('seededRandom() gives the same numbers for the same seed and label', () => {
  assert.deepEqual(draws(7, 'a'), draws(7, 'a'));
  assert.notDeepEqual(draws(7, 'a'), draws(8, 'a'));
  assert.notDeepEqual(draws(7, 'a'), draws(7, 'b'));
});

test('seededRandom() gives the numbers that earlier measurements were made with', () => {
  assert.deepEqual(draws(1), [1216655238, 2441765070, 1364637937, 1012251326, 1173847791]);
});

test('seededRandom() stays within the bounds asked for', () => {
  const random = seededRandom(3);
  const seen = new Set(Array.from({ length: 300 }, () => random.between(2, 5)));
  assert.deepEqual([...seen].sort(), [2, 3, 4, 5]);
  assert.match(random.hex(11), /^[0-9a-f]{11}$/);
  assert.match(random.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(random.bytes(7).length, 7);
});

test('seededRandom() draws normal numbers with mean 0 and deviation 1', () => {
  const random = seededRandom(5);
  const numbers = Array.from({ length: 20_000 }, () => random.normal());
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const variance = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length;
  assert.ok(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.05, `mean ${mean}, variance ${variance}`);
});
