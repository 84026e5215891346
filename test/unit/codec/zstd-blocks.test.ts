import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { constants, zstdCompressSync } from 'node:zlib';
import { areWholeZstdFrames, zstdBounds } from '../../../src/codec/zstd-blocks.ts';
import { Seeded } from '../../helpers/seeded.ts';

/** Contents whose blocks are of every type, and of all lengths that have another header. */
function contents(): Buffer[] {
  const random = new Seeded(3);
  const lengths = [0, 1, 255, 256, 65_791, 65_792, 131_072, 131_073, 700_000];
  return lengths.flatMap((length) => [
    Buffer.alloc(length, 'a'),
    random.bytes(length),
    Buffer.from(random.text(length)),
    Buffer.concat([random.bytes(length), Buffer.alloc(length), Buffer.from(random.text(length))]),
  ]);
}

describe('zstdBounds()', () => {
  for (const [name, params] of Object.entries({
    'as Exuvia writes them': { [constants.ZSTD_c_contentSizeFlag]: 0 },
    'with their size': { [constants.ZSTD_c_contentSizeFlag]: 1 },
    'with a checksum': { [constants.ZSTD_c_checksumFlag]: 1 },
    'at level 12': { [constants.ZSTD_c_compressionLevel]: 12 },
  })) {
    test(`holds the length of frames ${name}, and finds their end`, () => {
      for (const content of contents()) {
        const frame = zstdCompressSync(content, { params, pledgedSrcSize: content.length });
        const bounds = zstdBounds(frame);
        assert.ok(bounds !== undefined, `${content.length} bytes`);
        assert.ok(bounds.least <= content.length && content.length <= bounds.most, `${content.length} bytes`);
        assert.equal(zstdBounds(frame.subarray(0, -1)), undefined, 'cut short');
        assert.equal(zstdBounds(Buffer.concat([frame, Buffer.alloc(1)])), undefined, 'followed by a byte');
      }
    });
  }

  test('is exact where nothing is compressed', () => {
    const content = new Seeded(4).bytes(300_000);
    assert.deepEqual(zstdBounds(zstdCompressSync(content)), { least: 300_000, most: 300_000 });
    const repeated = Buffer.from('28b52ffd0058' + '03001061', 'hex'); // 131,072 times the letter a
    assert.deepEqual(zstdBounds(repeated), { least: 131_072, most: 131_072 });
  });

  const hostile: Readonly<Record<string, string>> = {
    nothing: '',
    'another magic': '28b52ffe0058' + '010000',
    'a reserved bit': '28b52ffd0858' + '010000',
    'a reserved type of block': '28b52ffd0058' + '070000',
    'a block of more than 128 KiB': '28b52ffd0058' + '0b001061',
    'no last block': '28b52ffd0058' + '000000',
    'a header that ends early': '28b52ffd00',
  };
  for (const [name, hex] of Object.entries(hostile))
    test(`refuses ${name}`, () => assert.equal(zstdBounds(Buffer.from(hex, 'hex')), undefined));
});

describe('areWholeZstdFrames()', () => {
  const frame = zstdCompressSync(Buffer.from(new Seeded(5).text(300_000)));
  const other = zstdCompressSync(Buffer.alloc(70_000), { params: { [constants.ZSTD_c_checksumFlag]: 1 } });

  test('takes one frame or more', () => {
    for (const frames of [[frame], [other], [frame, other], [other, frame, other]])
      assert.ok(areWholeZstdFrames(Buffer.concat(frames)));
  });

  test('refuses them wherever they are cut short, and what else follows', () => {
    const both = Buffer.concat([other, frame]);
    for (let end = 0; end < both.length; end += end < other.length + 20 ? 1 : 977)
      assert.equal(areWholeZstdFrames(both.subarray(0, end)), end === other.length, `cut at ${end}`);
    assert.ok(!areWholeZstdFrames(Buffer.concat([frame, Buffer.alloc(20)])));
  });
});
