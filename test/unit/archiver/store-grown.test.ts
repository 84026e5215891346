import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PreviousContent, runSteps, storeContent } from '../../../src/archiver/store-content.ts';
import { type SeekableSource, storeFileContent } from '../../../src/archiver/store-grown.ts';
import { blobIdOf } from '../../../src/codec/hash.ts';
import type { BlobId } from '../../../src/model/ids.ts';
import { contentBytes } from '../../../src/tree/content.ts';
import { changed } from '../../helpers/changed-bytes.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { readerOf } from '../../helpers/reader-of.ts';
import { Seeded } from '../../helpers/seeded.ts';

const KiB = 1024;

class CountingStore extends MemoryStore {
  hashed = 0;

  override idOf(bytes: Uint8Array): BlobId {
    this.hashed += bytes.length;
    return super.idOf(bytes);
  }
}

/** `bytesAt` gives what the file holds when it is read there. */
function sourceOf(bytesAt: (position: number) => Buffer): SeekableSource {
  let position = 0;
  return {
    read(buffer, offset, bytes) {
      const from = bytesAt(position);
      const count = Math.max(0, Math.min(bytes, from.length - position));
      from.copy(buffer, offset, position, position + count);
      position += count;
      return count;
    },
    seek(to) {
      position = to;
    },
  };
}

function storeIt(store: MemoryStore, bytes: Buffer, previous?: PreviousContent): PreviousContent {
  const source = sourceOf(() => bytes);
  return runSteps(storeFileContent(store, source, bytes.length, previous, () => {}));
}

function storeFresh(bytes: Buffer): PreviousContent {
  return runSteps(storeContent(new MemoryStore(), readerOf(bytes), bytes.length, undefined, () => {}));
}

for (const seed of [1, 2, 3]) {
  test(`storeFileContent() gives what is given where nothing is known, whatever has changed (seed ${seed})`, () => {
    const random = new Seeded(seed);
    const store = new MemoryStore();
    let bytes: Buffer = random.text(1500 * KiB);
    let known = storeIt(store, bytes);
    for (let version = 0; version < 60; version++) {
      // Half of the time it grows at its end, by text, by nothing, or by so many zeros that some are holes.
      const more = [
        random.text(random.below(90 * KiB)),
        Buffer.alloc(0),
        Buffer.alloc(random.below(300 * KiB)),
      ];
      const grown = Buffer.concat([bytes, more[random.below(3)] as Buffer]);
      const next = random.below(2) === 0 ? grown : changed(random, bytes);
      bytes = next.length < 200 * KiB || next.length > 8000 * KiB ? random.text(1500 * KiB) : next;
      known = storeIt(store, bytes, known);
      assert.deepEqual(known, storeFresh(bytes), `version ${version}`);
    }
  });
}

test('storeFileContent() of a log that grew hashes no chunk but those at its end', () => {
  const store = new CountingStore();
  const log = new Seeded(5).text(8_000_000);
  const first = storeIt(store, log.subarray(0, 7_990_000));
  assert.ok(store.hashed >= 7_990_000);
  store.hashed = 0;
  const nodes = store.blobs.size;
  assert.deepEqual(storeIt(store, log, first), storeFresh(log));
  assert.ok(store.hashed < 2_000_000, `${store.hashed} bytes`);
  assert.ok(store.blobs.size - nodes < 10, `${store.blobs.size - nodes} blobs`);
});

test('storeFileContent() finds a change anywhere before the end, though the end is the same', () => {
  const store = new MemoryStore();
  const log = new Seeded(6).text(6_000_000);
  const first = storeIt(store, log);
  for (const at of [0, 1, 3_000_000, 5_000_000]) {
    const other = Buffer.from(log);
    other[at] = (other[at] ?? 0) ^ 1;
    const stored = storeIt(store, other, first);
    assert.deepEqual(stored, storeFresh(other), `byte ${at}`);
    assert.notDeepEqual(stored, first);
  }
});

test('storeFileContent() goes on without a list that is damaged', () => {
  const store = new MemoryStore();
  const log = new Seeded(7).text(6_000_000);
  const first = storeIt(store, log);
  assert.ok(first.content.kind === 'list');
  const damaged = { ...first, content: { ...first.content, root: '00'.repeat(32) as BlobId } };
  assert.deepEqual(storeIt(store, log, damaged), first);
});

for (const [what, later] of [
  ['is cut short', (log: Buffer) => log.subarray(0, 5_900_000)],
  ['begins otherwise', (log: Buffer) => Buffer.concat([Buffer.from('x'), log.subarray(1)])],
] as const) {
  test(`storeFileContent() of a file that ${what} while it is read tells what it read at last`, () => {
    const store = new MemoryStore();
    const log = new Seeded(8).text(6_000_000);
    const first = storeIt(store, log);
    const changedLog = later(log);
    let reads = 0;
    const source = sourceOf(() => (reads++ < 2 ? log : changedLog));
    const stored = runSteps(storeFileContent(store, source, log.length, first, () => {}));
    // Of a file that changes under way its hash and its chunks must still be of the same bytes.
    const { content } = stored;
    assert.ok(content.kind === 'list');
    const meta = { mode: 0o600, uid: 0, gid: 0, mtimeNs: 1n, state: 'changed' } as const;
    assert.equal(blobIdOf(contentBytes(store, { type: 'file', ...meta, ...stored })), content.hash);
  });
}
