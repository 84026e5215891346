/** Keys, seals and slots against vectors that an independent program computed (test/golden/encryption/vectors.py). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type DecodedFrame, decodeFrame, encodeFrame } from '../../../src/codec/frame.ts';
import {
  formatKeyFile,
  isKeySlot,
  parseKeyFile,
  unwrapWithKeyFile,
  unwrapWithPassphrase,
  wrapWithKeyFile,
  wrapWithPassphrase,
} from '../../../src/codec/key-slots.ts';
import { derive, type PackKeys, RepositoryKeys } from '../../../src/codec/keys.ts';
import {
  decodePackEnd,
  encodePackEnd,
  encodePackHeader,
  firstFrameOffset,
  type PackedFrame,
  packTrailerBytes,
} from '../../../src/codec/pack.ts';
import {
  directoryNumber,
  paddingFrame,
  salvageSealedFrames,
  sealFrame,
  unsealFrame,
  WriteOnlyError,
} from '../../../src/codec/sealed-frame.ts';
import { paddedLength } from '../../../src/codec/sealing.ts';
import { decodeSnapshot, encodeSnapshot, sealedSequence } from '../../../src/codec/snapshot-codec.ts';
import { DamageError, ExuviaError } from '../../../src/model/errors.ts';
import { parseBlobId, parsePackId } from '../../../src/model/ids.ts';
import { buildRecord } from '../../helpers/records.ts';
import { Seeded } from '../../helpers/seeded.ts';

interface Case {
  readonly [name: string]: string;
}

const folder = new URL('../../golden/encryption/', import.meta.url);
const text = readFileSync(new URL('vectors.json', folder), 'utf8');
const vectors = JSON.parse(text) as {
  cases: (Case & { ids: Record<string, string>; number: number })[];
  padding: [number, number][];
};
const bytes = (hex: string | undefined): Buffer => Buffer.from(hex ?? '', 'hex');
const hex = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString('hex');

test('the vectors are what an independent program computes today', (context) => {
  const script = fileURLToPath(new URL('vectors.py', folder));
  const run = spawnSync('python3', [script], { encoding: 'utf8' });
  if (run.status !== 0) return context.skip(`needs python3 with cryptography: ${run.stderr.slice(-200)}`);
  assert.equal(run.stdout, text);
});

for (const [index, one] of vectors.cases.entries()) {
  const keys = RepositoryKeys.ofMasterKey(bytes(one['master']), bytes(one['repository']));
  const packId = parsePackId(one['pack'] ?? '');

  test(`RepositoryKeys derives the keys of vector ${index}, ids and seals`, () => {
    assert.equal(hex(keys.writerKey), one['writer']);
    assert.equal(hex(keys.publicKey), one['public']);
    for (const [content, id] of Object.entries(one.ids))
      assert.equal(keys.blobIdOf(Buffer.from(content)), id);
    const { keys: pack, ephemeralKey } = keys.newPack(packId, bytes(one['seed']));
    assert.equal(hex(ephemeralKey), one['ephemeral']);
    for (const opened of [pack, keys.openPack(packId, ephemeralKey, 'pack')]) {
      assert.equal(hex(opened.directoryKey), one['directoryKey']);
      assert.equal(hex(opened.blockKey), one['blockKey']);
      assert.equal(hex(opened.frameKey), one['frameKey']);
    }
    const kind = index % 2 === 0 ? 'data' : 'tree';
    const plain = encodeFrame(kind, [Buffer.from('hello')], { level: 0 });
    assert.equal(hex(plain.subarray(12)), one['body']);
    const sealed = sealFrame(plain, pack, one.number);
    assert.equal(hex(sealed), one['sealedFrame']);
    assert.deepEqual(unsealFrame(sealed, pack, 'x', one.number), decodeFrame(plain, 'x'));
  });

  test(`RepositoryKeys gives snapshots the keys of vector ${index}`, () => {
    const { key, ephemeralKey } = keys.newSnapshot(Buffer.from(one['record'] ?? ''));
    assert.equal(hex(ephemeralKey), one['snapshotEphemeral']);
    assert.equal(hex(key), one['snapshotKey']);
    assert.equal(hex(keys.openSnapshot(ephemeralKey, 'x')), one['snapshotKey']);
  });

  test(`key slots are those of vector ${index}`, () => {
    const repository = bytes(one['repository']);
    const full = { id: '0badcafe', role: 'full', label: '', created: '' } as const;
    const passphrase = one['passphrase'] ?? '';
    const slot = wrapWithPassphrase(full, bytes(one['master']), passphrase, bytes(one['salt']), repository);
    assert.equal(slot.wrapped, one['passphraseSlot']);
    if (index === 0) {
      assert.equal(hex(unwrapWithPassphrase(slot, passphrase, repository)), one['master']);
      assert.equal(unwrapWithPassphrase(slot, `${passphrase}.`, repository), undefined);
    }
    const add = { ...full, role: 'add' } as const;
    const file = wrapWithKeyFile(add, keys.writerKey, bytes(one['secret']), bytes(one['salt']), repository);
    assert.equal(file.wrapped, one['keyFileSlot']);
    assert.equal(hex(unwrapWithKeyFile(file, bytes(one['secret']), repository)), one['writer']);
    assert.equal(unwrapWithKeyFile(file, bytes(one['seed']), repository), undefined);
    assert.equal(unwrapWithKeyFile({ ...file, role: 'full' }, bytes(one['secret']), repository), undefined);
    assert.equal(isKeySlot(slot) && isKeySlot(file), true);
    assert.equal(isKeySlot({ ...slot, kdf: { ...slot.kdf, logN: 28 } }), false, 'would take 256 GiB');
  });
}

test('derive() is HKDF-SHA256: RFC 5869, test cases 1 and 2', () => {
  const range = (from: number, to: number): Buffer =>
    Buffer.from(Array.from({ length: to - from + 1 }, (_, index) => from + index));
  const one = derive(Buffer.alloc(22, 0x0b), range(0, 12), range(0xf0, 0xf9), 42);
  assert.equal(
    hex(one),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  );
  const two = derive(range(0, 0x4f), range(0x60, 0xaf), range(0xb0, 0xff), 82);
  assert.equal(hex(two).slice(0, 32), 'b11e398dc80327a1c8e7f78c596a4934');
});

test('paddedLength() is that of the vectors, never less, and at most an eighth more', () => {
  for (const [length, padded] of vectors.padding) assert.equal(paddedLength(length), padded);
  for (let length = 1; length < 20_000; length++) {
    const padded = paddedLength(length);
    assert.ok(padded >= length && padded <= length * 1.125, String(length));
    assert.equal(paddedLength(padded), padded);
  }
});

const repositoryId = Buffer.alloc(16, 7);
const keys = RepositoryKeys.ofMasterKey(new Seeded(1).bytes(32), repositoryId);
const packId = parsePackId('00112233445566778899aabbccddeeff');
const sealing = keys.newPack(packId, new Seeded(2).bytes(32));

function everyFlipIsFound(input: Buffer, decode: (changed: Buffer) => unknown): void {
  for (let bit = 0; bit < input.length * 8; bit++) {
    const changed = Buffer.from(input);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => decode(changed), ExuviaError, `bit ${bit}`);
  }
}

function everyCutIsFound(input: Buffer, decode: (changed: Buffer) => unknown): void {
  for (let length = 0; length < input.length; length++)
    assert.throws(() => decode(input.subarray(0, length)), ExuviaError, `${length} bytes`);
}

test('unsealFrame() finds every changed bit and every cut, another pack, another number, another repository', () => {
  const plain = encodeFrame('tree', [Buffer.from('one'), new Seeded(4).text(300)], { level: 3 });
  const sealed = sealFrame(plain, sealing.keys, 5);
  everyFlipIsFound(sealed, (changed) => unsealFrame(changed, sealing.keys, 'x'));
  everyCutIsFound(sealed, (changed) => unsealFrame(changed, sealing.keys, 'x'));
  assert.throws(() => unsealFrame(sealed, sealing.keys, 'x', 6), DamageError);
  const otherPack = keys.openPack(parsePackId('ff'.repeat(16)), sealing.ephemeralKey, 'x');
  assert.throws(() => unsealFrame(sealed, otherPack, 'x'), DamageError);
  const other = RepositoryKeys.ofMasterKey(new Seeded(1).bytes(32), Buffer.alloc(16, 8));
  assert.throws(
    () => unsealFrame(sealed, other.openPack(packId, sealing.ephemeralKey, 'x'), 'x'),
    DamageError,
  );
});

function buildSealedPack(frames: readonly { kind: 'data' | 'tree'; content: Buffer }[]): Buffer {
  const parts: Buffer[] = [encodePackHeader(packId, sealing.ephemeralKey)];
  const listed: PackedFrame[] = [];
  let offset = firstFrameOffset(true);
  for (const [number, { kind, content }] of frames.entries()) {
    const sealed = sealFrame(encodeFrame(kind, [content], { level: 3 }), sealing.keys, number);
    const blobs = [{ id: keys.blobIdOf(content), bytes: content.length }];
    listed.push({ offset, bytes: sealed.length, kind, blobs });
    offset += sealed.length;
    parts.push(sealed);
  }
  return Buffer.concat([...parts, encodePackEnd({ id: packId, frames: listed }, sealing)]);
}

function openEnd(pack: Buffer, packKeys: PackKeys = keys.outerPackKeys(packId)): unknown {
  const header = pack.subarray(0, firstFrameOffset(true));
  return decodePackEnd(header, directoryAndTrailer(pack), pack.length, 'x', packKeys);
}

/** Where the directory begins is sealed: found by trying, as only who has the key can. */
function directoryAndTrailer(pack: Buffer): Buffer {
  for (let at = firstFrameOffset(true); at < pack.length - packTrailerBytes; at++) {
    try {
      unsealFrame(pack.subarray(at, pack.length - packTrailerBytes), sealing.keys, 'x', directoryNumber);
      return pack.subarray(at);
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
    }
  }
  return pack.subarray(-packTrailerBytes - 60);
}

test('decodePackEnd() reads a sealed directory with the keys of a writer, and its length tells little', () => {
  const pack = buildSealedPack([
    { kind: 'data', content: new Seeded(5).text(900) },
    { kind: 'tree', content: new Seeded(6).text(50) },
  ]);
  assert.equal(paddedLength(pack.length), pack.length);
  const directory = openEnd(pack) as { frames: PackedFrame[]; padding?: { offset: number; bytes: number } };
  assert.deepEqual(
    directory.frames.map(({ kind }) => kind),
    ['data', 'tree'],
  );
  const end = directoryAndTrailer(pack);
  const header = pack.subarray(0, firstFrameOffset(true));
  const outer = keys.outerPackKeys(packId);
  everyFlipIsFound(end, (changed) => decodePackEnd(header, changed, pack.length, 'x', outer));
  everyFlipIsFound(header, (changed) => decodePackEnd(changed, end, pack.length, 'x', outer));
});

test('nothing in a sealed pack can be told from random bytes but its header and its last magic', () => {
  const pack = buildSealedPack([{ kind: 'data', content: Buffer.alloc(200_000, 'the same words ') }]);
  for (const word of ['XFRM', 'same words']) assert.equal(pack.includes(word), false, word);
  assert.equal(pack.lastIndexOf('EXUVIA'), pack.length - 8);
});

test('salvageSealedFrames() finds the frames of a pack whose directory is gone, at any offset', () => {
  const contents = [new Seeded(7).text(5000), new Seeded(8).text(777), new Seeded(9).text(333)];
  const pack = buildSealedPack(contents.map((content) => ({ kind: 'data', content })));
  const torn = Buffer.concat([Buffer.from('abc'), pack.subarray(0, pack.length - 200)]);
  torn[firstFrameOffset(true) + 10] = (torn[firstFrameOffset(true) + 10] ?? 0) ^ 1;
  const found: DecodedFrame[] = [...salvageSealedFrames(torn, sealing.keys)];
  const blobs = found.flatMap(({ blobs }) => blobs.map((blob) => Buffer.from(blob).toString()));
  assert.deepEqual(blobs, contents.slice(1).map(String));
});

test('what was opened stays as it is when other frames are, and holds no more memory than its frame', () => {
  const part = 128 * 1024;
  const random = new Seeded(5);
  const contents = [1, 1000, part - 60, part, part + 1, 3 * part + 7].flatMap((length) => [
    random.bytes(length),
    Buffer.alloc(length, 'text '),
  ]);
  const frames = [0, 3].flatMap((level) =>
    contents.map((content, at) => {
      const frame = encodeFrame('data', [content], { level });
      return { content, sealed: sealFrame(frame, sealing.keys, at) };
    }),
  );
  const opened = frames.map(({ sealed }) => unsealFrame(sealed, sealing.keys, 'x').blobs[0]!);
  for (const [at, { content }] of frames.entries()) {
    assert.ok(content.equals(opened[at]!), `frame ${at}`);
    assert.ok(opened[at]!.buffer.byteLength <= content.length + Buffer.poolSize, `memory of frame ${at}`);
  }
});

test('paddingFrame() decodes to nothing, and only as zeros', () => {
  const padding = paddingFrame(500, sealing.keys, 3);
  assert.equal(padding.length, 500);
  assert.deepEqual(unsealFrame(padding, sealing.keys, 'x', 3), { kind: 'padding', blobs: [] });
});

test('who may only add writes what others read, and cannot read it', () => {
  const writer = RepositoryKeys.ofWriterKey(keys.writerKey, repositoryId, keys.publicKey);
  assert.equal(writer.canRead, false);
  const content = Buffer.from('for the reader');
  assert.equal(writer.blobIdOf(content), keys.blobIdOf(content));
  const made = writer.newPack(packId, new Seeded(12).bytes(32));
  const sealed = sealFrame(encodeFrame('data', [content], { level: 0 }), made.keys, 0);
  const opened = keys.openPack(packId, made.ephemeralKey, 'x');
  assert.deepEqual(unsealFrame(sealed, opened, 'x').blobs.map(String), [String(content)]);
  const own = writer.openPack(packId, made.ephemeralKey, 'x');
  assert.throws(() => unsealFrame(sealed, own, 'x'), WriteOnlyError);
  const { bytes: file } = encodeSnapshot(buildRecord({ sequence: 41 }), writer);
  assert.equal(decodeSnapshot(file, 'x', keys).sequence, 41);
  assert.equal(sealedSequence(file, 'x'), 41);
  assert.throws(() => decodeSnapshot(file, 'x', writer), WriteOnlyError);
});

test('encodeSnapshot() sealed: round trip, the same record is the same file, every changed bit and every cut is found', () => {
  const record = buildRecord({ message: 'naïve ☃', tags: ['a'] });
  const { id, bytes: file } = encodeSnapshot(record, keys);
  assert.deepEqual(decodeSnapshot(file, 'x', keys), { ...record, id });
  assert.deepEqual(encodeSnapshot(record, keys).bytes, file);
  assert.equal(file.includes('naïve'), false);
  everyFlipIsFound(file, (changed) => decodeSnapshot(changed, 'x', keys));
  everyCutIsFound(file, (changed) => decodeSnapshot(changed, 'x', keys));
  const other = RepositoryKeys.ofMasterKey(new Seeded(1).bytes(32), Buffer.alloc(16, 8));
  assert.throws(() => decodeSnapshot(file, 'x', other), DamageError);
  assert.throws(() => decodeSnapshot(file, 'x'), DamageError, 'in a repository without keys');
  assert.throws(() => decodeSnapshot(encodeSnapshot(record).bytes, 'x', keys), DamageError, 'not sealed');
});

test('parseKeyFile() takes what formatKeyFile() gives, and finds a digit typed wrong', () => {
  for (const kind of ['secret', 'master-key'] as const) {
    const key = { kind, bytes: new Seeded(3).bytes(32) };
    const line = formatKeyFile(key);
    assert.deepEqual(parseKeyFile(`# mine\n${line}\r\n`.replace('\r', ''), 'x'), key);
    const wrong = line.replace(/(?<=-1-)./, (digit) => (digit === '1' ? '2' : '1'));
    assert.throws(() => parseKeyFile(wrong, 'x'), /mistake/);
  }
  assert.equal(parseKeyFile('AGE-SECRET-KEY-1…', 'x'), undefined);
  assert.equal(parseBlobId(keys.blobIdOf(Buffer.from('x'))).length, 64);
});
