/** Databases of which the blocks are known are stored as those of which nothing is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PreviousPages, runSteps, storePages } from '../../../src/archiver/store-content.ts';
import type { BlobId } from '../../../src/model/ids.ts';
import { chunksOf } from '../../../src/tree/content.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { readerOf } from '../../helpers/reader-of.ts';
import { Seeded } from '../../helpers/seeded.ts';

class CountingStore extends MemoryStore {
  unitsHashed = 0;

  override idOf(bytes: Uint8Array): BlobId {
    this.unitsHashed++;
    return super.idOf(bytes);
  }
}

function store(blobs: MemoryStore, bytes: Buffer, pageBytes: number, previous?: PreviousPages) {
  return runSteps(storePages(blobs, readerOf(bytes), bytes.length, pageBytes, previous, () => {}));
}

function unitsOf(blobs: MemoryStore, { content, size }: PreviousPages): (BlobId | undefined)[] {
  return [...chunksOf(blobs, content, size)].map(({ id }) => id);
}

/** Other pages, more of them, or fewer. */
function nextVersion(random: Seeded, before: Buffer, pageBytes: number): Buffer {
  const bytes = Buffer.from(before);
  for (let count = random.below(6); count > 0; count--) {
    const at = random.below(bytes.length / pageBytes) * pageBytes + random.below(pageBytes);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
  }
  const pages = random.below(40);
  if (random.below(2) === 0) return Buffer.concat([bytes, random.bytes(pages * pageBytes)]);
  return bytes.subarray(0, Math.max(pageBytes, bytes.length - pages * pageBytes));
}

for (const pageBytes of [512, 4096, 65_536]) {
  test(`storePages() with digests of blocks gives what it gives without, in pages of ${pageBytes} bytes`, () => {
    const random = new Seeded(pageBytes);
    const blobs = new MemoryStore();
    let bytes = random.bytes(80 * pageBytes);
    let known: PreviousPages = store(blobs, bytes, pageBytes);
    for (let version = 0; version < 60; version++) {
      bytes = nextVersion(random, bytes, pageBytes);
      known = store(blobs, bytes, pageBytes, known);
      const alone = new MemoryStore();
      const fresh = store(alone, bytes, pageBytes);
      assert.ok(known.content.kind === 'pages' && fresh.content.kind === 'pages');
      assert.deepEqual([known.content.hash, known.size], [fresh.content.hash, fresh.size]);
      assert.deepEqual(unitsOf(blobs, known), unitsOf(alone, fresh), `version ${version}`);
    }
  });
}

test('storePages() looks at the units of changed blocks only', () => {
  const blobs = new CountingStore();
  const bytes = new Seeded(7).bytes(1000 * 4096 + 4096);
  const first = store(blobs, bytes, 4096);
  const second: PreviousPages = store(blobs, bytes, 4096, first);
  assert.ok(second.digests !== undefined);
  bytes[500 * 4096] = (bytes[500 * 4096] ?? 0) ^ 1;
  blobs.unitsHashed = 0;
  const third = store(blobs, bytes, 4096, second);
  assert.ok(blobs.unitsHashed <= 2 * 8, `${blobs.unitsHashed} units`);
  assert.notDeepEqual(unitsOf(blobs, third), unitsOf(blobs, second));
  assert.equal(new Set(unitsOf(blobs, third)).size, 1001);
});

test('storePages() does not believe digests that cannot be those of the version before', () => {
  const blobs = new CountingStore();
  const bytes = new Seeded(8).bytes(1000 * 4096);
  const first = store(blobs, bytes, 4096);
  const { digests } = store(blobs, bytes, 4096, first);
  assert.ok(digests !== undefined);
  blobs.unitsHashed = 0;
  store(blobs, bytes, 4096, { ...first, digests: digests.subarray(16) });
  assert.equal(blobs.unitsHashed, 1000);
});
