import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { ArchiveError } from '../../../src/model/errors.ts';
import { type Codec, unpack } from '../../../src/portable/read-unpack.ts';
import { ArchiveFolder, hasProgram, readArchive, tarArchive } from '../../helpers/archives.ts';

const part1 = Buffer.alloc(200_000, 'abc');
const part2 = Buffer.from('the second part');
const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);

async function unpacked(bytes: Buffer, codec: Codec, pieceBytes: number): Promise<Buffer> {
  async function* pieces() {
    for (let start = 0; start < bytes.length; start += pieceBytes)
      yield bytes.subarray(start, start + pieceBytes);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of unpack(pieces(), codec, 'x.archive')) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const packers = {
  gzip: gzipSync,
  zstd: (bytes: Buffer) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
};

for (const codec of ['gzip', 'zstd'] as const) {
  const pack = packers[codec];

  test(`unpack() joins the members or frames of ${codec}, however they come`, async () => {
    const bytes = Buffer.concat([pack(part1), pack(part2), pack(Buffer.alloc(0)), pack(part1)]);
    for (const pieceBytes of [1, 7, 64, 1 << 20]) {
      assert.deepEqual(await unpacked(bytes, codec, pieceBytes), Buffer.concat([part1, part2, part1]));
    }
  });

  test(`unpack() refuses bytes behind ${codec} data, however they come`, async () => {
    const trails = [
      Buffer.from('garbage'),
      Buffer.alloc(100),
      Buffer.from([0x1f]),
      pack(part2).subarray(0, 6),
    ];
    for (const trail of trails) {
      for (const pieceBytes of [1, 7, 1 << 20]) {
        const bytes = Buffer.concat([pack(part1), trail]);
        await assert.rejects(
          unpacked(bytes, codec, pieceBytes),
          ArchiveError,
          `${trail.toString('hex')} ${pieceBytes}`,
        );
      }
    }
  });

  test(`unpack() refuses ${codec} data with a wrong checksum`, async () => {
    const bytes = Buffer.from(pack(part1));
    bytes[bytes.length - (codec === 'gzip' ? 6 : 1)]! ^= 1;
    await assert.rejects(
      unpacked(bytes, codec, 1 << 20),
      /x\.archive is damaged: its .* data does not decompress/,
    );
  });
}

test('unpack() passes over the skippable frames of zstd', async () => {
  const bytes = Buffer.concat([skippable, packers.zstd(part1), skippable, packers.zstd(part2), skippable]);
  for (const pieceBytes of [1, 5, 1 << 20]) {
    assert.deepEqual(await unpacked(bytes, 'zstd', pieceBytes), Buffer.concat([part1, part2]));
  }
});

test('unpack() hands on an error of its input', async () => {
  async function* broken() {
    yield gzipSync(part1).subarray(0, 100);
    throw new Error('the disk is gone');
  }
  await assert.rejects(async () => {
    for await (const _ of unpack(broken(), 'gzip', 'x'));
  }, /the disk is gone/);
});

test('unpack() can be left early', async () => {
  async function* endless() {
    for (;;) yield gzipSync(part1);
  }
  for await (const chunk of unpack(endless(), 'gzip', 'x')) {
    assert.ok(chunk.length > 0);
    break;
  }
});

test('openArchive() reads frames and members as the programs write them', async () => {
  using folder = new ArchiveFolder();
  const archive = tarArchive({ name: 'a', content: part1 }, { name: 'b', content: part2 });
  const programs = [
    ['gzip', ['-c']],
    ['zstd', ['-q', '-c']],
    ['pigz', ['-c']],
    ['pzstd', ['-q', '-c']],
  ] as const;
  for (const [program, options] of programs) {
    if (!hasProgram(program)) continue;
    folder.write('1', archive.subarray(0, 100_000));
    folder.write('2', archive.subarray(100_000));
    const bytes = Buffer.concat([folder.run(program, ...options, '1'), folder.run(program, ...options, '2')]);
    const { entries } = await readArchive(folder.write('x', bytes));
    assert.deepEqual(
      entries.map((entry) => entry.content),
      [part1, part2],
      program,
    );
  }
});

test('openArchive() says when zstd data needs too much memory', { skip: !hasProgram('zstd') }, async () => {
  using folder = new ArchiveFolder();
  folder.write('a', tarArchive({ name: 'a', content: Buffer.alloc(1000) }));
  // From a pipe zstd does not know the size and asks for the whole window.
  folder.run('sh', '-c', 'zstd -q --ultra --long=31 -c < a > x');
  await assert.rejects(readArchive(folder.at('x')), /more memory to decompress/);
});
