/** Between the commit of a snapshot and the moment at which the index learns of it, others have the repository open, and nothing may be amiss. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PathKey } from '../../../src/model/paths.ts';
import { openDatabase } from '../../../src/repository/database.ts';
import { Repository } from '../../../src/repository/repository.ts';
import { buildRecord } from '../../helpers/records.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const options = { mode: 'append', create: true, lockWaitMs: 1000, nowMs: 0, random: randomBytes } as const;
const source = '/home/user/.openclaw';

class World {
  readonly root: string;
  readonly #random = new Seeded(1);

  constructor(context: TestContext) {
    this.root = temporaryFolder(context);
  }

  open(): Repository {
    return Repository.open(this.root, options);
  }

  sql(text: string): void {
    const database = openDatabase(join(this.root, 'local', 'index.sqlite'));
    database.exec(text);
    database.close();
  }

  /** A blob, a file that is known, and a snapshot. */
  run(repository: Repository): { id: string; bytes: Uint8Array; blob: ReturnType<Repository['writeBlob']> } {
    const bytes = this.#random.bytes(5000);
    const blob = repository.writeBlob('data', bytes);
    const key = `file${repository.nextSequence()}` as PathKey;
    repository.fileCache.remember(source, { key, fingerprint: new Uint8Array(32), node: new Uint8Array(3) });
    const sequence = repository.nextSequence();
    const { id } = repository.addSnapshot(buildRecord({ sequence }));
    return { id, bytes, blob };
  }
}

/** Of the last pack and the last snapshot, as if the index had not learnt of them. */
const forgetLast = `
  DELETE FROM snapshot WHERE sequence = (SELECT max(sequence) FROM snapshot);
  DELETE FROM blob WHERE frame IN (SELECT no FROM frame WHERE pack = (SELECT max(no) FROM pack));
  DELETE FROM frame WHERE pack = (SELECT max(no) FROM pack);
  DELETE FROM pack WHERE no = (SELECT max(no) FROM pack);
`;

test('who finds a snapshot that the index does not know looks for its packs', async (context) => {
  const world = new World(context);
  await using writing = world.open();
  world.run(writing);
  await using reading = Repository.open(world.root, { ...options, mode: 'read' });
  const { generation } = reading.fileCache;
  const { id, bytes, blob } = world.run(writing);
  world.sql(forgetLast);
  assert.equal(reading.hasBlob(blob), false, 'the index was told of it');
  assert.deepEqual(reading.listSnapshots().at(-1)?.id, id);
  assert.ok(reading.hasBlob(blob));
  assert.deepEqual(Buffer.from(reading.readBlob(blob)), Buffer.from(bytes));
  assert.equal(reading.fileCache.generation, generation, 'the index was made anew');
  assert.equal([...reading.fileCache.known(source)].length, 2, 'known files were forgotten');
});

test('a run is done when the index cannot be written after the commit, and the next one goes on', async (context) => {
  const world = new World(context);
  const runs: ReturnType<World['run']>[] = [];
  {
    await using repository = world.open();
    runs.push(world.run(repository));
    world.sql(`CREATE TRIGGER refuse BEFORE INSERT ON snapshot BEGIN SELECT RAISE(ABORT, 'no'); END`);
    runs.push(world.run(repository));
    assert.equal(repository.nextSequence(), 3);
    runs.push(world.run(repository));
    assert.deepEqual(
      repository.listSnapshots().map(({ id }) => id),
      runs.map(({ id }) => id),
    );
    for (const { blob, bytes } of runs)
      assert.deepEqual(Buffer.from(repository.readBlob(blob)), Buffer.from(bytes));
    world.sql('DROP TRIGGER refuse');
  }
  await using repository = world.open();
  assert.deepEqual(
    repository.listSnapshots().map(({ id, sequence }) => [id, sequence]),
    runs.map(({ id }, at) => [id, at + 1]),
  );
  for (const { blob, bytes } of runs)
    assert.deepEqual(Buffer.from(repository.readBlob(blob)), Buffer.from(bytes));
  assert.deepEqual(repository.damage, []);
});

test('a run that adds no snapshot is done when the index cannot be written', async (context) => {
  const world = new World(context);
  await using repository = world.open();
  world.run(repository);
  const remember = (key: string): void =>
    repository.fileCache.remember(source, {
      key: key as PathKey,
      fingerprint: new Uint8Array(32),
      node: new Uint8Array(3),
    });
  world.sql(`CREATE TRIGGER refuse BEFORE UPDATE ON known_block BEGIN SELECT RAISE(ABORT, 'no'); END`);
  remember('touched');
  repository.finish();
  world.sql('DROP TRIGGER refuse');
  assert.equal([...repository.fileCache.known(source)].length, 1);
  remember('touched');
  repository.finish();
  assert.equal([...repository.fileCache.known(source)].length, 2);
});
