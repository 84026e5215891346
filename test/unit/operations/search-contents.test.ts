import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blobIdOf } from '../../../src/codec/hash.ts';
import type { FileNode } from '../../../src/model/tree.ts';
import { TextSearch } from '../../../src/operations/search-contents.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';

/** A file of pieces that are blobs of their own. */
function fileOf(store: MemoryStore, pieces: readonly (string | Uint8Array)[]): FileNode {
  const chunks = pieces.map((piece) => {
    const bytes = Buffer.from(piece as string);
    return { bytes: bytes.length, id: store.writeBlob('data', bytes) };
  });
  const hash = blobIdOf(Buffer.from(chunks.map(({ id }) => id).join()));
  const size = chunks.reduce((sum, { bytes }) => sum + bytes, 0);
  const content = { kind: 'chunks', chunks, hash } as const;
  return { type: 'file', mode: 0o600, uid: 0, gid: 0, mtimeNs: 0n, size, state: 'stable', content };
}

function find(pieces: readonly (string | Uint8Array)[], text: string, ignoreCase = false) {
  const store = new MemoryStore();
  return new TextSearch(store, text, ignoreCase).find(fileOf(store, pieces));
}

test('TextSearch finds lines with their numbers, whatever the pieces', () => {
  const pieces = ['one\ntw', 'o\nthree\nt', 'wo again', '\nend'];
  assert.deepEqual(find(pieces, 'two'), {
    hits: [
      { line: 2, text: 'two' },
      { line: 4, text: 'two again' },
    ],
    more: 0,
  });
  assert.deepEqual(find(['a\n\n', 'END'], 'end', true).hits, [{ line: 3, text: 'END' }]);
});

test('TextSearch finds a text in a line without an end, wherever it is cut, and once', () => {
  const piece = Buffer.alloc(256 * 1024, 'ä ');
  for (const shift of [0, 1, 5, 11, 12]) {
    // The text lies over the end of a piece, and over that of what is looked at together.
    const before = [...Array.from({ length: 3 }, () => piece), piece.subarray(0, piece.length - shift)];
    const { hits, more } = find(
      ['first\n', ...before, 'the löbster', ...before, 'the löbster', '\nlast'],
      'the löbster',
    );
    assert.equal(hits.length, 1, `shift ${shift}`);
    assert.equal(hits[0]?.line, 2);
    assert.ok(hits[0]?.text?.includes('the löbster') && hits[0].text.length < 5000);
    assert.equal(more, 0);
  }
});

test('TextSearch keeps a number of hits and counts the others', () => {
  const { hits, more } = find(['x marks it\n'.repeat(5000)], 'marks');
  assert.deepEqual([hits.length, more], [200, 4800]);
});

test('TextSearch says of a binary file only that it is in it', () => {
  assert.deepEqual(find([Buffer.from('\0text\n\0text\n')], 'text').hits, [{}]);
});
