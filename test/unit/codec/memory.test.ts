import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveBack } from '../../../src/codec/memory.ts';

test('giveBack() takes large memory away from everybody at once', () => {
  const memory = new Uint8Array(100_000);
  const view = memory.subarray(10, 20);
  giveBack(view);
  assert.deepEqual([memory.length, view.length], [0, 0]);
});

test('giveBack() leaves memory alone that small buffers share', () => {
  const [one, other] = [Buffer.from('one'), Buffer.from('other')];
  giveBack(one);
  assert.deepEqual([one.toString(), other.toString()], ['one', 'other']);
});
