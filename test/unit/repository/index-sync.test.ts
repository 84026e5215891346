/** What the index knows of packs, beside packs that come, go, and lie where they do not belong. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DamageError } from '../../../src/model/errors.ts';
import type { BlobId } from '../../../src/model/ids.ts';
import { Repository } from '../../../src/repository/repository.ts';
import { plainOptions } from '../../helpers/repositories.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const options = plainOptions();

/** A pack for each. */
async function stored(root: string, count: number): Promise<BlobId[]> {
  const ids: BlobId[] = [];
  await using repository = Repository.open(root, options);
  for (let number = 0; number < count; number++) {
    ids.push(repository.writeBlob('data', Buffer.from(`blob ${number}`)));
    repository.flush();
  }
  return ids;
}

async function readable(root: string, ids: readonly BlobId[]): Promise<boolean[]> {
  await using repository = Repository.open(root, { ...options, create: false });
  return ids.map((id) => {
    try {
      return repository.readBlob(id).length > 0;
    } catch (error) {
      if (error instanceof DamageError) return false;
      throw error;
    }
  });
}

function packsIn(root: string): string[] {
  return readdirSync(join(root, 'packs'))
    .sort()
    .flatMap((folder) =>
      readdirSync(join(root, 'packs', folder)).map((name) => join(root, 'packs', folder, name)),
    );
}

test('what is not a pack changes nothing', async (context) => {
  const root = join(temporaryFolder(context), 'repository');
  const ids = await stored(root, 4);
  const [first = ''] = packsIn(root);
  writeFileSync(join(root, 'packs/note'), 'a file');
  writeFileSync(`${first}.part`, 'the beginning of one');
  mkdirSync(join(root, 'packs/ab cd'));
  assert.deepEqual(await readable(root, ids), [true, true, true, true]);
});

test('a pack that is in the folder of others is not there', async (context) => {
  const root = join(temporaryFolder(context), 'repository');
  const ids = await stored(root, 4);
  const paths = packsIn(root);
  const [first = '', second = ''] = paths;
  // In the order of names it lies where it lay: only its folder is another.
  renameSync(second, join(first, '..', second.slice(-37)));
  assert.equal((await readable(root, ids)).filter(Boolean).length, 3);
});

test('packs that come are known, and of packs that go nothing is', async (context) => {
  const folder = temporaryFolder(context);
  const root = join(folder, 'repository');
  const ids = await stored(root, 3);
  const [first = ''] = packsIn(root);
  const aside = join(folder, 'aside.pack');
  copyFileSync(first, aside);
  rmSync(first);
  const without = await readable(root, ids);
  assert.equal(without.filter(Boolean).length, 2);
  copyFileSync(aside, first);
  assert.deepEqual(await readable(root, ids), [true, true, true]);
});
