import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DamageError, FileSystemError } from '../../../src/model/errors.ts';
import type { BlobId } from '../../../src/model/ids.ts';
import { type ByteString, keyOfPath } from '../../../src/model/paths.ts';
import { silentProgress } from '../../../src/model/progress.ts';
import type { SnapshotSource } from '../../../src/model/snapshot.ts';
import { changesSince } from '../../../src/operations/snapshot-record.ts';
import { TreeBuilder } from '../../../src/tree/tree.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';

function rootOf(store: MemoryStore, files: Readonly<Record<string, string>>): BlobId | null {
  const builder = new TreeBuilder(store);
  for (const [name, text] of Object.entries(files))
    builder.add(keyOfPath(name as ByteString), {
      type: 'file',
      mode: 0o600,
      uid: 0,
      gid: 0,
      mtimeNs: 0n,
      size: text.length,
      state: 'stable',
      content: { kind: 'inline', bytes: Buffer.from(text) },
    });
  return builder.finish();
}

const source = (root: BlobId | null): SnapshotSource => ({ path: '/home', kind: 'folder', root, entries: 3 });

function counted(store: MemoryStore): { readonly counts: unknown; readonly warnings: readonly string[] } {
  const before = rootOf(store, { a: 'one', b: 'two', c: 'three' });
  const after = rootOf(store, { a: 'one', b: 'other', d: 'new', e: 'new' });
  const warnings: string[] = [];
  const environment = { progress: { ...silentProgress, warn: (text: string) => warnings.push(text) } };
  const counts = changesSince(
    environment,
    store,
    { sources: [source(before)] },
    [source(after)],
    [{ files: 4 }],
  );
  return { counts, warnings };
}

test('changesSince() counts files that are new, changed and removed', () => {
  const { counts, warnings } = counted(new MemoryStore());
  assert.deepEqual(counts, { newFiles: 2, changedFiles: 1, removedFiles: 1 });
  assert.deepEqual(warnings, []);
});

for (const [name, error, words] of [
  ['damaged', new DamageError('pack 12', 'cut short'), /snapshot before is damaged .*pack 12/],
  [
    'on a bad part of the disk',
    new FileSystemError('read', '/packs/12', Object.assign(new Error(), { code: 'EIO' })),
    /snapshot before cannot be read .*\/packs\/12/,
  ],
] as const)
  test(`changesSince() warns of a snapshot that is ${name}, and counts all files as new`, () => {
    const store = new MemoryStore();
    const before = rootOf(store, { a: 'one', b: 'two', c: 'three' });
    const read = store.readBlob.bind(store);
    store.readBlob = (id) => {
      if (id === before) throw error;
      return read(id);
    };
    const { counts, warnings } = counted(store);
    assert.deepEqual(counts, { newFiles: 4, changedFiles: 0, removedFiles: 0 });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', words);
  });
