import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { encodeRawFrame } from '../../../src/codec/frame.ts';
import { FrameCompressor, type RawFrame } from '../../../src/repository/frame-compressor.ts';
import { Seeded } from '../../helpers/seeded.ts';

const compression = { level: 3, isLarge: false } as const;
const frameBytes = 600_000;
/** As much as threads and this one have before them, several times over. */
const framesAtOnce = 120;

test('frames are handed over as they came, whether a thread has compressed them or this one', async () => {
  const written: { number: number; encoded: Buffer }[] = [];
  const compressor = new FrameCompressor<number>((number, encoded) =>
    written.push({ number, encoded: Buffer.from(encoded) }),
  );
  try {
    compressor.startThreads();
    let number = 0;
    if (availableParallelism() > 1) {
      for (let tries = 0; tries < 300 && !compressor.compress(number, frameOf(number)); tries++) {
        number++;
        await setTimeout(20);
      }
      number++;
    }
    const first = number;
    let byThreads = 0;
    for (; number < first + framesAtOnce; number++)
      if (compressor.compress(number, frameOf(number))) byThreads++;
    compressor.writeAll();
    if (availableParallelism() > 1)
      assert.ok(byThreads > 0 && byThreads < framesAtOnce, `${byThreads} of them`);
    assert.equal(written.length, number);
    for (const [at, { number, encoded }] of written.entries()) {
      assert.equal(number, at);
      const { kind, raw, blobCount } = frameOf(number);
      assert.ok(encoded.equals(encodeRawFrame(kind, raw, blobCount, compression)), `frame ${number}`);
    }
  } finally {
    await compressor.end();
  }
});

test('without threads each frame is handed over at once, and its memory stays with who brought it', () => {
  const written: number[] = [];
  const compressor = new FrameCompressor<number>((number) => written.push(number));
  for (let number = 0; number < 3; number++) {
    const { raw, ...frame } = frameOf(number);
    assert.equal(compressor.compress(number, { raw, ...frame }), false);
    assert.equal(raw.length, frameBytes);
    assert.equal(written.length, number + 1);
  }
});

const noise = new Seeded(1).bytes(frameBytes);

/** Compresses to about half, which takes longer than to make it. The memory is its own, with room for a header before the bytes. */
function frameOf(number: number): RawFrame {
  const raw = new Uint8Array(new ArrayBuffer(frameBytes + 4096)).subarray(4096);
  for (let at = 0; at < frameBytes; at += 1000) raw.set(noise.subarray(at, at + 500), at);
  raw[0] = number;
  return { kind: 'data', raw, blobCount: 1, compression };
}
