import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { crcOf } from '../../../src/codec/short-crc.ts';
import { Seeded } from '../../helpers/seeded.ts';

test('crcOf() is the one that node:zlib has, of short and long pieces, of text, and in parts', () => {
  assert.equal(crcOf('123456789'), 0xcbf43926);
  const random = new Seeded(7);
  for (const length of [0, 1, 2, 255, 1000, 16 * 1024, 16 * 1024 + 1, 50_000]) {
    const bytes = random.bytes(length);
    assert.equal(crcOf(bytes), crc32(bytes), `${length} bytes`);
    assert.equal(crcOf(bytes.subarray(length >> 1), crcOf(bytes.subarray(0, length >> 1))), crc32(bytes));
  }
  assert.equal(crcOf('é€😀', crcOf('x')), crc32('xé€😀'));
});
