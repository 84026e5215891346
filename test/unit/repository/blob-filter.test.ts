import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobId } from '../../../src/model/ids.ts';
import { BlobFilter } from '../../../src/repository/blob-filter.ts';
import { Seeded } from '../../helpers/seeded.ts';

const many = 1_000_000;

for (const blobs of [0, many]) {
  test(`BlobFilter for ${blobs} blobs holds whatever was added, and little else`, () => {
    const random = new Seeded(blobs + 1);
    const filter = new BlobFilter(blobs);
    const added = Array.from({ length: 20_000 }, () => random.bytes(32));
    for (const [index, id] of added.entries()) {
      if (index % 2 === 0) filter.addBytes(id);
      else filter.add(id.toString('hex') as BlobId);
    }
    assert.ok(added.every((id) => filter.mayHold(id.toString('hex') as BlobId)));
    const strangers = Array.from({ length: 20_000 }, () => random.bytes(32).toString('hex') as BlobId);
    assert.ok(strangers.filter((id) => filter.mayHold(id)).length < 200);
  });
}

test('BlobFilter for few blobs says when it has too many', () => {
  const filter = new BlobFilter(0);
  const id = Buffer.alloc(32);
  for (let count = 0; count < many; count++) {
    id.writeUInt32BE((count * 4000) >>> 0, 0);
    filter.addBytes(id);
    if (count === 100_000) assert.equal(filter.isCrowded, false);
  }
  assert.equal(filter.isCrowded, true);
  assert.equal(new BlobFilter(many).isCrowded, false);
});
