/** Large checks: threads prove packs, and what they find is what is found without them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ListedDirectory } from '../../../src/codec/pack.ts';
import { type OpenOptions, Repository } from '../../../src/repository/repository.ts';
import type { Verified } from '../../../src/repository/verify-pack.ts';
import { encryptedOptions, plainOptions } from '../../helpers/repositories.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/** Forty megabytes of blobs, half of them compressible. */
async function fill(root: string, options: OpenOptions): Promise<void> {
  const random = new Seeded(1);
  await using repository = Repository.open(root, options);
  for (let index = 0; index < 800; index++) {
    const half = random.bytes(25_000);
    repository.writeBlob('data', Buffer.concat([half, index % 2 === 0 ? half : random.bytes(25_000)]));
  }
  repository.flush();
}

async function verified(root: string, options: OpenOptions, isExpected: boolean): Promise<Verified[]> {
  await using repository = Repository.open(root, { ...options, mode: 'read', create: false });
  const { maintenance } = repository;
  const packs: ListedDirectory[] = [];
  for (const { found } of maintenance.packDirectories()) {
    assert.ok('directory' in found);
    packs.push(found.directory);
  }
  if (isExpected) maintenance.expectVerified(packs);
  return packs.flatMap((directory) => [...maintenance.verifyFrames(directory)]);
}

function damageFrames(root: string): void {
  const packs = readdirSync(join(root, 'packs'), { recursive: true, encoding: 'utf8' });
  for (const name of packs.filter((pack) => pack.endsWith('.pack'))) {
    const path = join(root, 'packs', name);
    const bytes = readFileSync(path);
    for (const at of [5000, bytes.length >>> 1]) bytes[at]! ^= 0x10;
    writeFileSync(path, bytes);
  }
}

for (const [name, options] of [
  ['a plain', plainOptions()],
  ['an encrypted', encryptedOptions()],
] as const) {
  test(`packs of ${name} repository are proven by threads, and damage is told as without them`, async (context) => {
    const root = temporaryFolder(context);
    await fill(root, options);
    const sound = await verified(root, options, true);
    assert.ok(sound.length > 20 && sound.every(({ bad }) => bad === undefined));
    assert.deepEqual(sound, await verified(root, options, false));
    damageFrames(root);
    const damaged = await verified(root, options, true);
    const bad = damaged.filter((frame) => frame.bad !== undefined);
    assert.ok(bad.length >= 4, `${bad.length} frames are damaged`);
    assert.deepEqual(damaged, await verified(root, options, false));
  });

  test(`a blob of ${name} repository that is not the one of its id is found by threads`, async (context) => {
    const root = temporaryFolder(context);
    await using repository = Repository.open(root, options);
    const random = new Seeded(3);
    const [right, wrong] = [random.bytes(40_000), random.bytes(40_000)];
    for (let index = 0; index < 700; index++) repository.writeBlob('data', random.bytes(40_000));
    repository.writeBlobs('data', [{ id: repository.idOf(right), bytes: wrong }]);
    repository.flush();
    const found = await verified(root, options, true);
    const bad = found.flatMap((frame) => frame.bad ?? []);
    assert.equal(bad.length, 1);
    assert.match(bad[0]!.detail, /is not what was stored/);
  });
}

test('a pack of more blobs than threads may have at once is proven all the same', async (context) => {
  const root = temporaryFolder(context);
  const random = new Seeded(4);
  await using repository = Repository.open(root, plainOptions());
  const tiny = Buffer.alloc(70);
  for (let index = 0; index < 14_000; index++) {
    tiny.writeUInt32BE(index);
    repository.writeBlob('data', tiny);
  }
  repository.flush();
  for (let index = 0; index < 40; index++) repository.writeBlob('data', random.bytes(500_000));
  repository.flush();
  const { maintenance } = repository;
  const packs = [...maintenance.packDirectories()].map(({ found }) => {
    assert.ok('directory' in found);
    return found.directory;
  });
  // The same frame again and again stands for many that are like it.
  const crowded = packs.map((pack): ListedDirectory => {
    const [first] = pack.frames;
    return first!.blobs.length < 10_000
      ? pack
      : { ...pack, frames: Array.from({ length: 100 }, () => first!) };
  });
  maintenance.expectVerified(crowded);
  const found = crowded.flatMap((pack) => [...maintenance.verifyFrames(pack)]);
  assert.ok(found.length >= 100 + 20 && found.every(({ bad }) => bad === undefined));
});
