import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownChunks } from '../../../src/archiver/known-chunks.ts';
import { type PreviousContent, runSteps, storeContent } from '../../../src/archiver/store-content.ts';
import { DamageError, FileSystemError } from '../../../src/model/errors.ts';
import type { BlobId } from '../../../src/model/ids.ts';
import type { BlobStream, NamedBlob } from '../../../src/model/store.ts';
import { changed } from '../../helpers/changed-bytes.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { readerOf } from '../../helpers/reader-of.ts';
import { Seeded } from '../../helpers/seeded.ts';

const KiB = 1024;

/** Counts the contents that it is given, there or not. */
class CountingStore extends MemoryStore {
  given = 0;

  override writeBlobs(stream: BlobStream, blobs: readonly NamedBlob[]): void {
    if (stream !== 'tree') this.given += blobs.length;
    super.writeBlobs(stream, blobs);
  }
}

function storeIt(store: MemoryStore, bytes: Buffer, previous?: PreviousContent): PreviousContent {
  return runSteps(storeContent(store, readerOf(bytes), bytes.length, previous, () => {}));
}

for (const seed of [1, 2, 3, 4]) {
  test(`storeContent() cuts a file as if nothing were known of it, whatever has changed (seed ${seed})`, () => {
    const random = new Seeded(seed);
    const store = new MemoryStore();
    let bytes: Buffer = Buffer.concat([
      random.bytes(300 * KiB),
      Buffer.alloc(150 * KiB),
      random.bytes(300 * KiB),
    ]);
    let known = storeIt(store, bytes);
    for (let version = 0; version < 60; version++) {
      const next = changed(random, bytes);
      bytes = next.length < 200 * KiB || next.length > 6000 * KiB ? random.bytes(500 * KiB) : next;
      const fresh = storeIt(new MemoryStore(), bytes);
      known = storeIt(store, bytes, known);
      assert.deepEqual(known, fresh, `version ${version}`);
    }
  });
}

test('storeContent() asks for no chunk of a log before its end', () => {
  const store = new CountingStore();
  const log = new Seeded(5).text(8_000_000);
  const first = storeIt(store, log.subarray(0, 7_990_000));
  const all = store.given;
  store.given = 0;
  storeIt(store, log, first);
  assert.ok(all > 300 && store.given <= 3, `${all}, then ${store.given}`);
});

test('storeContent() takes nothing for known of a file that was cut into other sizes', () => {
  const store = new CountingStore();
  const log = new Seeded(6).text(3_000_000);
  const first = storeIt(store, log);
  assert.ok(first.content.kind === 'list');
  store.given = 0;
  const other = storeIt(store, log, { ...first, content: { ...first.content, profile: 1 } });
  assert.ok(store.given > 100, `${store.given}`);
  assert.deepEqual(other, first);
});

test('storeContent() goes on without a list that is damaged', () => {
  const store = new MemoryStore();
  const log = new Seeded(7).text(3_000_000);
  const first = storeIt(store, log);
  assert.ok(first.content.kind === 'list');
  const damaged = { ...first, content: { ...first.content, root: '00'.repeat(32) as BlobId } };
  assert.deepEqual(storeIt(store, log, damaged), first);
});

test('KnownChunks gives neither the last chunk nor one before a hole', () => {
  const id = 'ab'.repeat(32) as BlobId;
  const chunks = new KnownChunks([
    { id, bytes: 1 },
    { id, bytes: 2 },
    { id: undefined, bytes: 3 },
    { id, bytes: 4 },
    { id, bytes: 5 },
  ]);
  const given: (number | undefined)[] = [];
  for (let count = 0; count < 6; count++) {
    given.push(chunks.next?.bytes);
    chunks.pass();
  }
  assert.deepEqual(given, [1, undefined, undefined, 4, undefined, undefined]);
});

for (const error of [
  new DamageError('list', 'is damaged'),
  new FileSystemError('read', 'a.pack', Object.assign(new Error(), { code: 'EIO' })),
])
  test(`KnownChunks ends where the list cannot be read any further: ${error.message}`, () => {
    const id = 'ab'.repeat(32) as BlobId;
    const chunks = new KnownChunks(
      (function* () {
        yield { id, bytes: 1 };
        yield { id, bytes: 2 };
        throw error;
      })(),
    );
    assert.equal(chunks.next?.bytes, 1);
    chunks.pass();
    assert.equal(chunks.next, undefined);
  });
