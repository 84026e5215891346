import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RecordsDiff } from '../../../src/diff/content-diff.ts';
import { diffRecords } from '../../../src/diff/diff-records.ts';
import { fileVersion, repeatedVersion } from './file-version.ts';

function recordsDiff(before: string | undefined, after: string | undefined): RecordsDiff {
  const version = (text: string | undefined) =>
    text === undefined ? undefined : fileVersion('s.jsonl', text);
  const diff = diffRecords(version(before), version(after));
  assert.ok(diff.kind === 'records', JSON.stringify(diff));
  return diff;
}

const header =
  '{"type":"session","version":3,"id":"s1","timestamp":"2026-03-09T08:00:00.000Z","cwd":"/home/mia"}\n';

function message(id: string, role: string, content: unknown, minute = 1): string {
  const timestamp = `2026-03-09T08:${String(minute).padStart(2, '0')}:00.000Z`;
  return `${JSON.stringify({ type: 'message', id, timestamp, message: { role, content } })}\n`;
}

test('diffRecords() describes what was appended', () => {
  const before = header + message('a', 'user', 'hello');
  const after =
    before +
    message(
      'b',
      'assistant',
      [
        { type: 'thinking', thinking: 'hm' },
        { type: 'text', text: 'Hello,\nMia!' },
        { type: 'toolCall', name: 'exec', arguments: { command: 'ls -l', timeout: 5, deep: { a: 1 } } },
      ],
      2,
    ) +
    `${JSON.stringify({ type: 'message', message: { role: 'toolResult', toolName: 'exec', content: [{ type: 'text', text: 'total 0' }], timestamp: 1773043380000 } })}\n`;
  assert.deepEqual(recordsDiff(before, after), {
    kind: 'records',
    appended: 2,
    removed: 0,
    changed: 0,
    how: 'appended',
    firstTime: '2026-03-09T08:02:00.000Z',
    lastTime: '2026-03-09T08:03:00.000Z',
    records: [
      {
        op: 'added',
        line: 3,
        time: '2026-03-09T08:02:00.000Z',
        who: 'assistant',
        text: '(hm) Hello, Mia! exec(command: ls -l, timeout: 5)',
      },
      { op: 'added', line: 4, time: '2026-03-09T08:03:00.000Z', who: 'exec', text: 'total 0' },
    ],
    moreRecords: 0,
  });
});

test('diffRecords() of a record that was half written counts it once finished', () => {
  const whole = header + message('a', 'user', 'hello');
  assert.equal(recordsDiff(whole.slice(0, -20), whole).how, 'appended');
  assert.equal(recordsDiff(whole.slice(0, -20), whole).appended, 1);
  assert.equal(recordsDiff(whole.slice(0, -1), whole).how, 'same');
  assert.equal(recordsDiff(whole.slice(0, -1), whole + message('b', 'user', 'x')).appended, 1);
  assert.equal(recordsDiff(whole, whole).how, 'same');
});

test('diffRecords() says what was rewritten, by id', () => {
  const before =
    header + message('a', 'user', 'hello') + message('b', 'assistant', 'hi') + message('c', 'user', 'bye');
  const after =
    header +
    message('a', 'user', 'hello') +
    message('b', 'assistant', 'hi there') +
    message('d', 'user', 'so');
  const diff = recordsDiff(before, after);
  assert.equal(diff.how, 'rewritten');
  assert.deepEqual([diff.appended, diff.removed, diff.changed], [1, 1, 1]);
  assert.deepEqual(
    diff.records.map(({ op, line, text }) => [op, line, text]),
    [
      ['removed', 4, 'bye'],
      ['changed', 3, 'hi there'],
      ['added', 4, 'so'],
    ],
  );
});

test('diffRecords() tells a compaction that took the place of records from one that was appended', () => {
  const compaction = `${JSON.stringify({ type: 'compaction', id: 'z', timestamp: '2026-03-09T09:00:00Z', summary: 'They met.' })}\n`;
  const before =
    header + message('a', 'user', 'hello') + message('b', 'assistant', 'hi') + message('c', 'user', 'bye');
  const compacted = recordsDiff(before, header + compaction + message('c', 'user', 'bye'));
  assert.equal(compacted.how, 'compacted');
  assert.deepEqual([compacted.appended, compacted.removed, compacted.changed], [1, 2, 0]);
  assert.deepEqual(compacted.records.at(-1), {
    op: 'added',
    line: 2,
    time: '2026-03-09T09:00:00.000Z',
    who: 'compaction',
    text: 'They met.',
  });
  assert.equal(recordsDiff(before, before + compaction).how, 'appended');
});

test('diffRecords() counts a cut off end, and versions that are not there', () => {
  const whole = header + message('a', 'user', 'hello');
  assert.deepEqual([recordsDiff(whole, header).how, recordsDiff(whole, header).removed], ['rewritten', 1]);
  assert.equal(recordsDiff(undefined, whole).appended, 2);
  assert.equal(recordsDiff(whole, undefined).removed, 2);
});

test('diffRecords() shows a line that is not JSON as it is', () => {
  assert.deepEqual(recordsDiff('', 'plain \x1b[31mtext\n\n7\n').records, [
    { op: 'added', line: 1, text: 'plain \x1b[31mtext' },
    { op: 'added', line: 3, text: '7' },
  ]);
});

test('diffRecords() counts add up for any two files', () => {
  const line = fc
    .tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom('x', 'y'))
    .map(([id, text]) => message(id, 'user', text));
  const lines = fc.uniqueArray(line, { maxLength: 8 });
  fc.assert(
    fc.property(lines, lines, fc.boolean(), (before, after, ended) => {
      const diff = recordsDiff(before.join(''), ended ? after.join('') : after.join('').slice(0, -1));
      assert.equal(before.length - diff.removed + diff.appended, after.length);
      assert.equal(diff.records.length, diff.appended + diff.removed + diff.changed);
      for (const { op, line, text } of diff.records) {
        const side = op === 'removed' ? before : after;
        assert.equal(JSON.parse(side[line - 1]!).message.content, text);
      }
    }),
  );
});

test('diffRecords() lists at most 1,000 records and still knows the last time', () => {
  const after = Array.from({ length: 3000 }, (_, at) => message(`m${at}`, 'user', 'x', at % 60)).join('');
  const diff = recordsDiff('', after);
  assert.deepEqual([diff.appended, diff.records.length, diff.moreRecords], [3000, 1000, 2000]);
  assert.equal(diff.lastTime, '2026-03-09T08:59:00.000Z');
});

test('diffRecords() gives a note for a line of 2 GB, at once', () => {
  const started = performance.now();
  const endless = repeatedVersion('s.jsonl', Buffer.alloc(1024 * 1024, 'x'), 2048);
  const diff = diffRecords(fileVersion('s.jsonl', header), endless);
  assert.ok(diff.kind === 'note');
  assert.match(
    diff.message,
    /^not compared record by record \(\d+ and 2147483648 bytes\): line 1 is longer than 16777216 bytes$/,
  );
  assert.ok(performance.now() - started < 1000);
});

test('diffRecords() gives a note when more differs than may be held', () => {
  const lines = Buffer.from('{"a":1}\n'.repeat(10_000));
  const diff = diffRecords(fileVersion('s.jsonl', header), repeatedVersion('s.jsonl', lines, 2000));
  assert.ok(diff.kind === 'note');
  assert.match(diff.message, /more differs than 67108864 bytes or 200000 lines/);
});
