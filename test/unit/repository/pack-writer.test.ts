import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Repository } from '../../../src/repository/repository.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const options = { mode: 'append', create: true, lockWaitMs: 1000, nowMs: 0, random: randomBytes } as const;

test('blobs are read before they are published, from open frames and from written ones', async (context) => {
  const root = temporaryFolder(context);
  const random = new Seeded(1);
  const blobs = Array.from({ length: 40 }, () => random.bytes(100_000)); // 4 MB: several frames of either kind
  await using repository = Repository.open(root, options);
  const ids = blobs.map((blob, index) => repository.writeBlob(index % 2 === 0 ? 'data' : 'tree', blob));
  assert.equal(repository.totals().packs, 0, 'nothing is published');
  for (const [index, id] of ids.entries())
    assert.deepEqual(Buffer.from(repository.readBlob(id)), blobs[index]);
  repository.flush();
  for (const [index, id] of ids.entries())
    assert.deepEqual(Buffer.from(repository.readBlob(id)), blobs[index]);
});
