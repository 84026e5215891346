import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blobIdOf } from '../../../src/codec/hash.ts';
import { byteStringOf } from '../../../src/model/paths.ts';
import type { StoredFile } from '../../../src/repository/frame-threads.ts';
import { packFiles, unpackFiles } from '../../../src/repository/packed-files.ts';

const [one, other] = [blobIdOf(Buffer.from('one')), blobIdOf(Buffer.from('other'))];

function file(name: string, parts: Omit<StoredFile, 'place'>, place = {}): StoredFile {
  return {
    place: {
      path: byteStringOf(`/proc/self/fd/17/${name}`),
      temporary: byteStringOf('/proc/self/fd/17/.exuvia-0123456789ab-5'),
      attributes: { mode: 0o640, mtime: 1_600_000_000.123456 },
      obsolete: [],
      ...place,
    },
    ...parts,
  };
}

const files: readonly StoredFile[] = [
  file('empty', { size: 0, hash: undefined, content: Buffer.alloc(0) }),
  file('één', { size: 3, hash: undefined, content: Buffer.from('abc') }),
  file(
    'blob',
    { size: 9, hash: undefined, content: [{ bytes: 9, frame: 0, position: 7, id: one }] },
    { attributes: { mode: 0o4755, mtime: -1.5, owner: { uid: 0, gid: 4_294_967_294 } } },
  ),
  file(
    'state.sqlite',
    {
      size: 40_960,
      hash: other,
      content: [
        { bytes: 4096, frame: 1, position: 65_535, id: one },
        { bytes: 32_768 },
        { bytes: 4096, frame: 0, position: 0, id: other },
      ],
    },
    { obsolete: [byteStringOf('/x-wal'), byteStringOf('/x-shm')] },
  ),
  file('nothing', { size: 0, hash: one, content: [] }),
];

test('unpackFiles() gives what packFiles() was given', () => {
  for (const some of [files, files.slice(2, 3), []]) {
    // As it comes out of a message.
    const unpacked = unpackFiles(structuredClone(packFiles(some)));
    assert.deepEqual(unpacked.map(plain), some.map(plain));
  }
});

function plain(file: StoredFile): StoredFile {
  const { content } = file;
  return content instanceof Uint8Array ? { ...file, content: Uint8Array.from(content) } : file;
}
