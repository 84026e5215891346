import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobId, PackId } from '../../../src/model/ids.ts';
import type { Database } from '../../../src/repository/database.ts';
import { openMemoryIndex } from '../../../src/repository/index-schema.ts';
import { PackIndex } from '../../../src/repository/pack-index.ts';

function openIndex(database = openDatabase()): PackIndex {
  return new PackIndex(database);
}

function openDatabase(): Database {
  return openMemoryIndex({ repositoryId: '00'.repeat(16), isSealed: false });
}

function packOf(byte: number, ids: readonly BlobId[]): Parameters<PackIndex['addPacks']>[0] {
  const id = Buffer.alloc(16, byte).toString('hex') as PackId;
  const blobs = ids.map((blob) => ({ id: blob, bytes: 10 }));
  return [
    { directory: { id, frames: [{ kind: 'data', offset: 32 + byte, bytes: 100, blobs }] }, packBytes: 500 },
  ];
}

/** Of a first byte that tells them apart, and others that do not. */
function idOf(number: number): BlobId {
  const id = Buffer.alloc(32);
  id.writeUInt32BE(number << 5, 0);
  return id.toString('hex') as BlobId;
}

test('findAll() finds what came into the place of a pack that was removed', () => {
  const index = openIndex();
  index.addPacks(packOf(1, [idOf(1)]));
  index.findAll([idOf(1)], () => undefined);
  index.removePacks(new Set([...index.listPacks().keys()]));
  index.addPacks(packOf(2, [idOf(2)]));
  assert.deepEqual(
    index.findAll([idOf(1), idOf(2)], () => undefined),
    new Map([[idOf(2), index.find(idOf(2))]]),
  );
});

test('findAll() takes the places of a pack that is met often from its directory, but not of frames that are damaged', () => {
  const index = openIndex();
  const blobs = Array.from({ length: 200 }, (_, number) => idOf(number)).map((id) => ({ id, bytes: 10 }));
  const [pack] = [...packOf(7, [])];
  const id = pack!.directory.id;
  const frames = [0, 100].map((at) => ({
    kind: 'data' as const,
    offset: 32 + 100 * at,
    bytes: 100,
    blobs: blobs.slice(at, at + 100),
  }));
  const directory = { id, frames };
  index.addPacks([{ directory, packBytes: 50_000 }]);
  const ids = blobs.map((blob) => blob.id);
  let readings = 0;
  const found = index.findAll(ids, (asked) => {
    assert.equal(asked, id);
    readings++;
    return directory;
  });
  assert.equal(readings, 1);
  for (const one of ids) assert.deepEqual(found.get(one), index.find(one));
  index.setBadFrames([id], [{ pack: id, offset: 32, message: 'damaged' }]);
  const later = index.findAll([...ids.slice(100), ...ids], () => directory);
  for (const one of ids.slice(100)) assert.deepEqual(later.get(one), index.find(one));
  assert.equal(index.findAll([idOf(9000)], () => directory).size, 0);
});

test('findAll() finds no blob in a frame that is nowhere', () => {
  const database = openDatabase();
  const index = openIndex(database);
  index.addPacks(packOf(1, [idOf(1), idOf(2)]));
  database.prepare('UPDATE blob SET frame = frame + 64 WHERE position = 1').run(); // as when a bit has changed
  assert.deepEqual([...index.findAll([idOf(1), idOf(2)], () => undefined).keys()], [idOf(1)]);
  assert.equal(index.find(idOf(2)), undefined);
});

test('has() tells what is there, also after so much that is not', () => {
  const index = openIndex();
  const there = Array.from({ length: 500 }, (_, number) => idOf(number));
  index.addPacks(packOf(1, there));
  const misses = (): number =>
    Array.from({ length: 3000 }, (_, number) => index.has(idOf(1000 + number))).filter(Boolean).length;
  const check = (count: number): void => {
    assert.equal(misses(), 0);
    assert.equal(there.filter((id) => index.has(id)).length, count);
  };
  check(500);
  there.push(idOf(9000), idOf(9001));
  index.addPacks(packOf(2, there.slice(-2)));
  check(502);
  index.removePacks(new Set([...index.listPacks().keys()].slice(1)));
  check(500);
  index.clear();
  check(0);
  index.addPacks(packOf(3, there));
  check(502);
});

for (const count of [1, 99, 100, 3000]) {
  test(`present() of ${count} ids gives those that has() says yes to`, () => {
    const index = openIndex();
    const ids = Array.from({ length: count }, (_, number) => idOf(number));
    const stored = ids.filter((_, number) => number % 3 === 0);
    index.addPacks(packOf(3, stored));
    assert.deepEqual(index.present(ids), new Set(stored));
    assert.deepEqual(new Set(ids.filter((id) => index.has(id))), new Set(stored));
  });
}
