/** Large reads: frames are read ahead by threads, and give the same bytes and the same errors. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import BetterSqlite3 from 'better-sqlite3';
import { DamageError } from '../../../src/model/errors.ts';
import type { BlobId } from '../../../src/model/ids.ts';
import { type OpenOptions, Repository } from '../../../src/repository/repository.ts';
import { setCores } from '../../helpers/cores.ts';
import { encryptedOptions, plainOptions } from '../../helpers/repositories.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const plain = plainOptions();

/** Forty megabytes of blobs, or fewer of them, half of them compressible, in frames of either kind. */
async function filled(root: string, options: OpenOptions, count = 800): Promise<Map<BlobId, Buffer>> {
  const random = new Seeded(1);
  const blobs = new Map<BlobId, Buffer>();
  await using repository = Repository.open(root, options);
  for (let index = 0; index < count; index++) {
    const half = random.bytes(25_000);
    const blob = Buffer.concat([half, index % 2 === 0 ? half : random.bytes(25_000)]);
    blobs.set(repository.writeBlob(index % 9 === 0 ? 'tree' : 'data', blob), blob);
  }
  repository.flush();
  return blobs;
}

for (const [name, options] of [
  ['a plain', plain],
  ['an encrypted', encryptedOptions()],
] as const) {
  test(`much of ${name} repository is read ahead in threads, in any order`, async (context) => {
    const root = temporaryFolder(context);
    const blobs = await filled(root, options);
    await using repository = Repository.open(root, { ...options, mode: 'read', create: false });
    const ids = [...blobs.keys()];
    const random = new Seeded(2);
    for (const order of [ids, ids.toReversed(), ids.toSorted(() => random.below(3) - 1)]) {
      for (let at = 0; at < order.length; at += 100) {
        repository.expectBlobs(order.slice(at, at + 200));
        for (const id of order.slice(at, at + 100))
          assert.ok(Buffer.from(repository.readBlob(id)).equals(blobs.get(id)!), id);
      }
    }
  });

  test(`much of ${name} repository is read by who does something else meanwhile`, async (context) => {
    const root = temporaryFolder(context);
    const blobs = await filled(root, options);
    setCores(context, 3); // with two, there is no thread for this
    await using repository = Repository.open(root, { ...options, mode: 'read', create: false });
    let asked = 0;
    repository.expectBytes(2 ** 30, () => asked++ % 3 !== 0);
    const ids = [...blobs.keys()];
    // What is said last is wanted first: parts of a large file, of which the files behind it are expected already.
    for (let at = 0; at < ids.length; at += 200) {
      repository.expectBlobs(ids.slice(at + 100, at + 200));
      repository.expectBlobs(ids.slice(at, at + 100));
      for (const id of ids.slice(at, at + 200))
        assert.ok(Buffer.from(repository.readBlob(id)).equals(blobs.get(id)!), id);
    }
    // All may have been read by the time that the threads had started.
    for (let round = 0; asked === 0 && round < 20; round++) {
      repository.expectBlobs(ids);
      for (const id of ids) assert.ok(Buffer.from(repository.readBlob(id)).equals(blobs.get(id)!), id);
    }
    assert.ok(asked > 0);
  });

  test(`damage in ${name} repository is told when threads meet it, and the rest is read`, async (context) => {
    const root = temporaryFolder(context);
    const blobs = await filled(root, options);
    damagePacks(root);
    await using repository = Repository.open(root, { ...options, mode: 'read', create: false });
    const ids = [...blobs.keys()];
    let damaged = 0;
    repository.expectBlobs(ids.slice(0, 400));
    for (const id of ids.slice(0, 400)) damaged += readOrDamage(repository, id, blobs.get(id)!);
    for (let at = 400; at < ids.length; at += 50) {
      repository.expectBlobs(ids.slice(at, at + 100));
      for (const id of ids.slice(at, at + 50)) damaged += readOrDamage(repository, id, blobs.get(id)!);
    }
    assert.ok(damaged > 10 && damaged < 300, `${damaged} blobs are damaged`);
  });
}

for (const change of [
  'frame SET bytes = bytes + (1 << 40)',
  'frame SET bytes = bytes + (1 << 31)',
  'frame SET bytes = -5',
  'frame SET offset = offset + (1 << 45)',
  'frame SET offset = -offset',
  'frame SET offset = (1 << 62) + offset',
  'blob SET frame = frame + 1000',
  'blob SET position = -7',
]) {
  test(`an index in which bits have changed is made anew: ${change}`, async (context) => {
    const root = temporaryFolder(context);
    const blobs = await filled(root, plain, 60);
    for (const isExpected of [true, false]) {
      changeIndex(root, `UPDATE ${change}`);
      await using repository = Repository.open(root, { ...plain, mode: 'read', create: false });
      if (isExpected) repository.expectBlobs([...blobs.keys()]);
      for (const [id, blob] of blobs) assert.ok(Buffer.from(repository.readBlob(id)).equals(blob), id);
    }
  });
}

function changeIndex(root: string, sql: string): void {
  const database = new BetterSqlite3(join(root, 'local', 'index.sqlite'));
  database.exec(sql);
  database.close();
}

/** One byte in the middle of each pack, and one near its beginning. */
function damagePacks(root: string): void {
  const packs = readdirSync(join(root, 'packs'), { recursive: true, encoding: 'utf8' });
  for (const name of packs.filter((pack) => pack.endsWith('.pack'))) {
    const path = join(root, 'packs', name);
    const bytes = readFileSync(path);
    for (const at of [5000, bytes.length >>> 1]) bytes[at] = bytes[at]! ^ 0x10;
    writeFileSync(path, bytes);
  }
}

function readOrDamage(repository: Repository, id: BlobId, blob: Buffer): number {
  try {
    assert.ok(Buffer.from(repository.readBlob(id)).equals(blob), id);
    return 0;
  } catch (error) {
    assert.ok(error instanceof DamageError, String(error));
    return 1;
  }
}
