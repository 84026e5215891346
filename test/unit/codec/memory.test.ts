import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveBack, Recycled } from '../../../src/codec/memory.ts';

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

test('Recycled gives memory that was given back, as much as is asked for, and never the same twice', () => {
  const memory = new Recycled();
  const first = memory.take(300_000);
  assert.equal(first.length, 300_000);
  const second = memory.take(300_000);
  assert.notEqual(second.buffer, first.buffer);
  memory.give(first.subarray(10, 20));
  assert.equal(memory.take(1_000_000).length, 1_000_000);
  const third = memory.take(200_000);
  assert.equal(third.buffer, first.buffer);
  assert.equal(third.length, 200_000);
  assert.notEqual(memory.take(200_000).buffer, first.buffer);
});

test('Recycled keeps no more than some of what is given back, and nothing that is not its own', () => {
  const memory = new Recycled();
  const taken = Array.from({ length: 40 }, () => memory.take(1_000_000));
  for (const one of taken) memory.give(one);
  const kept = taken.filter(({ length }) => length > 0).length;
  assert.ok(kept > 4 && kept < 20, `${kept} of 40`);
  const foreign = Buffer.alloc(1_000_000);
  memory.give(foreign);
  assert.equal(foreign.length, 0);
});
