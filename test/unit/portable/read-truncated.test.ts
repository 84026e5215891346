/** A cut archive is never taken for a whole one, wherever it is cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { ArchiveError } from '../../../src/model/errors.ts';
import {
  ArchiveFolder,
  gnuLong,
  paxHeader,
  readArchive,
  readBytes,
  refuses,
  tarArchive,
  tarEnd,
  zipArchive,
} from '../../helpers/archives.ts';

const archive = tarArchive(
  { name: 'dir/', type: '5' },
  { name: 'dir/a', content: 'a'.repeat(1000) },
  paxHeader({ path: 'dir/long', mtime: '1.5' }),
  { name: 'x', content: 'b' },
  gnuLong('dir/gnu'),
  { name: 'x', content: '' },
  { name: 'dir/link', type: '2', link: 'a' },
);

async function refusesEach(
  whole: Buffer,
  cuts: Iterable<number>,
  step: (cut: number) => Buffer,
): Promise<void> {
  using folder = new ArchiveFolder();
  for (const cut of cuts) {
    const path = folder.write('x', step(cut));
    await assert.rejects(readArchive(path), ArchiveError, `cut at ${cut} of ${whole.length}`);
  }
}

function* numbers(from: number, to: number, by = 1): Generator<number> {
  for (let value = from; value < to; value += by) yield value;
}

test('entries() refuses a tar cut at any block and around it', async () => {
  // What is cut from the second end block on holds nothing: see the next test.
  const end = archive.length - tarEnd.length + 512;
  await refusesEach(archive, numbers(512, end + 1, 512), (cut) => archive.subarray(0, cut));
  await refusesEach(archive, numbers(513, end, 512), (cut) => archive.subarray(0, cut));
  await refusesEach(archive, numbers(512 + 511, end, 512), (cut) => archive.subarray(0, cut));
  await refuses(archive.subarray(0, 2000), /is cut short: it ends inside entry "dir\/a"/);
});

test('entries() takes any amount of padding in whole blocks', async () => {
  for (const blocks of [0, 1, 7, 20]) {
    const { entries } = await readBytes(Buffer.concat([archive, Buffer.alloc(512 * blocks)]));
    assert.equal(entries.length, 5);
  }
});

test('entries() refuses a tar.gz cut at any byte', async () => {
  const packed = gzipSync(archive);
  await refusesEach(packed, numbers(1, packed.length), (cut) => packed.subarray(0, cut));
});

test('entries() refuses a tar.gz of several members cut at any byte, also between members', async () => {
  const packed = Buffer.concat([gzipSync(archive.subarray(0, 1536)), gzipSync(archive.subarray(1536))]);
  await refusesEach(packed, numbers(20, packed.length), (cut) => packed.subarray(0, cut));
});

test('entries() refuses a tar.zst cut at any byte, also between frames', async () => {
  const packed = Buffer.concat([
    zstdCompressSync(archive.subarray(0, 1536)),
    zstdCompressSync(archive.subarray(1536)),
  ]);
  await refusesEach(packed, numbers(1, packed.length), (cut) => packed.subarray(0, cut));
});

test('entries() refuses a zip cut at any byte', async () => {
  const zip = zipArchive([
    { name: 'a', content: 'a'.repeat(300), method: 8 },
    { name: 'b', content: 'b' },
  ]);
  await refusesEach(zip, numbers(1, zip.length), (cut) => zip.subarray(0, cut));
  await refuses(zip.subarray(0, -5), /is cut short: the directory at its end is missing/);
});

test('entries() refuses a tar.gz with any byte changed, or reads the same from it', async () => {
  using folder = new ArchiveFolder();
  const packed = gzipSync(archive);
  const whole = await readBytes(packed);
  let refused = 0;
  for (let index = 0; index < packed.length; index++) {
    const changed = Buffer.from(packed);
    changed[index]! ^= 0x55;
    const path = folder.write('x', changed);
    try {
      const read = await readArchive(path);
      assert.deepEqual(read.entries, whole.entries, `byte ${index}`);
      assert.deepEqual(gunzipSync(changed), archive, `byte ${index}`);
    } catch (error) {
      assert.ok(error instanceof ArchiveError, String(error));
      refused++;
    }
  }
  // Only what gzip does not protect may differ: time, extra flags and operating system in its header.
  assert.ok(refused >= packed.length - 7, `${refused} of ${packed.length}`);
});
