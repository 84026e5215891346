/** An archive that is read tells how far it is, in bytes of the archive as it is, and can be interrupted. */
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { InterruptedError } from '../../../src/model/errors.ts';
import { silentProgress } from '../../../src/model/progress.ts';
import { readArchive } from '../../../src/operations/archive-contents.ts';
import { systemEnvironment } from '../../../src/operations/environment.ts';
import { tarArchive, zipArchive } from '../../helpers/archives.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const large = Buffer.from(new Seeded(1).text(9_000_000));
const members = [
  { name: 'large.txt', content: large },
  { name: 'small.txt', content: Buffer.from('small') },
];

const archives = {
  tar: () => tarArchive(...members),
  'tar.gz': () => gzipSync(tarArchive(...members)),
  'tar.zst': () => zstdCompressSync(tarArchive(...members)),
  zip: () => zipArchive(members.map((member) => ({ ...member, method: 8 }))),
};

function written(context: TestContext, bytes: Uint8Array): string {
  const path = join(temporaryFolder(context), 'archive');
  writeFileSync(path, bytes);
  return path;
}

for (const [kind, make] of Object.entries(archives)) {
  test(`reading a ${kind} tells of the bytes it has read, also within a member`, async (context) => {
    const path = written(context, make());
    const told: { files: number; bytes: number }[] = [];
    const advance = ({ files = 0, bytes = 0 }): void => void told.push({ files, bytes });
    const environment = systemEnvironment({ progress: { ...silentProgress, advance } });
    const contents = await readArchive(path, new MemoryStore(), environment);
    assert.deepEqual(
      contents.members.map(({ node }) => node.type === 'file' && node.size),
      [9_000_000, 5],
    );
    const { size } = statSync(path);
    const sum = told.reduce((sum, { bytes }) => sum + bytes, 0);
    assert.ok(sum <= size && sum > size - 2000, `${sum} of ${size}`);
    assert.equal(told.filter(({ files }) => files === 1).length, 2);
    const first = told.findIndex(({ files }) => files === 1);
    const before = told.slice(0, first).filter(({ bytes }) => bytes > 0).length;
    assert.ok(before >= 2, `told ${before} times before the first member was read`);
  });

  test(`reading a ${kind} ends within a member when it is interrupted`, async (context) => {
    const path = written(context, make());
    const controller = new AbortController();
    let toldBytes = 0;
    const advance = ({ bytes = 0 }): void => {
      toldBytes += bytes;
      if (toldBytes > 0) controller.abort();
    };
    const environment = systemEnvironment({
      progress: { ...silentProgress, advance },
      signal: controller.signal,
    });
    await assert.rejects(readArchive(path, new MemoryStore(), environment), InterruptedError);
    const { size } = statSync(path);
    assert.ok(toldBytes < size, `${toldBytes} of ${size} bytes were read`);
  });
}
