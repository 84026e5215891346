import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContentDiff, FileVersion, SqliteDiff } from '../../../src/diff/content-diff.ts';
import { diffContent } from '../../../src/diff/diff-content.ts';
import { DamageError } from '../../../src/model/errors.ts';
import { fileVersion, repeatedVersion } from './file-version.ts';

const sqliteDiff: SqliteDiff = { kind: 'sqlite', schema: [], tables: [] };
const options = { diffSqlite: () => sqliteDiff };
const gibibyte = 1024 ** 3;

function diffOf(
  path: string,
  before: string | Uint8Array | undefined,
  after: string | Uint8Array | undefined,
) {
  const version = (content: string | Uint8Array | undefined) =>
    content === undefined ? undefined : fileVersion(path, content);
  return diffContent(version(before), version(after), options);
}

function timed(diff: () => ContentDiff): ContentDiff {
  const started = performance.now();
  const result = diff();
  assert.ok(performance.now() - started < 3000);
  return result;
}

test('diffContent() compares each kind in its own way', () => {
  assert.equal(diffOf('openclaw.json', '{a: 1}', '{a: 2}').kind, 'json');
  assert.equal(diffOf('s.jsonl', '{"a":1}\n', '{"a":1}\n{"a":2}\n').kind, 'records');
  assert.equal(diffOf('SOUL.md', 'a\n', 'b\n').kind, 'text');
  assert.equal(diffOf('image', Buffer.from([1, 0, 2]), Buffer.from([1, 0, 3])).kind, 'binary');
  assert.equal(diffOf('x.sqlite', 'SQLite format 3\0a', 'SQLite format 3\0b'), sqliteDiff);
});

test('diffContent() of kinds that differ is text if both are, else binary', () => {
  const one = fileVersion('a.json', '{}\n');
  assert.equal(diffContent(one, fileVersion('a.txt', 'x\n'), options).kind, 'text');
  assert.equal(diffContent(one, fileVersion('a.txt', 'x\0'), options).kind, 'binary');
  assert.equal(diffOf('x.sqlite', 'SQLite format 3\0a', 'gone').kind, 'binary');
});

test('diffContent() takes a version that is not there, or empty, for the kind of the other', () => {
  assert.equal(diffOf('a.json', undefined, '{}').kind, 'json');
  assert.equal(diffOf('x.sqlite', '', 'SQLite format 3\0b').kind, 'sqlite');
  assert.equal(diffOf('s.jsonl', '{}\n', undefined).kind, 'records');
  assert.deepEqual(diffOf('a.txt', undefined, 'x\n'), diffOf('a.txt', '', 'x\n'));
  assert.equal(diffOf('a.bin', undefined, Buffer.from([0, 1])).kind, 'binary');
  assert.equal(diffOf('a.txt', '', undefined).kind, 'text');
});

test('diffContent() falls back from JSON to text', () => {
  const diff = diffOf('openclaw.json', '{"a": 1}\n', '{"a": \n');
  assert.ok(diff.kind === 'text');
  assert.equal(diff.removedLines, 1);
});

test('diffContent() takes a text that is no text further on as binary', () => {
  const text = 'x'.repeat(20_000);
  assert.equal(
    diffOf('a.txt', text, Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xfe])])).kind,
    'binary',
  );
  assert.equal(diffOf('a.txt', text, `${text}\0`).kind, 'binary');
});

test('diffContent() leaves escape sequences, byte order marks and line ends in the data', () => {
  const diff = diffOf('a.txt', '', '\ufeff\x1b]0;owned\x07\r\n');
  assert.ok(diff.kind === 'text');
  assert.equal(diff.hunks[0]?.lines[0]?.text, '\ufeff\x1b]0;owned\x07\r');
});

test('diffContent() gives a note with the sizes of texts that are too long', () => {
  const long = repeatedVersion('a.log', Buffer.alloc(1024 * 1024, 'x'), 2048);
  assert.deepEqual(
    timed(() => diffContent(fileVersion('a.log', 'x'), long, options)),
    {
      kind: 'note',
      message: `too long to be compared (1 and ${2 * gibibyte} bytes, at most 16777216)`,
    },
  );
});

test('diffContent() of a 2 GB line of a transcript is a note', () => {
  const line = repeatedVersion('s.jsonl', Buffer.alloc(1024 * 1024, 'x'), 2048);
  assert.equal(timed(() => diffContent(fileVersion('s.jsonl', '{}\n'), line, options)).kind, 'note');
});

test('diffContent() of a JSON bomb ends soon', () => {
  const bomb = '['.repeat(8_000_000);
  assert.equal(timed(() => diffOf('a.json', '[]', bomb)).kind, 'text');
});

test('diffContent() makes a note of damage', () => {
  const damaged = (path: string): FileVersion => ({
    path,
    bytes: 20_000,
    *read() {
      yield Buffer.alloc(10_000, 'x');
      throw new DamageError('frame 3', 'checksum differs');
    },
  });
  for (const path of ['a.txt', 'a.json', 'a.jsonl']) {
    assert.deepEqual(diffContent(fileVersion(path, 'x'.repeat(20_000)), damaged(path), options), {
      kind: 'note',
      message: 'Damaged frame 3: checksum differs',
    });
  }
});
