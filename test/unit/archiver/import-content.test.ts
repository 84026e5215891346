/** Contents that come as streams are stored as the same bytes of a file are, whatever pieces they come in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importContent } from '../../../src/archiver/import-content.ts';
import { runSteps, storeContent, storePages } from '../../../src/archiver/store-content.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { readerOf } from '../../helpers/reader-of.ts';
import { Seeded } from '../../helpers/seeded.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const nothing = (): void => {};

/** What it was asked to give, and whether it was told that no more is wanted. */
class Stream implements AsyncIterable<Uint8Array> {
  isOver = false;
  readonly #pieces: readonly Uint8Array[];

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#pieces;
    } finally {
      this.isOver = true;
    }
  }
}

/** Also empty ones. */
function cutAnyhow(bytes: Buffer, random: Seeded, pieceBytesMax: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + random.below(pieceBytesMax + 1);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

function databaseOf(pages: number, pageBytes: number): Buffer {
  const bytes = Buffer.from(new Seeded(pages).bytes(pages * pageBytes));
  bytes.write('SQLite format 3\0', 0, 'latin1');
  bytes.writeUInt16BE(pageBytes === 65_536 ? 1 : pageBytes, 16);
  return bytes;
}

const window = 4 * MiB;
const sizes = [0, 1, 99, 100, 101, 5000, 200 * KiB, window - 1, window, window + 1, window + 64 * KiB];

for (const size of [...sizes, window + 64 * KiB + 1, 13 * MiB + 7]) {
  test(`a stream of ${size} bytes is stored as a file of them is`, async () => {
    const random = new Seeded(size);
    const bytes = Buffer.from(random.bytes(size));
    bytes.fill(0, Math.floor(size / 3), Math.floor(size / 2)); // a hole, where it is large
    const store = new MemoryStore();
    const { content } = runSteps(storeContent(store, readerOf(bytes), size, undefined, nothing));
    for (const pieceBytesMax of [700, 64 * KiB, 3 * MiB]) {
      const stream = new Stream(cutAnyhow(bytes, random, pieceBytesMax));
      const imported = await importContent(new MemoryStore(), stream, size);
      assert.deepEqual(imported, { content, size, isDatabase: false });
      assert.ok(stream.isOver);
    }
  });
}

for (const pageBytes of [512, 4096, 65_536]) {
  test(`a database with pages of ${pageBytes} bytes is stored page by page`, async () => {
    const pages = Math.ceil((5 * MiB) / pageBytes) + 3;
    const bytes = databaseOf(pages, pageBytes);
    const size = bytes.length;
    const store = new MemoryStore();
    const { content } = runSteps(storePages(store, readerOf(bytes), size, pageBytes, undefined, nothing));
    const random = new Seeded(1);
    for (const pieceBytesMax of [60, 64 * KiB, 3 * MiB]) {
      const imported = await importContent(
        new MemoryStore(),
        new Stream(cutAnyhow(bytes, random, pieceBytesMax)),
        size,
      );
      assert.deepEqual(imported, { content, size, isDatabase: true });
    }
    const cut = bytes.subarray(0, size - 1);
    const { isDatabase } = await importContent(new MemoryStore(), new Stream([cut]), size - 1);
    assert.equal(isDatabase, false, 'a database that is cut short is a file like any other');
  });
}

test('a stream that fails in the middle is told, and nobody goes on reading it', async () => {
  const bytes = Buffer.from(new Seeded(3).bytes(6 * MiB));
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 5 * MiB);
    throw new Error('the disk is gone');
  }
  await assert.rejects(importContent(new MemoryStore(), failing(), bytes.length), /the disk is gone/);
  const full = new MemoryStore();
  full.writeBlobs = () => {
    throw new Error('the disk is full');
  };
  const stream = new Stream(cutAnyhow(bytes, new Seeded(4), MiB));
  await assert.rejects(importContent(full, stream, bytes.length), /the disk is full/);
  assert.ok(stream.isOver);
});

test('a stream that is shorter or longer than was said is refused', async () => {
  const bytes = Buffer.from(new Seeded(5).bytes(6 * MiB));
  for (const wrong of [-1, 1]) {
    const stream = new Stream([bytes]);
    await assert.rejects(
      importContent(new MemoryStore(), stream, bytes.length + wrong),
      /as long as was said/,
    );
    assert.ok(stream.isOver);
  }
});
