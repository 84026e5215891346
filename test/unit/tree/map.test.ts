import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BlobId } from '../../../src/model/ids.ts';
import { isPathKey } from '../../../src/model/paths.ts';
import { MapBuilder } from '../../../src/tree/map-builder.ts';
import { diffMaps } from '../../../src/tree/map-diff.ts';
import { getMapEntry, mapEntries } from '../../../src/tree/map-reader.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';

type Entries = ReadonlyMap<string, string>;

function build(store: MemoryStore, entries: Entries): BlobId | null {
  const builder = new MapBuilder(store);
  for (const key of [...entries.keys()].sort()) builder.add(key, Buffer.from(entries.get(key) ?? ''));
  return builder.finish() ?? null;
}

function manyEntries(count: number): Map<string, string> {
  return new Map(
    Array.from({ length: count }, (_, index) => [`folder ${index % 50}\0file ${index}`, `value ${index}`]),
  );
}

const pathKeys = fc.string({ maxLength: 12 }).filter(isPathKey);
const anyEntries = fc.dictionary(pathKeys, fc.string({ maxLength: 8 }), { maxKeys: 200 });
/** Keys as bytes: every character below 256. */
const asBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const mapOf = (value: Record<string, string>): Map<string, string> =>
  new Map(Object.entries(value).map(([key, one]) => [asBytes(key), asBytes(one)]));

test('MapBuilder gives a map that reads back what was added', () => {
  fc.assert(
    fc.property(anyEntries, (value) => {
      const store = new MemoryStore();
      const entries = mapOf(value);
      const root = build(store, entries);
      const read = [...mapEntries(store, root)].map(({ key, value: bytes }) => [
        key,
        Buffer.from(bytes).toString('utf8'),
      ]);
      const wanted = [...entries]
        .map(([key, one]) => [key, one])
        .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
      assert.deepEqual(
        read.map(([key]) => key),
        wanted.map(([key]) => key),
      );
      for (const key of entries.keys()) assert.ok(getMapEntry(store, root, key));
    }),
    { seed: 1, numRuns: 100 },
  );
});

test('getMapEntry() finds every key and no other', () => {
  const store = new MemoryStore();
  const entries = manyEntries(5000);
  const root = build(store, entries);
  for (const [key, value] of entries)
    assert.equal(Buffer.from(getMapEntry(store, root, key)?.value ?? []).toString(), value);
  assert.equal(getMapEntry(store, root, 'folder 1\0file'), undefined);
  assert.equal(getMapEntry(store, root, '\u00ff'), undefined);
  assert.equal(getMapEntry(store, null, 'x'), undefined);
});

test('mapEntries() begins at the first key that is not less', () => {
  const store = new MemoryStore();
  const entries = manyEntries(3000);
  const root = build(store, entries);
  const keys = [...entries.keys()].sort();
  for (const from of ['', 'folder 2', 'folder 49\0file 99', 'zzz']) {
    assert.deepEqual(
      [...mapEntries(store, root, from)].map((entry) => entry.key),
      keys.filter((key) => key >= from),
    );
  }
});

test('a changed value writes one node a level', () => {
  const store = new MemoryStore();
  const entries = manyEntries(20_000);
  build(store, entries);
  const nodes = store.blobs.size;
  const bytes = store.written;
  entries.set('folder 7\0file 7', 'another value');
  build(store, entries);
  assert.ok(store.blobs.size - nodes <= 4, `${store.blobs.size - nodes} nodes`);
  assert.ok(store.written - bytes < 12_000, `${store.written - bytes} bytes`);
});

test('diffMaps() gives exactly what differs, in order', () => {
  fc.assert(
    fc.property(anyEntries, anyEntries, fc.boolean(), (first, second, overlap) => {
      const store = new MemoryStore();
      const before = mapOf(first);
      const after = mapOf(overlap ? { ...first, ...second } : second);
      const found = [...diffMaps(store, build(store, before), build(store, after))];
      const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
      const wanted = keys.filter((key) => before.get(key) !== after.get(key));
      assert.deepEqual(
        found.map((change) => change.key),
        wanted,
      );
      for (const { key, before: a, after: b } of found) {
        assert.equal(a === undefined, !before.has(key));
        assert.equal(b === undefined, !after.has(key));
      }
    }),
    { seed: 2, numRuns: 150 },
  );
});

test('diffMaps() reads little of two large maps that differ in little', () => {
  const store = new MemoryStore();
  const entries = manyEntries(50_000);
  const before = build(store, entries);
  entries.delete('folder 3\0file 3');
  entries.set('folder 9\0file new', 'x');
  const after = build(store, entries);
  store.readBlobs = 0;
  assert.equal([...diffMaps(store, before, after)].length, 2);
  assert.ok(store.readBlobs < 60, `${store.readBlobs} nodes read`);
});

test('diffMaps() says which nodes it reads next where all differ, and hardly any where little does', () => {
  const asked: BlobId[] = [];
  class AskedStore extends MemoryStore {
    expectBlobs(ids: readonly BlobId[]): void {
      asked.push(...ids);
    }
  }
  const store = new AskedStore();
  const entries = manyEntries(20_000);
  const before = build(store, entries);
  const allOthers = build(store, new Map([...entries].map(([key, value]) => [key, `${value} touched`])));
  store.readBlobs = 0;
  assert.equal([...diffMaps(store, before, allOthers)].length, entries.size);
  const told = new Set(asked).size;
  assert.ok(told > store.readBlobs * 0.7 && told <= store.readBlobs, `${told} of ${store.readBlobs}`);

  asked.length = 0;
  entries.set('folder 9\0file new', 'x');
  assert.equal([...diffMaps(store, before, build(store, entries))].length, 1);
  assert.ok(asked.length < 10, `${asked.length}`);
});
