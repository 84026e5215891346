import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { gunzip, unzstd, unzstdInto } from '../../../src/codec/decode-now.ts';
import { Seeded } from '../../helpers/seeded.ts';

const content = Buffer.from(new Seeded(1).text(300_000));
const codecs = {
  unzstd: { decode: unzstd, compress: zstdCompressSync },
  gunzip: { decode: gunzip, compress: gzipSync },
};

for (const [name, { decode, compress }] of Object.entries(codecs))
  describe(`${name}()`, () => {
    const encoded: Buffer = compress(content);

    test('gives what was compressed, in one piece or many', () => {
      for (const chunkSize of [64, 4096, content.length, 2 * content.length])
        assert.ok(decode(encoded, { maxOutputLength: content.length, chunkSize }).equals(content));
    });

    test('refuses what is damaged, cut short or too long', () => {
      const damaged = Buffer.from(encoded);
      damaged.fill(0xff, damaged.length >> 1);
      for (const bytes of [damaged, encoded.subarray(0, -1), Buffer.from('no such thing'), Buffer.alloc(0)])
        assert.throws(() => decode(bytes, { maxOutputLength: content.length }), Error);
      assert.throws(() => decode(encoded, { maxOutputLength: content.length - 1 }), Error);
    });

    test('holds nothing of what failed, also when the errors are kept', () => {
      const module = new URL('../../../src/codec/decode-now.ts', import.meta.url).href;
      const cut = compress(Buffer.alloc(300_000, 'abc')).subarray(0, -1).toString('base64');
      const program = `
        const { ${name} } = await import('${module}');
        const bytes = Buffer.from('${cut}', 'base64');
        const errors = [];
        for (let count = 0; count < 1500; count++)
          try { ${name}(bytes, { maxOutputLength: 2 ** 20, chunkSize: 2 ** 20 }); } catch (error) { errors.push(error); }
        console.log(errors.length, process.memoryUsage().arrayBuffers);`;
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
      const [failures, bytes] = stdout.toString().trim().split(' ').map(Number);
      assert.equal(failures, 1500, stderr.toString());
      assert.ok((bytes ?? 0) < 300 * 2 ** 20, `${bytes} bytes`); // of 1500 MiB in all
    });
  });

describe('unzstdInto()', () => {
  const encoded = zstdCompressSync(content);
  const decoded = (bytes: Uint8Array, room: number): Buffer => {
    const out = Buffer.alloc(room);
    return out.subarray(0, unzstdInto(bytes, out));
  };

  test('gives what was compressed, into as much room or more', () => {
    for (const room of [content.length, content.length + 1, 2 * content.length])
      assert.ok(decoded(encoded, room).equals(content));
    assert.equal(decoded(zstdCompressSync(Buffer.alloc(0)), 0).length, 0);
  });

  test('refuses what is damaged, cut short or too long, and decodes the next one all the same', () => {
    const damaged = Buffer.from(encoded);
    damaged.fill(0xff, damaged.length >> 1);
    const two = Buffer.concat([encoded, encoded]);
    for (const bytes of [
      damaged,
      encoded.subarray(0, -1),
      two,
      Buffer.from('no such thing'),
      Buffer.alloc(0),
    ]) {
      // Of a frame that is cut short Node 22 gives what there is.
      assert.throws(() => assert.ok(decoded(bytes, content.length).equals(content)), Error);
      assert.ok(decoded(encoded, content.length).equals(content));
    }
    assert.throws(() => decoded(encoded, content.length - 1), Error);
    assert.ok(decoded(encoded, content.length).equals(content));
  });

  test('gives the same where the decoders of Node are of another kind', () => {
    const module = new URL('../../../src/codec/decode-now.ts', import.meta.url).href;
    const program = `
      import zlib from 'node:zlib';
      import { syncBuiltinESMExports } from 'node:module';
      const create = zlib.createZstdDecompress;
      let others = 0;
      const value = (options) => options.maxOutputLength ? create(options) : (others++, {});
      Object.defineProperty(zlib, 'createZstdDecompress', { value });
      syncBuiltinESMExports();
      const { unzstdInto } = await import('${module}');
      const out = Buffer.alloc(20);
      const bytes = unzstdInto(zlib.zstdCompressSync(Buffer.from('some content')), out);
      console.log(others, out.subarray(0, bytes).toString());`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
    assert.equal(stdout.toString(), '1 some content\n', stderr.toString());
  });
});
