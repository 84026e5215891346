import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compressZstd, decompressZstd } from '../../../src/codec/compression.ts';
import { Seeded } from '../../helpers/seeded.ts';

const bytes = 1024 * 1024;

/** Pages of text and random bytes, half of each, as a database of vectors has them. */
function vectorPages(random: Seeded): Buffer {
  const text = 'the vector of this entry follows, and so does what it was made of; ';
  const pages = Array.from({ length: bytes / 2048 }, (_, page) =>
    Buffer.concat([Buffer.from(`${page} ${text.repeat(20)}`).subarray(0, 1024), random.bytes(1024)]),
  );
  return Buffer.concat(pages);
}

function roundTrip(raw: Buffer, isLarge = true): number {
  const compressed = compressZstd(raw, 3, isLarge);
  assert.ok(compressed !== undefined, 'it compresses');
  assert.ok(decompressZstd(compressed, raw.length, 'test').equals(raw));
  return compressed.length;
}

test('compressZstd() gives what decodes to the same, of text and of what hardly compresses', () => {
  const random = new Seeded(1);
  assert.ok(roundTrip(vectorPages(random)) < bytes * 0.55, 'the text of it is found');
  assert.ok(roundTrip(Buffer.from('one line and then another one\n'.repeat(40_000))) < 10_000);
});

test('compressZstd() stores noise as it is, but not noise that comes again', () => {
  const random = new Seeded(2);
  const noise = random.bytes(bytes);
  for (const isLarge of [true, false]) assert.equal(compressZstd(noise, 3, isLarge), undefined);
  const again = random.bytes(5000);
  assert.ok(roundTrip(Buffer.concat(Array.from({ length: 200 }, () => again))) < 20_000);
});

test('compressZstd() finds text behind noise', () => {
  const random = new Seeded(3);
  const raw = Buffer.concat([random.bytes(bytes / 2), Buffer.from('a line of text\n'.repeat(34_000))]);
  assert.ok(roundTrip(raw) < raw.length * 0.6);
});

test('compressZstd() finds more where little is compressed than where much is', () => {
  const folder = join(import.meta.dirname, '../../../src');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const raw = Buffer.concat(names.sort().map((name) => readFileSync(join(folder, name)))).subarray(0, bytes);
  const ours = roundTrip(raw, true);
  const own = roundTrip(raw, false);
  assert.ok(own < ours * 0.995, `${own} and ${ours} bytes`);
});

test('compressZstd() finds more in large frames than in small ones, of a log and of the pages of a database', () => {
  const random = new Seeded(4);
  const lines = Array.from({ length: 20_000 }, () => `${random.bytes(30).toString('hex')}\n`);
  const text = Array.from({ length: 70_000 }, (_, no) => `${no} ${lines[random.below(20_000)]}`).join('');
  const log = Buffer.from(text.slice(0, 4 * bytes));
  const pages = Buffer.concat([0, 1, 2, 3].map(() => vectorPages(random)));
  // Of the pages, what there is to be found is near.
  for (const [raw, share] of [
    [log, 1],
    [pages, 1.01],
  ] as const) {
    const small = [0, 1, 2, 3].map((at) => roundTrip(raw.subarray(bytes * at, bytes * (at + 1)), false));
    const parts = small.reduce((sum, part) => sum + part);
    assert.ok(roundTrip(raw, false) < parts * share, `${roundTrip(raw, false)} and ${parts} bytes`);
  }
});
