import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { seededRandom } from '../../../bench/lib/random.ts';
import { createWriter } from '../../../bench/lib/text.ts';

function prose(seed: number, documents: number, words: number): string {
  const writer = createWriter(seed);
  const random = seededRandom(seed, 'prose');
  return Array.from({ length: documents }, () => writer.prose(random, writer.topic(random), words)).join(
    '\n\n',
  );
}

test('createWriter() writes the same text for the same seed', () => {
  assert.equal(prose(1, 3, 200), prose(1, 3, 200));
  assert.notEqual(prose(1, 3, 200), prose(2, 3, 200));
});

test('createWriter() writes as many words as asked for, in sentences', () => {
  const text = prose(1, 1, 200);
  assert.equal(text.split(' ').length, 200);
  assert.match(text, /^[A-Z][a-z, ]+\. /);
  assert.ok(text.endsWith('.'));
});

test('createWriter() writes text that compresses like English documentation', () => {
  const text = Buffer.from(prose(1, 120, 1500));
  const piece = (bytes: number): number => bytes / zstdCompressSync(text.subarray(0, bytes)).length;
  const [small, large] = [piece(64 * 1024), piece(1024 * 1024)];
  assert.ok(small > 2.1 && small < 2.9, `64 KiB: ${small}`);
  assert.ok(large > 2.7 && large < 3.5, `1 MiB: ${large}`);
});

test('createWriter() writes long and short words as often as people do', () => {
  const words = prose(1, 50, 1000).match(/\w+/g) ?? [];
  const mean = words.join('').length / words.length;
  assert.ok(mean > 4 && mean < 7, `mean length ${mean}`);
});
