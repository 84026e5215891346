import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { encodeRawFrame } from '../../../src/codec/frame.ts';
import { FrameCompressor, type RawFrame } from '../../../src/repository/frame-compressor.ts';
import { setCores } from '../../helpers/cores.ts';
import { Seeded } from '../../helpers/seeded.ts';

const compression = { level: 3, isLarge: false } as const;
const frameBytes = 900_000;
const roomBytes = 4096;
const memoryBytes = roomBytes + frameBytes;
/** Eight with the thread, four that were compressed here, and the one that is being added. */
const waitingMax = 13;
/** Many times as many as wait. */
const framesAtOnce = 120;

test('frames are handed over as they came, whether a thread has compressed them or this one', async (context) => {
  setCores(context, 2); // one thread
  const written: { number: number; encoded: Buffer }[] = [];
  const compressor = new FrameCompressor<number>((number, encoded) =>
    written.push({ number, encoded: Buffer.from(encoded) }),
  );
  let memory = new ArrayBuffer(memoryBytes);
  let number = 0;
  /** Fills the memory as whoever collects blobs does, and goes on in other memory once it is taken. */
  const compress = (): boolean => {
    const isTaken = compressor.compress(number, frameOf(number, memory));
    number++;
    if (isTaken) memory = compressor.takeMemory(memoryBytes);
    assert.ok(number - written.length <= waitingMax, `${number - written.length} frames wait`);
    return isTaken;
  };
  try {
    compressor.startThreads();
    const deadline = Date.now() + 30_000;
    while (!compress()) {
      assert.ok(Date.now() < deadline, 'the thread is ready in time');
      await setTimeout(20);
    }
    let byThread = 0;
    for (let left = framesAtOnce; left > 0; left--) if (compress()) byThread++;
    compressor.writeAll();
    assert.ok(byThread > 0 && byThread < framesAtOnce, `${byThread} of them by the thread`);
    assert.equal(written.length, number);
    for (const [at, { number, encoded }] of written.entries()) {
      assert.equal(number, at);
      const { kind, raw, blobCount } = frameOf(number, new ArrayBuffer(memoryBytes));
      assert.ok(encoded.equals(encodeRawFrame(kind, raw, blobCount, compression)), `frame ${number}`);
    }
  } finally {
    await compressor.end();
  }
});

for (const [name, isStarted] of [
  ['before there are threads', false],
  ['where none is worth starting', true],
] as const)
  test(`${name}, each frame is handed over at once, and its memory stays with who brought it`, async (context) => {
    if (isStarted) setCores(context, 1);
    const written: number[] = [];
    const compressor = new FrameCompressor<number>((number) => written.push(number));
    if (isStarted) compressor.startThreads();
    const memory = new ArrayBuffer(memoryBytes);
    for (let number = 0; number < 3; number++) {
      assert.equal(compressor.compress(number, frameOf(number, memory)), false);
      assert.equal(memory.byteLength, memoryBytes);
      assert.equal(written.length, number + 1);
    }
    await compressor.end();
  });

const noise = new Seeded(1).bytes(frameBytes);

/** In this memory, with room for a header before it. Compresses to about half, which takes longer than to make it. */
function frameOf(number: number, memory: ArrayBuffer): RawFrame {
  const raw = new Uint8Array(memory, roomBytes, frameBytes);
  for (let at = 0; at < frameBytes; at += 1000) {
    raw.set(noise.subarray(at, at + 500), at);
    raw.fill(0, at + 500, at + 1000);
  }
  raw[0] = number;
  return { kind: 'data', raw, blobCount: 1, compression };
}
