/** One frame, whatever the threads and however its bytes are given. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { ZstdWriter } from '../../../src/codec/zstd-writer.ts';
import { inputOf } from './deflate-inputs.ts';

const content = inputOf('mixed', 9 * 2 ** 20);

/** Given in pieces of these lengths, in turn. */
function compressed(bytes: Uint8Array, lengths: readonly number[], threads?: number): Buffer {
  const parts: Buffer[] = [];
  using writer = new ZstdWriter((part) => parts.push(Buffer.from(part)), threads ? { threads } : {});
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length]!;
    writer.write(bytes.subarray(at, at + length));
    at += length;
  }
  writer.finish();
  return Buffer.concat(parts);
}

test('ZstdWriter writes one frame of what it is given', () => {
  for (const bytes of [0, 1, 1000, 256 * 1024, 2 ** 20 + 1, content.length]) {
    const want = content.subarray(0, bytes);
    const frame = compressed(want, [300_000]);
    const { stdout, status } = spawnSync('zstd', ['-dcq'], { input: frame, maxBuffer: 2 ** 26 });
    assert.equal(status, 0);
    assert.ok(stdout.equals(want), `${bytes} bytes`);
    assert.ok(zstdDecompressSync(frame).equals(want), `${bytes} bytes, the first frame`);
  }
});

test('the bytes do not depend on how many threads there are, nor on how they are given', () => {
  const want = compressed(content, [content.length], 1);
  for (const threads of [1, 2, 4])
    for (const lengths of [[1 << 20], [512, 100_000, 3], [256 * 1024, 1], [5_000_000]])
      assert.ok(compressed(content, lengths, threads).equals(want), `${threads} threads, ${lengths}`);
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

test('whoever receives the bytes may fail, and the threads end', () => {
  const writer = new ZstdWriter(
    () => {
      throw new Error('the disk is full');
    },
    { threads: 2 },
  );
  assert.throws(() => {
    for (;;) writer.write(content);
  }, /the disk is full/);
  writer[Symbol.dispose]();
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
