/** A database that was only opened and closed: its copy has the bytes that are stored, and is not taken apart page by page again. */
import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ArchivedSource, archiveSource } from '../../../src/archiver/archiver.ts';
import { byteStringOf } from '../../../src/model/paths.ts';
import { silentProgress } from '../../../src/model/progress.ts';
import { takeAll } from '../../../src/model/selection.ts';
import { inTransaction } from '../../../src/repository/database.ts';
import { checkedBlocks, IndexFileCache } from '../../../src/repository/file-cache.ts';
import { openMemoryIndex } from '../../../src/repository/index-schema.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const pageBytes = 4096;
const pages = 700;

class NamingStore extends MemoryStore {
  named = 0;

  override idOf(bytes: Uint8Array): ReturnType<MemoryStore['idOf']> {
    this.named++;
    return super.idOf(bytes);
  }
}

async function site(context: TestContext): Promise<{
  readonly store: NamingStore;
  readonly database: string;
  readonly bytes: Buffer;
  readonly archive: () => Promise<ArchivedSource>;
}> {
  const root = temporaryFolder(context);
  const database = join(root, 'memory.sqlite');
  const bytes = new Seeded(1).bytes(pages * pageBytes);
  writeFileSync(database, bytes);
  const store = new NamingStore();
  const index = openMemoryIndex({ repositoryId: '00'.repeat(16), isSealed: false });
  const cache = new IndexFileCache(index, checkedBlocks, () => assert.fail('full'));
  const archive = async (): Promise<ArchivedSource> => {
    const archived = await archiveSource(
      { path: byteStringOf(root), filter: takeAll, isWhole: true, cacheName: root },
      {
        ...{ blobs: store, cache, progress: silentProgress, force: false },
        nowMs: () => Date.now() + 60_000,
        // The file holds still: it is its own copy.
        capture: async (_path, onCopied) => {
          const copy = { copyPath: database, bytes: bytes.length, pageSize: pageBytes };
          onCopied({ kind: 'copied', ...copy });
          return { kind: 'captured', ...copy, method: 'live', check: 'ok', userVersion: 1, applicationId: 0 };
        },
      },
    );
    inTransaction(index, () => cache.flush());
    return archived;
  };
  return { store, database, bytes, archive };
}

test('a database that was only opened and closed is read once and not taken apart', async (context) => {
  const { store, database, archive } = await site(context);
  const first = await archive();
  assert.ok(store.named >= pages);
  store.named = 0;
  utimesSync(database, 1_700_000_000, 1_700_000_000);
  const second = await archive();
  assert.equal(store.named, 0);
  assert.equal(second.readBytes, pages * pageBytes);
  assert.equal(second.totalBytes, first.totalBytes);
  assert.notEqual(second.root, first.root); // its time is another
});

test('a database of the same size with one other byte is stored', async (context) => {
  const { store, database, bytes, archive } = await site(context);
  const first = await archive();
  bytes[300 * pageBytes + 17]! ^= 1;
  writeFileSync(database, bytes);
  const { written } = store;
  const second = await archive();
  assert.equal(second.readBytes, pages * pageBytes);
  assert.notEqual(second.root, first.root);
  assert.ok(store.written - written >= pageBytes, 'the page that changed');
});
