/** Snapshot files that are damaged and written again from the index, whichever way they were written. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeSnapshot, snapshotFileName } from '../../../src/codec/snapshot-codec.ts';
import { type OpenOptions, Repository } from '../../../src/repository/repository.ts';
import { buildRecord } from '../../helpers/records.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const options: OpenOptions = {
  mode: 'append',
  create: true,
  lockWaitMs: 0,
  random: randomBytes,
  nowMs: Date.now(),
};

for (const [how, isCompressed] of [
  ['as it is', false],
  ['compressed', true],
] as const) {
  test(`a snapshot file that was written ${how} is written again as it was`, async (context) => {
    const root = join(temporaryFolder(context), 'repository');
    const record = buildRecord({});
    const { id, bytes } = encodeSnapshot(record, undefined, isCompressed);
    const path = join(root, 'snapshots', snapshotFileName(record.time, id));
    {
      await using repository = Repository.open(root, options);
      writeFileSync(path, bytes);
      assert.deepEqual(
        repository.listSnapshots().map((one) => one.id),
        [id],
      );
    }
    truncateSync(path, 50);
    await using repository = Repository.open(root, { ...options, mode: 'maintain', create: false });
    const { maintenance } = repository;
    const rewritten = maintenance.rewriteSnapshots(maintenance.findDamagedSnapshots());
    assert.deepEqual(
      rewritten.map((one) => one.id),
      [id],
    );
    assert.deepEqual(readFileSync(path), bytes);
  });
}
