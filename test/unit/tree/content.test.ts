import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  runSteps,
  type StoredContent,
  storeContent,
  storePages,
} from '../../../src/archiver/store-content.ts';
import { blobIdOf } from '../../../src/codec/hash.ts';
import { decodeNode, encodeNode, hashOfContent } from '../../../src/codec/node-codec.ts';
import { DamageError } from '../../../src/model/errors.ts';
import type { FileNode } from '../../../src/model/tree.ts';
import { contentReader } from '../../../src/tree/content.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { readerOf } from '../../helpers/reader-of.ts';
import { Seeded } from '../../helpers/seeded.ts';

const KiB = 1024;

function nodeOf(stored: Pick<FileNode, 'content' | 'size'>): FileNode {
  return { type: 'file', mode: 0o600, uid: 0, gid: 0, mtimeNs: 1n, state: 'stable', ...stored };
}

function readBack(store: MemoryStore, node: FileNode): Buffer {
  return Buffer.concat([...contentReader(store).readContent(node)].map((piece) => Buffer.from(piece)));
}

function roundTrip(input: Buffer): FileNode {
  const store = new MemoryStore();
  const stored = runSteps(storeContent(store, readerOf(input), input.length, undefined, () => {}));
  const node = decodeNode(encodeNode(nodeOf(stored)), 'node') as FileNode;
  assert.ok(readBack(store, node).equals(input), `${input.length} bytes`);
  if (node.content.kind !== 'inline') assert.equal(hashOfContent(node.content), blobIdOf(input));
  return node;
}

test('storeContent() gives back what was stored, at every size where the way changes', () => {
  const random = new Seeded(21);
  const kinds = new Set<string>();
  for (const size of [
    0, 1, 64, 65, 65_535, 65_536, 65_537, 131_072, 500_000, 4_194_304, 4_200_000, 9_000_001,
  ]) {
    kinds.add(roundTrip(random.bytes(size)).content.kind);
  }
  assert.deepEqual([...kinds].sort(), ['blob', 'chunks', 'inline', 'list']);
});

test('contentReader() says once which blobs come next, and those of lists before they are read', () => {
  const store = new MemoryStore();
  const random = new Seeded(22);
  const bytes = [40_000_000, 9_000_000, 131_072, 30_000, 10].map((size) => random.bytes(size));
  const nodes = bytes.map((input) =>
    nodeOf(runSteps(storeContent(store, readerOf(input), input.length, undefined, () => {}))),
  );
  assert.deepEqual(
    nodes.map(({ content }) => content.kind),
    ['list', 'list', 'chunks', 'blob', 'inline'],
  );
  const told: string[] = [];
  const reader = contentReader({
    readBlob: (id) => store.readBlob(id),
    expectBlobs: (ids) => told.push(...ids),
  });
  reader.expectContents?.(nodes);
  const ahead = told.length;
  assert.ok(ahead > 1000, `${ahead} blobs`); // 16 MiB of the first, and all others
  for (const [index, node] of nodes.entries()) {
    const read = Buffer.concat([...reader.readContent(node)].map((piece) => Buffer.from(piece)));
    assert.ok(read.equals(bytes[index]!));
  }
  assert.ok(told.length > ahead, 'the rest of the first');
  assert.equal(new Set(told).size, told.length);
});

test('contentReader() tells of a damaged list when it is read, and not when it is expected', () => {
  const store = new MemoryStore();
  const input = new Seeded(23).bytes(9_000_000);
  const node = nodeOf(runSteps(storeContent(store, readerOf(input), input.length, undefined, () => {})));
  const expected: string[] = [];
  const reader = contentReader({
    readBlob: (id) => {
      if (node.content.kind === 'list' && id === node.content.root)
        throw new DamageError('a list', 'is gone');
      return store.readBlob(id);
    },
    expectBlobs: (ids) => expected.push(...ids),
  });
  reader.expectContents?.([node]);
  assert.deepEqual(expected, []);
  assert.throws(() => [...reader.readContent(node)], /a list: is gone/);
});

test('storeContent() stores aligned blocks of zeros as holes', () => {
  const store = new MemoryStore();
  const input = Buffer.concat([Buffer.from('head'), Buffer.alloc(10_000_000), Buffer.from('tail')]);
  const stored = runSteps(storeContent(store, readerOf(input), input.length, undefined, () => {}));
  assert.ok(readBack(store, nodeOf(stored)).equals(input));
  assert.ok(store.written < 200 * KiB, `${store.written} bytes`);
});

test('storeContent() gives back any mixture of data and zeros', () => {
  const piece = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 300 * KiB }), fc.integer());
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const parts = pieces.map(([isZero, size, seed]) =>
        isZero ? Buffer.alloc(size) : new Seeded(seed).bytes(size),
      );
      roundTrip(Buffer.concat(parts));
    }),
    { seed: 5, numRuns: 40 },
  );
});

test('storeContent() of a file that grew stores the end and little more', () => {
  const store = new MemoryStore();
  const log = new Seeded(31).text(8_000_000);
  const first = runSteps(
    storeContent(store, readerOf(log.subarray(0, 7_900_000)), 7_900_000, undefined, () => {}),
  );
  const before = store.written;
  runSteps(storeContent(store, readerOf(log), log.length, first, () => {}));
  assert.ok(store.written - before < 100_000 + 70 * KiB, `${store.written - before} bytes`);
});

test('storeContent() says how many bytes there were when a file is shorter than it was', () => {
  const store = new MemoryStore();
  assert.equal(
    runSteps(storeContent(store, readerOf(Buffer.alloc(10, 1)), 100, undefined, () => {})).size,
    10,
  );
  assert.equal(
    runSteps(storeContent(store, readerOf(Buffer.alloc(100_000, 1)), 200_000, undefined, () => {})).size,
    100_000,
  );
});

test('storePages() stores only changed pages of the next version', () => {
  const store = new MemoryStore();
  const random = new Seeded(41);
  const database = random.bytes(4096 * 2000);
  let previous = {
    ...runSteps(storePages(store, readerOf(database), database.length, 4096, undefined, () => {})),
  };
  for (let version = 0; version < 40; version++) {
    for (let change = 0; change < 3; change++) database[random.below(database.length)] = random.below(256);
    const before = store.written;
    previous = runSteps(storePages(store, readerOf(database), database.length, 4096, previous, () => {}));
    assert.ok(
      store.written - before < 3 * 4096 + 16_000,
      `version ${version}: ${store.written - before} bytes`,
    );
    assert.ok(readBack(store, nodeOf(previous)).equals(database), `version ${version}`);
  }
});

test('storePages() follows a database that grows and shrinks', () => {
  const store = new MemoryStore();
  const random = new Seeded(43);
  let previous: StoredContent | undefined;
  for (const pages of [10, 11, 500, 499, 20, 21, 600, 1, 2]) {
    const database = random.bytes(512 * pages);
    database.fill(7, 0, 512 * Math.floor(pages / 2));
    previous = runSteps(storePages(store, readerOf(database), database.length, 512, previous, () => {}));
    const node = decodeNode(encodeNode(nodeOf(previous)), 'node') as FileNode;
    assert.ok(readBack(store, node).equals(database), `${pages} pages`);
  }
});

test('storePages() of an unchanged database writes nothing and gives the same content', () => {
  const store = new MemoryStore();
  const database = new Seeded(47).bytes(4096 * 300);
  const first = runSteps(storePages(store, readerOf(database), database.length, 4096, undefined, () => {}));
  const before = store.written;
  const second = runSteps(storePages(store, readerOf(database), database.length, 4096, first, () => {}));
  assert.equal(store.written, before);
  assert.deepEqual(second.content, first.content);
});
