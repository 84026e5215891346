import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutParameters } from '../../../src/chunker/parameters.ts';
import { ByteReader, ByteWriter } from '../../../src/codec/bytes.ts';
import { decodeFrame, encodeFrame } from '../../../src/codec/frame.ts';
import { blobIdOf } from '../../../src/codec/hash.ts';
import { decodeNode, encodeNode } from '../../../src/codec/node-codec.ts';
import { decodePackEnd, encodePackEnd, encodePackHeader, packHeaderBytes } from '../../../src/codec/pack.ts';
import {
  formatParameters,
  parseParameters,
  type RepositoryParameters,
} from '../../../src/codec/parameters.ts';
import {
  decodeSnapshot,
  encodeSnapshot,
  snapshotFileName,
  snapshotIdOfFileName,
} from '../../../src/codec/snapshot-codec.ts';
import { DamageError, ExuviaError } from '../../../src/model/errors.ts';
import { parsePackId } from '../../../src/model/ids.ts';
import { byteStringOf, type PathKey } from '../../../src/model/paths.ts';
import type { TreeNode } from '../../../src/model/tree.ts';
import { listed } from '../../helpers/listed.ts';
import { buildRecord } from '../../helpers/records.ts';
import { Seeded } from '../../helpers/seeded.ts';

const packId = parsePackId('00112233445566778899aabbccddeeff');

/** Every single-bit change of `bytes` must make `decode` throw DamageError or another typed error. */
function everyFlipIsFound(bytes: Buffer, decode: (changed: Buffer) => unknown): void {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => decode(changed), ExuviaError, `bit ${bit}`);
  }
}

function everyCutIsFound(bytes: Buffer, decode: (changed: Buffer) => unknown): void {
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decode(bytes.subarray(0, length)), ExuviaError, `cut to ${length}`);
  }
}

test('varint() round-trips every safe integer', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeInteger(), (plain, signed) => {
      fc.pre(Math.abs(signed) < 2 ** 52);
      const reader = new ByteReader(new ByteWriter(1).varint(plain).signedVarint(signed).finish(), 'x');
      assert.equal(reader.varint(), plain);
      assert.equal(reader.signedVarint(), signed);
      reader.end();
    }),
    { seed: 3 },
  );
});

test('varint() refuses a number that is encoded longer than it must be', () => {
  assert.throws(() => new ByteReader(Buffer.from([0x80, 0x00]), 'x').varint(), DamageError);
  assert.throws(() => new ByteReader(Buffer.alloc(9, 0xff), 'x').varint(), DamageError);
});

const nodes: readonly TreeNode[] = [
  { type: 'directory', mode: 0o700, uid: 1000, gid: 1000, mtimeNs: 1_760_000_000_123_456_789n },
  { type: 'symlink', mode: 0o777, uid: 0, gid: 0, mtimeNs: -5n, linkTarget: byteStringOf('../ä\n') },
  {
    type: 'file',
    mode: 0o4755,
    uid: 4_294_967_294,
    gid: 1,
    mtimeNs: -1_000_000_001n,
    size: 3,
    state: 'changed',
    content: { kind: 'inline', bytes: Buffer.from('abc') },
    hardLink: 'a\0b' as PathKey,
  },
  {
    type: 'file',
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    size: 100_000,
    state: 'captured',
    content: {
      kind: 'pages',
      unitBytes: 4096,
      base: blobIdOf(Buffer.from('b')),
      layers: [blobIdOf(Buffer.from('l'))],
      hash: blobIdOf(Buffer.from('h')),
    },
  },
  {
    type: 'file',
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    size: 30,
    state: 'raw',
    content: {
      kind: 'chunks',
      chunks: [
        { bytes: 10, id: undefined },
        { bytes: 20, id: blobIdOf(Buffer.from('c')) },
      ],
      hash: blobIdOf(Buffer.from('h')),
    },
  },
];

test('encodeNode() round-trips each type and kind of content', () => {
  for (const node of nodes) assert.deepEqual(decodeNode(encodeNode(node), 'x'), node);
});

test('decodeNode() survives any bytes', () => {
  const random = new Seeded(9);
  for (let round = 0; round < 20_000; round++) {
    const base = encodeNode(nodes[round % nodes.length] ?? nodes[0]!);
    const changed = Buffer.from(base.subarray(0, random.below(base.length + 1)));
    if (changed.length > 0) changed[random.below(changed.length)] = random.below(256);
    try {
      decodeNode(changed, 'x');
    } catch (error) {
      assert.ok(error instanceof DamageError, String(error));
    }
  }
});

test('encodeFrame() round-trips blobs, compressed or not', () => {
  const blobs = [Buffer.alloc(0), new Seeded(1).text(5000), new Seeded(2).bytes(3000)];
  for (const level of [0, 3, 9]) {
    const decoded = decodeFrame(encodeFrame('data', blobs, { level }), 'x');
    assert.equal(decoded.kind, 'data');
    assert.deepEqual(
      decoded.blobs.map((blob) => Buffer.from(blob)),
      blobs,
    );
  }
});

test('decodeFrame() finds every changed bit and every cut', () => {
  const frame = encodeFrame('tree', [Buffer.from('one'), new Seeded(4).text(300)], { level: 3 });
  everyFlipIsFound(frame, (changed) => decodeFrame(changed, 'x'));
  everyCutIsFound(frame, (changed) => decodeFrame(changed, 'x'));
});

test('decodeFrame() does not believe a length that the bytes do not hold', () => {
  const frame = encodeFrame('data', [Buffer.alloc(100_000)], { level: 3 });
  const lying = Buffer.from(frame);
  lying.writeUInt32LE(0xffff_ffff, 16);
  assert.throws(() => decodeFrame(lying, 'x'), DamageError);
});

test('decodePackEnd() gives the directory, and finds every changed bit and every cut', () => {
  const header = encodePackHeader(packId);
  const frames = [
    {
      offset: packHeaderBytes,
      bytes: 100,
      kind: 'data' as const,
      blobs: [{ id: blobIdOf(Buffer.from('a')), bytes: 7 }],
    },
    { offset: packHeaderBytes + 100, bytes: 50, kind: 'tree' as const, blobs: [] },
  ];
  const end = encodePackEnd({ id: packId, frames });
  const packBytes = packHeaderBytes + 150 + end.length;
  const directory = decodePackEnd(header, end, packBytes, 'x');
  assert.deepEqual(directory, { id: packId, frames: frames.map(listed) });
  everyFlipIsFound(end, (changed) => decodePackEnd(header, changed, packBytes, 'x'));
  everyFlipIsFound(header, (changed) => decodePackEnd(changed, end, packBytes, 'x'));
  everyCutIsFound(end, (changed) =>
    decodePackEnd(header, changed, packBytes - (end.length - changed.length), 'x'),
  );
});

test('encodeSnapshot() round-trips, and every changed bit and every cut is found', () => {
  const record = buildRecord({ message: 'naïve ☃', tags: ['a'] });
  for (const isCompressed of [true, false]) {
    const { id, bytes } = encodeSnapshot(record, undefined, isCompressed);
    assert.deepEqual(decodeSnapshot(bytes, 'x'), { ...record, id });
    everyFlipIsFound(bytes, (changed) => decodeSnapshot(changed, 'x'));
    everyCutIsFound(bytes, (changed) => decodeSnapshot(changed, 'x'));
  }
  const { id } = encodeSnapshot(record);
  assert.equal(snapshotIdOfFileName(snapshotFileName(record.time, id)), id);
  assert.equal(snapshotIdOfFileName('notes.txt'), undefined);
});

test('encodeSnapshot() keeps a short record as it is, and compresses a long one', () => {
  const [short, long] = ['x', 'x '.repeat(3000)].map(
    (message) => encodeSnapshot(buildRecord({ message })).bytes,
  );
  assert.ok(short!.includes('"message":"x"'));
  assert.ok(long!.length < 2000, `${long!.length} bytes`);
});

test('decodeSnapshot() refuses a record of another shape', () => {
  const { bytes } = encodeSnapshot({ ...buildRecord({}), sources: 'x' } as never);
  assert.throws(() => decodeSnapshot(bytes, 'x'), /no valid "sources"/);
});

const parameters: RepositoryParameters = {
  format: 'exuvia repository',
  version: 1,
  id: '0'.repeat(32),
  created: '2026-11-23T00:00:00.000Z',
  requiredFeatures: [],
  hash: 'blake3-256',
  chunker: cutParameters,
  compression: { codec: 'zstd', level: 3 },
  keySlots: [],
};

test('parseParameters() reads what formatParameters() wrote, and finds every changed bit', () => {
  const text = formatParameters(parameters);
  assert.equal(parseParameters(text, 'x').id, parameters.id);
  everyFlipIsFound(Buffer.from(text), (changed) => parseParameters(changed.toString('latin1'), 'x'));
});

test('parseParameters() refuses what a newer program made, and says so', () => {
  assert.throws(
    () => parseParameters(formatParameters({ ...parameters, version: 2 }), 'x'),
    /format version 2/,
  );
  assert.throws(
    () => parseParameters(formatParameters({ ...parameters, requiredFeatures: ['time-travel'] }), 'x'),
    /needs the feature time-travel/,
  );
  assert.throws(
    () => parseParameters(formatParameters({ ...parameters, requiredFeatures: ['encryption'] }), 'x'),
    DamageError,
    'encrypted, and nothing says with which key',
  );
});
