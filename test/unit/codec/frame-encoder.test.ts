/** Frames are as good whether threads compress them or not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ByteWriter } from '../../../src/codec/bytes.ts';
import { decompressZstd, zstdSettings } from '../../../src/codec/compression.ts';
import { decodeFrame, encodeRawFrame, type RawFrame } from '../../../src/codec/frame.ts';
import { FrameEncoder } from '../../../src/codec/frame-encoder.ts';
import { threadBytesMin, ZstdThread } from '../../../src/codec/zstd-thread.ts';
import { inputOf } from './deflate-inputs.ts';

const MiB = 1024 * 1024;
/** Of a frame, before its payload. */
const headBytes = 24;
const text = Buffer.from(inputOf('mixed', 5 * MiB));

/** Noise, with text only where a sample is taken: what there is to gain is less than is wanted. */
function promisingNoise(bytes: number): Buffer {
  const noise = randomBytes(bytes);
  text.copy(noise, bytes / 2 - 12_000, 0, 24_000);
  return noise;
}

function frameOf(content: Uint8Array, level: number, isLarge = false): RawFrame {
  const list = new ByteWriter().varint(content.length).view();
  const raw = Buffer.concat([list, content]);
  return { kind: 'data', raw, blobCount: 1, compression: { level, isLarge } };
}

const contents: readonly Buffer[] = [
  text.subarray(0, MiB),
  text.subarray(0, 1000),
  text.subarray(MiB, 5 * MiB),
  randomBytes(MiB),
  text.subarray(7, 650_000),
  promisingNoise(MiB),
  randomBytes(4 * MiB),
  text.subarray(0, 600_000),
  Buffer.concat(
    Array.from({ length: 512 }, (_, page) =>
      Buffer.concat([text.subarray(page * 50, page * 50 + 1024), randomBytes(1024)]),
    ),
  ),
];
const frames = [0, 3, 6].flatMap((level) =>
  [false, true].flatMap((isLarge) => contents.map((content) => frameOf(content, level, isLarge))),
);

function encodedWith(cores: number, all: readonly RawFrame[]): Buffer[] {
  using encoder = new FrameEncoder(cores);
  const encoded: Buffer[] = [];
  for (const frame of all) {
    while (encoder.isFull) encoded.push(Buffer.from(encoder.end()));
    const raw = Buffer.from(frame.raw);
    const done = encoder.begin({ ...frame, raw });
    raw.fill(0); // somebody else's by now
    if (done !== undefined) encoded.push(Buffer.from(done));
  }
  while (!encoder.isEmpty) encoded.push(Buffer.from(encoder.end()));
  return encoded;
}

test('frames decode to the same, in the same order and as short, with threads and without', () => {
  for (const cores of [1, 2]) {
    const found = encodedWith(cores, frames);
    assert.equal(found.length, frames.length);
    for (const [number, frame] of found.entries()) {
      const content = contents[number % contents.length]!;
      assert.ok(content.equals(decodeFrame(frame, 'test').blobs[0]!), `content of frame ${number}`);
      const want = encodeRawFrame(frames[number]!);
      if (cores === 1) assert.ok(frame.equals(want), `frame ${number}`);
      assert.ok(Math.abs(frame.length - want.length) <= want.length / 500, `${frame.length}, ${want.length}`);
    }
  }
});

test('what promises to compress and hardly does is stored as it is', () => {
  const frame = frameOf(promisingNoise(MiB), 3);
  assert.ok(zstdSettings(frame.raw, 3) !== undefined, 'samples say that it pays');
  const [encoded] = encodedWith(2, [frame]);
  assert.equal(encoded?.length, frame.raw.length + headBytes);
});

test('frames are compressed at once, some of them', () => {
  using encoder = new FrameEncoder(2);
  const frame = frameOf(text.subarray(0, MiB), 3);
  let begun = 0;
  for (; !encoder.isFull; begun++) assert.equal(encoder.begin(frame), undefined, 'a thread has it');
  assert.equal(begun, 4);
  assert.equal(encoder.begin(frameOf(randomBytes(1000), 3)), undefined, 'it comes after those before it');
  for (; begun > 0; begun--) assert.ok(decodeFrame(encoder.end(), 'test').blobs[0]?.length === MiB);
  assert.equal(encoder.end().length, 1000 + 2 + headBytes);
  assert.ok(encoder.isEmpty);
  assert.equal(
    encoder.begin(frameOf(randomBytes(1000), 3))?.length,
    1000 + 2 + headBytes,
    'it comes after none',
  );
});

test('an encoder that is let go waits for what its threads are at', () => {
  for (let times = 0; times < 20; times++) {
    using encoder = new FrameEncoder(2);
    while (!encoder.isFull) encoder.begin(frameOf(text.subarray(0, MiB), 6));
  }
});

test('a ZstdThread gives one zstd frame of what it was given, or says that it cannot take the bytes', () => {
  const settings = zstdSettings(text, 3)!;
  using thread = ZstdThread.for(settings, MiB)!;
  for (const bytes of [threadBytesMin, threadBytesMin + 1, MiB - 1, MiB, 700_000]) {
    const content = text.subarray(0, bytes);
    assert.equal(thread.begin(content), true);
    const out = Buffer.alloc(2 * MiB);
    const compressed = out.subarray(0, thread.end(out));
    assert.ok(decompressZstd(compressed, bytes, 'test').equals(content), `${bytes} bytes`);
  }
  assert.equal(thread.begin(text.subarray(0, 300_000)), false, 'the library would compress it here');
  for (const bytes of [MiB, 2 * MiB, 8 * MiB])
    assert.ok(ZstdThread.for(settings, bytes)?.isFor(settings, bytes));
  assert.equal(ZstdThread.for(settings, 8 * MiB + 1), undefined);
});

const modules = new URL('../../../src/codec/', import.meta.url).href;
const program = `
  import { createHash } from 'node:crypto';
  import { decodeFrame } from '${modules}frame.ts';
  import { FrameEncoder } from '${modules}frame-encoder.ts';
  const raw = Buffer.concat([Buffer.from([128, 128, 64]), Buffer.from('line after line of text\\n'.repeat(43691)).subarray(0, 2 ** 20)]);
  using encoder = new FrameEncoder(2);
  const frame = { kind: 'data', raw, blobCount: 1, compression: { level: 3 } };
  const frames = [1, 2].map(() => Buffer.from(encoder.begin(frame) ?? encoder.end()));
  for (const one of frames)
    console.log(one.length < 1000, createHash('sha256').update(decodeFrame(one, 'test').blobs[0]).digest('hex'));
`;

function run(preload: string): string {
  const words = ['--input-type=module', '--eval', program];
  const before = preload === '' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...before, ...words], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

test('where the library has no threads, or Node has it another way, frames are compressed all the same', () => {
  const want = run('');
  assert.match(want, /^(true [0-9a-f]{64}\n){2}$/);
  const changed = (body: string): string => `
    import zlib from 'node:zlib';
    import { syncBuiltinESMExports } from 'node:module';
    const { createZstdCompress, constants } = zlib;
    Object.defineProperty(zlib, 'createZstdCompress', { value: (options) => { ${body} } });
    syncBuiltinESMExports();`;
  assert.equal(
    run(
      changed(
        `if (options.params?.[constants.ZSTD_c_nbWorkers] > 0) throw new RangeError('no threads'); return createZstdCompress(options);`,
      ),
    ),
    want,
  );
  assert.equal(run(changed('return {};')), want);
  // A system that refuses a thread: the library does not take the bytes.
  const refusing = `const stream = createZstdCompress(options);
    const { writeSync } = stream._handle;
    if (options.params?.[constants.ZSTD_c_nbWorkers] > 0)
      stream._handle.writeSync = (...all) => { stream._writeState[0] = 0; stream._writeState[1] = all[3]; };
    return stream;`;
  assert.equal(run(changed(refusing)), want);
});
