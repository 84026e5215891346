/** One frame, whatever the threads and however its bytes are given. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { zstdBounds } from '../../../src/codec/zstd-blocks.ts';
import { ZstdWriter } from '../../../src/codec/zstd-writer.ts';
import { hasProgram } from '../../helpers/archives.ts';
import { inputOf } from './deflate-inputs.ts';

const content = inputOf('mixed', 9 * 2 ** 20);

interface Given {
  /** Of the pieces, in turn. */
  readonly lengths: readonly number[];
  readonly threads?: number;
  /** How long whoever receives the result takes for each part of it. */
  readonly waitMs?: number;
}

function compressed(bytes: Uint8Array, { lengths, threads, waitMs = 0 }: Given): Buffer {
  const parts: Buffer[] = [];
  const receive = (part: Uint8Array) => {
    if (waitMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    parts.push(Buffer.from(part));
  };
  using writer = new ZstdWriter(receive, threads ? { threads } : {});
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length]!;
    writer.write(bytes.subarray(at, at + length));
    at += length;
  }
  writer.finish();
  return Buffer.concat(parts);
}

test('ZstdWriter writes one frame of what it is given', { skip: !hasProgram('zstd') }, () => {
  // Of one of the last the result is as long as the room for it, 1 MiB.
  const inputs = [0, 1, 1000, 256 * 1024, 2 ** 20 + 1, content.length].map((bytes) =>
    content.subarray(0, bytes),
  );
  const full = Array.from({ length: 40 }, (_, less) => randomBytes(2 ** 20 - less));
  for (const want of [...inputs, ...full]) {
    const frame = compressed(want, { lengths: [300_000] });
    const { stdout, status } = spawnSync('zstd', ['-dcq'], { input: frame, maxBuffer: 2 ** 26 });
    assert.equal(status, 0);
    assert.ok(stdout.equals(want), `${want.length} bytes`);
    assert.ok(zstdDecompressSync(frame).equals(want), `${want.length} bytes, the first frame`);
    assert.ok(zstdBounds(frame) !== undefined, 'one frame');
  }
});

test('the bytes do not depend on how many threads there are, nor on how they are given', () => {
  const want = compressed(content, { lengths: [content.length], threads: 1 });
  for (const threads of [1, 2, 4])
    for (const lengths of [[1 << 20], [512, 100_000, 3], [256 * 1024, 1], [5_000_000]])
      assert.ok(compressed(content, { lengths, threads }).equals(want), `${threads} threads, ${lengths}`);
});

test('nor on who waits for whom, where what a thread takes at a time ends with the content', () => {
  const whole = randomBytes(16 * 2 ** 20);
  const want = compressed(whole, { lengths: [whole.length], threads: 4 });
  for (const threads of [1, 2, 4])
    for (const waitMs of [0, 8])
      for (const lengths of [[256 * 1024], [whole.length]])
        assert.ok(
          compressed(whole, { lengths, threads, waitMs }).equals(want),
          `${threads}, ${waitMs} ms, ${lengths}`,
        );
});

test('what is given may be used for something else afterwards', () => {
  const parts: Buffer[] = [];
  using writer = new ZstdWriter((part) => parts.push(Buffer.from(part)), { threads: 4 });
  const memory = Buffer.alloc(1 << 20);
  for (let at = 0; at < content.length; at += memory.length) {
    memory.set(content.subarray(at, at + memory.length));
    writer.write(memory.subarray(0, Math.min(memory.length, content.length - at)));
    memory.fill(0);
  }
  writer.finish();
  assert.ok(zstdDecompressSync(Buffer.concat(parts)).equals(content));
});

const countThreads = (): number => readdirSync('/proc/self/task').length;

test('whoever receives the bytes may fail, and the threads end', {
  skip: process.platform !== 'linux',
}, () => {
  const before = countThreads();
  const writer = new ZstdWriter(
    () => {
      throw new Error('the disk is full');
    },
    { threads: 4 },
  );
  assert.throws(() => {
    for (;;) writer.write(content);
  }, /the disk is full/);
  assert.ok(countThreads() >= before + 4);
  writer[Symbol.dispose]();
  writer[Symbol.dispose]();
  assert.ok(countThreads() < before + 4);
  assert.throws(() => writer.write(content), /Internal error|not closed/);
});

test('ZstdWriter says so where the streams of Node are of another kind', () => {
  const module = new URL('../../../src/codec/zstd-writer.ts', import.meta.url).href;
  const program = `
    import zlib from 'node:zlib';
    import { syncBuiltinESMExports } from 'node:module';
    Object.defineProperty(zlib, 'createZstdCompress', { value: () => ({}) });
    syncBuiltinESMExports();
    const { ZstdWriter } = await import('${module}');
    try {
      new ZstdWriter(() => {});
    } catch ({ code, hint }) {
      console.log(code, hint);
    }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  assert.match(stdout.toString(), /^ERR_NODE_ZSTD Choose .*\.tar\.gz/, stderr.toString());
});
