/** What a disk loses is told, whoever asks first. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileSystemError } from '../../../src/model/errors.ts';
import { type BlobId, idBytes } from '../../../src/model/ids.ts';
import { limits } from '../../../src/model/limits.ts';
import { repositoryLayout } from '../../../src/repository/layout.ts';
import { OpenPack } from '../../../src/repository/open-pack.ts';
import { loseBytes } from '../../helpers/lost-bytes.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

for (const [when, wait] of [
  ['before it has heard of it', async () => {}],
  [
    'after it has heard of it',
    async (pack: OpenPack) => {
      while (!pack.isSynced) await new Promise(setImmediate);
    },
  ],
] as const) {
  test(`a pack is not published whose bytes were lost on their way to the disk, ${when}`, async (context) => {
    const root = temporaryFolder(context);
    const pack = new OpenPack(root, randomBytes, undefined);
    pack.append(randomBytes(1000), { kind: 'data', blobs: [] });
    pack.seal();
    loseBytes(context);
    pack.beginSync();
    await wait(pack);
    const layout = repositoryLayout(join(root, 'repository'));
    assert.throws(() => pack.publish(layout), FileSystemError);
    pack.discard();
    while (!pack.isSynced) await new Promise(setImmediate);
    assert.deepEqual(fs.readdirSync(root), []);
  });
}

/** What compresses well makes a pack of few bytes and very many blobs. */
for (const [what, blobsPerFrame] of [
  ['blobs', limits.frameBlobsMax],
  ['frames', 0],
] as const) {
  test(`a pack is full before it has more ${what} than its directory can name`, (context) => {
    const root = temporaryFolder(context);
    const id = '5a'.repeat(idBytes) as BlobId;
    const blobs = Array.from({ length: blobsPerFrame }, () => ({ id, bytes: limits.blobBytesMax }));
    const pack = new OpenPack(root, randomBytes, undefined);
    const frame = Buffer.alloc(16);
    let count = 0;
    for (; !pack.isFull; count++) pack.append(frame, { kind: 'data', blobs });
    assert.ok(count * frame.length < limits.packBytesTarget / 16, 'it is not full of bytes');
    pack.seal();
    const { directory } = pack.publish(repositoryLayout(join(root, 'repository')));
    assert.equal(directory.frames.length, count);
  });
}
