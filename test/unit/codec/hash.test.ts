import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { hashBackend, loadNativeHash, loadPortableHash } from '../../../src/codec/hash.ts';
import { Seeded } from '../../helpers/seeded.ts';

const vectors: { length: number; hash: string }[] = JSON.parse(
  readFileSync(new URL('../../golden/hash/blake3.json', import.meta.url), 'utf8'),
).vectors;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const backends = [loadNativeHash(), loadPortableHash()].filter((backend) => backend !== undefined);

test('loadNativeHash() loads on this platform', () => {
  assert.equal(hashBackend().name, 'native');
});

test('hash() gives the well-known digests of "" and "abc"', () => {
  for (const backend of backends) {
    assert.equal(
      hex(backend.hash(Buffer.from(''))),
      'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
    );
    assert.equal(
      hex(backend.hash(Buffer.from('abc'))),
      '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85',
    );
  }
});

test('hash() gives the digests of the stored vectors', () => {
  for (const { length, hash } of vectors) {
    const input = Buffer.alloc(length).map((_, index) => index % 251);
    for (const backend of backends)
      assert.equal(hex(backend.hash(input)), hash, `${backend.name}, ${length} bytes`);
  }
});

test('createHasher() agrees with hash() and between backends, however the bytes come', () => {
  const random = new Seeded(3);
  for (let round = 0; round < 60; round++) {
    const input = random.bytes(random.below(20_000));
    const whole = hex(loadPortableHash().hash(input));
    for (const backend of backends) {
      const hasher = backend.createHasher();
      for (let at = 0; at < input.length; ) {
        const next = Math.min(input.length, at + 1 + random.below(5000));
        hasher.update(input.subarray(at, next));
        at = next;
      }
      assert.equal(hex(hasher.digest()), whole);
      assert.equal(hex(backend.hash(input)), whole);
    }
  }
});

test('createKeyedHash() agrees between backends, as bytes and in hex, and is another for another key', () => {
  const random = new Seeded(4);
  const digests = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const key = random.bytes(32);
    const [first, ...others] = backends.map((backend) => backend.createKeyedHash(key));
    for (const length of [0, 1, 32, 5000]) {
      const input = Buffer.alloc(length, 7);
      const digest = first?.hashText(input) ?? '';
      assert.match(digest, /^[0-9a-f]{64}$/);
      for (const one of [first, ...others]) {
        assert.equal(one?.hashText(input), digest);
        assert.equal(hex(one?.hash(input) ?? Buffer.alloc(0)), digest);
      }
      digests.add(digest);
    }
  }
  assert.equal(digests.size, 80);
});

test('isHashAt() knows the hash where it stands, and no other', () => {
  const random = new Seeded(5);
  for (let round = 0; round < 40; round++) {
    const input = random.bytes(random.below(9000));
    const hashes = Buffer.concat([random.bytes(32), loadPortableHash().hash(input), random.bytes(32)]);
    for (const backend of backends) {
      assert.deepEqual(
        [0, 31, 32, 33, 64, 80].map((place) => backend.isHashAt(input, hashes, place)),
        [false, false, true, false, false, false],
      );
      assert.equal(backend.isHashAt(input, hashes.subarray(0, 63), 32), false);
      const other = Buffer.from(hashes);
      other[32 + random.below(32)]! ^= 1 << random.below(8);
      assert.equal(backend.isHashAt(input, other, 32), false);
    }
  }
});
