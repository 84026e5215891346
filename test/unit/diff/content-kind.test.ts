import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { kindOf, mediaTypeOf } from '../../../src/diff/content-kind.ts';
import { diffBinary } from '../../../src/diff/diff-binary.ts';
import { fileVersion } from './file-version.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

test('kindOf() goes by the name where the content is text', () => {
  const kind = (path: string) => kindOf(path, bytes('{}'));
  assert.equal(kind('openclaw.json'), 'json');
  assert.equal(kind('a/openclaw.json.bak.1'), 'json');
  assert.equal(kind('openclaw.json.clobbered.2026-03-09T08-00-00.000Z'), 'json');
  assert.equal(kind('include.JSON5'), 'json');
  assert.equal(kind('sessions/s.jsonl'), 'records');
  assert.equal(kind('sessions/s.jsonl.reset.2026-03-09T08-00-00.000Z'), 'records');
  assert.equal(kind('workspace/SOUL.md'), 'text');
  assert.equal(kind('dir.json/notes'), 'text');
  assert.equal(kind('.bak'), 'text');
});

test('kindOf() goes by the content before the name', () => {
  assert.equal(kindOf('s.jsonl.deleted.2026.zst', zstdCompressSync('{}')), 'binary');
  assert.equal(kindOf('x.json', bytes('SQLite format 3\0 and more')), 'sqlite');
  assert.equal(kindOf('x.sqlite', bytes('not a database')), 'text');
  assert.equal(kindOf('x.txt', bytes('a\0b')), 'binary');
  assert.equal(kindOf('x.txt', bytes('caf\xe9 au lait')), 'binary');
  assert.equal(kindOf('x.txt', Buffer.from('café 🦞').subarray(0, -1)), 'text');
  assert.equal(kindOf('x.sqlite', new Uint8Array()), 'text');
});

test('mediaTypeOf() knows common formats', () => {
  assert.equal(mediaTypeOf(gzipSync('x')), 'application/gzip');
  assert.equal(mediaTypeOf(zstdCompressSync('x')), 'application/zstd');
  assert.equal(mediaTypeOf(bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR')), 'image/png');
  assert.equal(mediaTypeOf(bytes('\xff\xd8\xff\xe0\0\x10JFIF')), 'image/jpeg');
  assert.equal(mediaTypeOf(bytes('RIFF\x10\0\0\0WEBPVP8 ')), 'image/webp');
  assert.equal(mediaTypeOf(bytes('RIFF\x10\0\0\0WAVEfmt ')), 'audio/wav');
  assert.equal(mediaTypeOf(bytes('\0\0\0\x18ftypmp42')), 'video/mp4');
  assert.equal(mediaTypeOf(bytes('\0asm\x01\0\0\0')), 'application/wasm');
  assert.equal(mediaTypeOf(bytes('\x7fELF\x02')), 'application/x-executable');
  assert.equal(mediaTypeOf(bytes('PK\x03\x04')), 'application/zip');
  assert.equal(mediaTypeOf(bytes('OggS\0')), 'audio/ogg');
  assert.equal(mediaTypeOf(bytes('%PDF-1.7')), 'application/pdf');
  assert.equal(mediaTypeOf(deflateSync('x')), undefined);
  assert.equal(mediaTypeOf(bytes('BMW and other cars')), undefined);
  assert.equal(mediaTypeOf(new Uint8Array()), undefined);
});

test('diffBinary() gives types and sizes', () => {
  const png = fileVersion('a', bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'));
  assert.deepEqual(diffBinary(png, fileVersion('a', gzipSync('x'.repeat(20_000)))), {
    kind: 'binary',
    beforeType: 'image/png',
    afterType: 'application/gzip',
    beforeBytes: 16,
    afterBytes: gzipSync('x'.repeat(20_000)).length,
  });
  assert.deepEqual(diffBinary(undefined, png), {
    kind: 'binary',
    beforeType: undefined,
    afterType: 'image/png',
    beforeBytes: 0,
    afterBytes: 16,
  });
});
