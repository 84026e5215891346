/** Snapshot files beside what the index holds of them: either may be damaged, and the other tells. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { decodeSnapshot, encodeSnapshot, snapshotFileName } from '../../../src/codec/snapshot-codec.ts';
import type { SnapshotId } from '../../../src/model/ids.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { Repository } from '../../../src/repository/repository.ts';
import { buildRecord } from '../../helpers/records.ts';
import { plainOptions } from '../../helpers/repositories.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const options = plainOptions();

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

test('what rotted in the index of a snapshot is read from its file', async (context) => {
  const root = join(temporaryFolder(context), 'repository');
  const ids = await filled(root, 3);
  const sound = rowsIn(root);
  for (const change of [
    "UPDATE snapshot SET head = replace(head, 'manual', 'manuel')",
    'UPDATE snapshot SET head = head || char(10) WHERE sequence = 1',
    'UPDATE snapshot SET head_crc = head_crc + 1 WHERE sequence = 2',
    "UPDATE snapshot SET record = replace(record, 'manual', 'manuel')",
    'UPDATE snapshot SET shared = shared + 1 WHERE sequence = 2',
    'UPDATE snapshot SET shared = -124 WHERE sequence = 3',
    `UPDATE snapshot SET (record, crc, shared) = (SELECT record, crc, shared FROM snapshot WHERE sequence = 1)
     WHERE sequence = 2`,
    "UPDATE snapshot_shared SET record = replace(record, 'exuvia', 'exuvja')",
    'DELETE FROM snapshot_shared',
    "UPDATE snapshot SET name = 'other' WHERE sequence = 3",
  ]) {
    assert.ok(inIndex(root, (database) => database.prepare(change).run().changes) > 0, change);
    await using repository = Repository.open(root, { ...options, create: false });
    assert.deepEqual(
      repository.listSnapshots(),
      ids.map((id) => recordOf(root, id)),
      change,
    );
    assert.deepEqual(repository.listHeads().map(idOf), ids, change);
    assert.deepEqual(repository.getSnapshot(ids[1]!), recordOf(root, ids[1]!), change);
    assert.deepEqual(
      rowsIn(root).map(([, record]) => record),
      sound.map(([, record]) => record),
      change,
    );
  }
});

test('the index is put right where it rotted', async (context) => {
  const root = join(temporaryFolder(context), 'repository');
  await filled(root, 3);
  const sound = rowsIn(root);
  for (const change of [
    "UPDATE snapshot SET head = replace(head, 'manual', 'manuel')",
    "UPDATE snapshot SET record = replace(record, 'manual', 'manuel')",
    "UPDATE snapshot_shared SET record = replace(record, 'exuvia', 'exuvja')",
    'DELETE FROM snapshot_shared',
  ]) {
    inIndex(root, (database) => database.prepare(change).run());
    await using repository = Repository.open(root, { ...options, create: false });
    repository.listSnapshots();
    assert.deepEqual(rowsIn(root), sound, change);
  }
});

test('what snapshots have in common is never taken for that of others', async (context) => {
  const root = join(temporaryFolder(context), 'repository');
  const other = { name: 'other', platform: 'darwin', home: '/Users/x', user: 'x', users: {}, groups: {} };
  const [first] = await filled(root, 2);
  inIndex(root, (database) => {
    database.prepare("UPDATE snapshot_shared SET record = replace(record, 'exuvia', 'exuvja')").run();
    database.prepare('UPDATE snapshot_shared SET name = randomblob(8)').run();
  });
  {
    await using repository = Repository.open(root, { ...options, mode: 'maintain', create: false });
    const added = repository.addSnapshot(buildRecord({ sequence: 3 }));
    await repository.maintenance.removeSnapshots(new Set([added.id]), 0);
    repository.addSnapshot(buildRecord({ sequence: 4, host: other }));
  }
  await using repository = Repository.open(root, { ...options, create: false });
  const homes = repository.listSnapshots().map(({ host }) => host.home);
  assert.deepEqual(homes, ['/home/u', '/home/u', '/Users/x']);
  assert.equal(repository.getSnapshot(first!)?.host.home, '/home/u');
});

test('a snapshot of which neither the record nor the file can be read does not stand for another', async (context) => {
  const root = join(temporaryFolder(context), 'repository');
  const [first, second] = await filled(root, 2);
  let replacement: SnapshotId;
  {
    await using repository = Repository.open(root, { ...options, create: false });
    replacement = repository.addSnapshot(buildRecord({ sequence: 1, replaces: first!, tags: ['t'] })).id;
  }
  inIndex(root, (database) =>
    database
      .prepare("UPDATE snapshot SET record = replace(record, 'manual', 'manuel') WHERE replaces IS NOT NULL")
      .run(),
  );
  truncateSync(join(root, 'snapshots', nameIn(root, replacement)), 50);
  const opened = { ...options, mode: 'maintain', create: false } as const;
  {
    await using repository = Repository.open(root, opened);
    assert.deepEqual(repository.listHeads().map(idOf), [replacement, second]); // as far as the index tells
    assert.equal(repository.getSnapshot(replacement), undefined);
    assert.deepEqual(repository.listHeads().map(idOf), [first, second]);
    assert.equal(repository.getSnapshot(first!)?.id, first);
  }
  {
    await using repository = Repository.open(root, opened);
    assert.deepEqual(repository.maintenance.superseded, []);
  }
  await using repository = Repository.open(root, opened);
  assert.equal(repository.damage.length, 1);
  assert.deepEqual(repository.listSnapshots().map(idOf), [first, second]);
});

function inIndex<T>(root: string, work: (database: Database.Database) => T): T {
  const database = new Database(join(root, 'local/index.sqlite'));
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function rowsIn(root: string): [id: string, record: string, head: string, shared: string][] {
  return inIndex(root, (database) =>
    database
      .prepare(
        `SELECT hex(id), snapshot.record, head, snapshot_shared.record FROM snapshot
         LEFT JOIN snapshot_shared ON no = shared ORDER BY sequence`,
      )
      .raw()
      .all(),
  ) as ReturnType<typeof rowsIn>;
}

test('heads say what the snapshots say', async (context) => {
  const root = join(temporaryFolder(context), 'repository');
  {
    await using repository = Repository.open(root, options);
    repository.addSnapshot(buildRecord({ tags: ['a'], pinned: true }));
    repository.addSnapshot(
      buildRecord({ sequence: 2, lost: { reason: 'purge', paths: ['x'], count: 1 }, message: 'line\nend' }),
    );
    assert.equal(repository.listHeads().length, 2); // as they were added
  }
  await using repository = Repository.open(root, { ...options, create: false });
  for (const [index, head] of repository.listHeads().entries()) {
    const { stats, lost, ...others } = head;
    const snapshot = repository.listSnapshots()[index]!;
    assert.partialDeepStrictEqual(snapshot, { ...others, stats });
    assert.equal(snapshot.lost?.count, lost?.count);
  }
});

test('strangers among the snapshots change nothing, and one that goes is missed', async (context) => {
  const root = join(temporaryFolder(context), 'repository');
  const ids = await filled(root, 3);
  writeFileSync(join(root, 'snapshots/note.txt'), 'not a snapshot');
  {
    await using repository = Repository.open(root, { ...options, create: false });
    assert.deepEqual(repository.listHeads().map(idOf), ids);
    assert.equal(repository.nextSequence(), 4);
  }
  const [first] = readdirSync(join(root, 'snapshots')).filter((name) => name.endsWith(ids[0]!));
  rmSync(join(root, 'snapshots', first!));
  await using repository = Repository.open(root, { ...options, create: false });
  assert.deepEqual(repository.listHeads().map(idOf), ids.slice(1));
  assert.deepEqual(repository.vanishedSnapshots.map(idOf), ids.slice(0, 1));
});

async function filled(root: string, count: number): Promise<SnapshotId[]> {
  await using repository = Repository.open(root, options);
  return Array.from(
    { length: count },
    (_, index) => repository.addSnapshot(buildRecord({ sequence: index + 1 })).id,
  );
}

function idOf({ id }: { readonly id: SnapshotId }): SnapshotId {
  return id;
}

/** As its file has it. */
function recordOf(root: string, id: SnapshotId): Snapshot {
  const name = nameIn(root, id);
  return decodeSnapshot(readFileSync(join(root, 'snapshots', name)), name);
}

function nameIn(root: string, id: SnapshotId): string {
  return readdirSync(join(root, 'snapshots')).find((one) => one.endsWith(id))!;
}
