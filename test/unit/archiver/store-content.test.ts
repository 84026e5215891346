import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSteps, storeContent, storePages } from '../../../src/archiver/store-content.ts';
import { blobIdFromBytes } from '../../../src/model/ids.ts';
import type { BlobStream, NamedBlob } from '../../../src/model/store.ts';
import type { FileContent } from '../../../src/model/tree.ts';
import { readUnitIds } from '../../../src/tree/page-map.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { readerOf } from '../../helpers/reader-of.ts';
import { Seeded } from '../../helpers/seeded.ts';

/** Tells what contents it was asked to store. */
class AskedStore extends MemoryStore {
  asked: NamedBlob[] = [];
  readonly streams = new Set<BlobStream>();

  override writeBlobs(stream: BlobStream, blobs: readonly NamedBlob[]): void {
    if (stream !== 'tree') {
      this.asked.push(...blobs);
      this.streams.add(stream);
    }
    super.writeBlobs(stream, blobs);
  }

  askedSince(): NamedBlob[] {
    return this.asked.splice(0);
  }
}

const nothing = (): void => {};

test('of a database only pages that are others than before are asked for', () => {
  const store = new AskedStore();
  const bytes = Buffer.from(new Seeded(1).bytes(4096 * 700));
  const unitBytes = 4096;
  const storeIt = (previous: { content: FileContent; size: number } | undefined): FileContent =>
    runSteps(storePages(store, readerOf(bytes), bytes.length, unitBytes, previous, nothing)).content;
  const first = storeIt(undefined);
  assert.equal(store.askedSince().length, 700);
  const size = bytes.length;
  for (const page of [0, 255, 256, 699]) bytes.fill(page % 251, page * unitBytes, page * unitBytes + 9);
  const second = storeIt({ content: first, size });
  assert.equal(store.askedSince().length, 4);
  assert.ok(second.kind === 'pages');
  const ids = readUnitIds(store, second, 700);
  for (let unit = 0; unit < 700; unit++) {
    const page = bytes.subarray(unit * unitBytes, (unit + 1) * unitBytes);
    assert.deepEqual(Buffer.from(store.readBlob(blobIdFromBytes(ids, unit * 32))), page);
  }
});

test('parts of contents of 4 MiB and more are told from those of others', () => {
  const streamsOf = (size: number, isDatabase: boolean): BlobStream[] => {
    const store = new AskedStore();
    const read = readerOf(Buffer.from(new Seeded(5).bytes(size)));
    if (isDatabase) runSteps(storePages(store, read, size, 4096, undefined, nothing));
    else runSteps(storeContent(store, read, size, undefined, nothing));
    return [...store.streams];
  };
  const large = 4 * 1024 * 1024;
  for (const isDatabase of [true, false]) {
    assert.deepEqual(streamsOf(large, isDatabase), ['large']);
    assert.deepEqual(streamsOf(large - 4096, isDatabase), ['data']);
  }
});

test('pages beyond the end of the database before are stored', () => {
  const store = new AskedStore();
  const bytes = Buffer.from(new Seeded(2).bytes(4096 * 40));
  const storeIt = (size: number, previous: { content: FileContent; size: number } | undefined) =>
    runSteps(storePages(store, readerOf(bytes), size, 4096, previous, nothing)).content;
  const first = storeIt(4096 * 30, undefined);
  store.askedSince();
  storeIt(4096 * 40, { content: first, size: 4096 * 30 });
  assert.equal(store.askedSince().length, 10);
});

test('a small file that is as it was is not asked for, and another one is', () => {
  const store = new AskedStore();
  const bytes = Buffer.from(new Seeded(3).bytes(2000));
  const storeIt = (previous: FileContent | undefined) =>
    runSteps(
      storeContent(
        store,
        readerOf(bytes),
        bytes.length,
        previous && { content: previous, size: bytes.length },
        nothing,
      ),
    ).content;
  const first = storeIt(undefined);
  assert.equal(store.askedSince().length, 1);
  assert.deepEqual(storeIt(first), first);
  assert.equal(store.askedSince().length, 0);
  bytes[7]! ^= 1;
  const second = storeIt(first);
  assert.ok(second.kind === 'blob');
  assert.deepEqual(Buffer.from(store.readBlob(second.id)), bytes);
});
