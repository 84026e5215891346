import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackedBlob } from '../../../src/codec/pack.ts';
import type { BlobId, PackId } from '../../../src/model/ids.ts';
import { openMemoryIndex } from '../../../src/repository/index-schema.ts';
import { IndexedMarks } from '../../../src/repository/indexed-marks.ts';
import { PackIndex } from '../../../src/repository/pack-index.ts';
import { listed } from '../../helpers/listed.ts';
import { Seeded } from '../../helpers/seeded.ts';

const packIds = [1, 2, 3].map((byte) => Buffer.alloc(16, byte).toString('hex') as PackId);

/** Ids all over, the first and the last that there can be, and some that differ only in their last bytes. */
function manyIds(): BlobId[] {
  const random = new Seeded(5);
  const ids = Array.from({ length: 9000 }, () => random.bytes(32));
  for (let number = 0; number < 50; number++) {
    const alike = Buffer.alloc(32, 0x55);
    alike.writeUInt16BE(number * 1000, 30);
    ids.push(alike);
  }
  ids.push(Buffer.alloc(32), Buffer.alloc(32, 0xff));
  return ids.map((id) => id.toString('hex') as BlobId);
}

function directoryOf(pack: number, blobs: readonly PackedBlob[]) {
  return { id: packIds[pack]!, frames: [listed({ kind: 'data', offset: 32, bytes: 100, blobs })] };
}

test('marks know each blob of the index once, in its newest place', () => {
  const database = openMemoryIndex({ repositoryId: '00'.repeat(16), isSealed: false });
  const index = new PackIndex(database);
  const ids = manyIds();
  const blobs = ids.map((id, number) => ({ id, bytes: number }));
  const again = blobs.filter((_, number) => number % 7 === 0 || number >= 9000);
  const [first, second] = [directoryOf(0, blobs.slice(0, 9040)), directoryOf(1, again)];
  for (const directory of [first, second]) index.addPacks([{ directory, packBytes: 500 }]);
  const marks = new IndexedMarks(database, index);
  assert.equal(marks.blobs, ids.length);
  for (const [number, id] of ids.entries()) {
    assert.equal(marks.bytesOf(id), number);
    assert.equal(marks.packOf(id), index.find(id)?.frame.pack);
    assert.equal(marks.getMark(id, 'data'), 'unseen');
  }
  assert.deepEqual(marks.compareDirectory(second), { isKnown: true, foundHere: again.length });
  assert.deepEqual(marks.compareDirectory(first), {
    isKnown: true,
    foundHere: ids.length - again.length,
  });
  const unknown = Buffer.alloc(32, 0x55).fill(1, 31).toString('hex') as BlobId;
  assert.equal(marks.bytesOf(unknown), undefined);
  assert.equal(marks.compareDirectory(directoryOf(2, [{ id: unknown, bytes: 1 }])).isKnown, false);
});

test('marks have no blob whose id in the index is none', () => {
  const database = openMemoryIndex({ repositoryId: '00'.repeat(16), isSealed: false });
  const index = new PackIndex(database);
  const ids = manyIds();
  index.addPacks([
    {
      directory: directoryOf(
        0,
        ids.map((id) => ({ id, bytes: 7 })),
      ),
      packBytes: 500,
    },
  ]);
  const [wrong, far] = [ids[10]!, ids[11]!];
  const ofId = (id: BlobId): Buffer => Buffer.from(id, 'hex');
  database.prepare('UPDATE blob SET id = substr(id, 1, 31) WHERE id = ?').run(ofId(wrong)); // as when a page has rotted
  database.prepare('UPDATE blob SET frame = frame + (1 << 40) WHERE id = ?').run(ofId(far));
  const marks = new IndexedMarks(database, index);
  assert.equal(marks.blobs, ids.length - 1);
  for (const id of ids) assert.equal(marks.bytesOf(id), id === wrong ? undefined : 7);
});
