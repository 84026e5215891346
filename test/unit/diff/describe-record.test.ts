import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeRecord, identityOf, isCompaction, parseRecord } from '../../../src/diff/describe-record.ts';

const describe = (value: unknown) => describeRecord(parseRecord(JSON.stringify(value)));

test('describeRecord() reads times in ISO 8601, seconds and milliseconds, and no counts', () => {
  const time = '2026-03-09T08:00:00.000Z';
  assert.equal(describe({ timestamp: time }).time, time);
  assert.equal(describe({ ts: Date.parse(time) }).time, time);
  assert.equal(describe({ createdAt: Date.parse(time) / 1000 }).time, time);
  assert.equal(describe({ message: { timestamp: Date.parse(time) } }).time, time);
  assert.equal(describe({ time: 12 }).time, undefined);
  assert.equal(describe({ time: 1e300 }).time, undefined);
  assert.equal(describe({ time: 'tomorrow' }).time, undefined);
});

test('describeRecord() says who', () => {
  assert.equal(describe({ type: 'message', message: { role: 'user' } }).who, 'user');
  assert.equal(describe({ role: 'toolResult', toolName: 'exec' }).who, 'exec');
  assert.equal(describe({ author: { name: 'Mia' } }).who, 'Mia');
  assert.equal(describe({ type: 'model_change' }).who, 'model_change');
  assert.equal(describe({ constructor: 1 }).who, undefined);
});

test('describeRecord() gives one line that is not long', () => {
  assert.equal(describe({ message: { content: 'a\n\n b\tc' } }).text, 'a b c');
  assert.equal(
    describe({ message: { content: [{ type: 'image', data: 'AAAA' }, 'and more'] } }).text,
    '[image] and more',
  );
  assert.equal(describe({ type: 'compaction', summary: 'They met.' }).text, 'They met.');
  assert.equal(describe({ event: 'start', n: 1 }).text, '{"event":"start","n":1}');
  const long = describe({ content: 'x'.repeat(10_000) }).text;
  assert.ok(long.length === 300 && long.endsWith('x…'));
});

test('describeRecord() survives a line that is nested very deeply', () => {
  const line = `{"role":"user","content":${'['.repeat(1e6)}${']'.repeat(1e6)}}`;
  assert.equal(describeRecord(parseRecord(line)).who, 'user');
});

test('identityOf() is the id, or the time with who it is from', () => {
  const identity = (value: unknown) => identityOf(parseRecord(JSON.stringify(value)));
  assert.equal(identity({ id: 'a', ts: 1.7e12 }), 'id a');
  assert.equal(identity({ ts: 1.7e12, role: 'user' }), 'time 2023-11-14T22:13:20.000Z user');
  assert.equal(identity({ role: 'user' }), undefined);
  assert.equal(identity([1]), undefined);
});

test('isCompaction() knows the record that sums up older ones', () => {
  assert.ok(isCompaction(parseRecord('{"type":"compaction"}')));
  assert.ok(!isCompaction(parseRecord('{"text":"compaction"}')));
});
