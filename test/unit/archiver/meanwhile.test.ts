/** While a database is captured, files that come after it are stored: always the same ones, before anything of the database. */
import assert from 'node:assert/strict';
import { appendFileSync, linkSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ArchivedSource, archiveSource } from '../../../src/archiver/archiver.ts';
import { byteStringOf } from '../../../src/model/paths.ts';
import { silentProgress } from '../../../src/model/progress.ts';
import { type Decision, type PathFilter, takeAll } from '../../../src/model/selection.ts';
import type { BlobStream, FileHasher, NamedBlob } from '../../../src/model/store.ts';
import { inTransaction } from '../../../src/repository/database.ts';
import { checkedBlocks, IndexFileCache } from '../../../src/repository/file-cache.ts';
import { openMemoryIndex } from '../../../src/repository/index-schema.ts';
import type { CaptureResult, OnCopied } from '../../../src/sqlite/capture.ts';
import { endsMapNode } from '../../../src/tree/boundary.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { readyHasher } from '../../helpers/ready-hasher.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const pageBytes = 4096;
const header = Buffer.from('SQLite format 3\0', 'latin1');

/** Tells what is stored, in order. */
class ListeningStore extends MemoryStore {
  readonly stored: string[] = [];
  onStored = (): void => {};

  override writeBlobs(stream: BlobStream, blobs: readonly NamedBlob[]): void {
    super.writeBlobs(stream, blobs);
    if (stream === 'tree') return;
    for (const { bytes } of blobs) this.stored.push(Buffer.from(bytes).toString('latin1', 0, 8));
    this.onStored();
  }
}

interface Site {
  readonly root: string;
  readonly store: ListeningStore;
  /** Called for each capture, before the copy is there. */
  whileCapturing: () => Promise<void>;
  captures: number;
  hasher?: FileHasher;
  readonly archive: (filter?: PathFilter) => Promise<ArchivedSource>;
}

function pagesOf(text: string): Buffer {
  return Buffer.concat(
    [1, 2, 3].map((page) => Buffer.from(`${text} ${page}`.padEnd(pageBytes, '.'), 'latin1')),
  );
}

function longText(text: string): Buffer {
  return Buffer.from(`${text.padEnd(8)}${'x'.repeat(100)}`);
}

function site(context: TestContext): Site {
  const root = temporaryFolder(context);
  const store = new ListeningStore();
  const index = openMemoryIndex({ repositoryId: '00'.repeat(16), isSealed: false });
  const cache = new IndexFileCache(index, checkedBlocks, () => assert.fail('full'));
  const capture = async (path: string, onCopied: OnCopied): Promise<CaptureResult> => {
    made.captures++;
    await made.whileCapturing();
    const copy = { copyPath: path, bytes: 3 * pageBytes, pageSize: pageBytes };
    onCopied({ kind: 'copied', ...copy });
    return { kind: 'captured', ...copy, method: 'live', check: 'ok', userVersion: 1, applicationId: 0 };
  };
  const made: Site = {
    ...{ root, store, captures: 0, whileCapturing: async () => {} },
    archive: async (filter = takeAll) => {
      const archived = await archiveSource(
        { path: byteStringOf(root), filter, isWhole: true, cacheName: root },
        {
          ...{ blobs: store, cache, progress: silentProgress, force: false, capture, hasher: made.hasher },
          nowMs: () => Date.now() + 60_000,
        },
      );
      inTransaction(index, () => cache.flush());
      return archived;
    },
  };
  return made;
}

test('files after a database are stored before its copy is there, and its pages after them', async (context) => {
  const made = site(context);
  const { root, store } = made;
  writeFileSync(join(root, 'a.md'), longText('before'));
  writeFileSync(join(root, 'b.sqlite'), pagesOf('page'));
  writeFileSync(join(root, 'c.md'), longText('after'));
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'd', 'e.md'), longText('later'));
  const stored = Promise.withResolvers<void>();
  store.onStored = () => {
    if (store.stored.length === 3) stored.resolve();
  };
  made.whileCapturing = () => stored.promise; // if they were stored afterwards, it would never be there
  const archived = await made.archive();
  assert.deepEqual(
    store.stored.map((text) => text.trim().replaceAll('.', '')),
    ['before', 'after', 'later', 'page 1', 'page 2', 'page 3'],
  );
  assert.deepEqual([archived.files, archived.directories, archived.entries], [4, 2, 6]);
});

test('a slow capture and a quick one store the same in the same order', async (context) => {
  const results: string[][] = [];
  for (const delayMs of [0, 30]) {
    const made = site(context);
    for (const name of ['1.sqlite', '3.sqlite', '5.db']) writeFileSync(join(made.root, name), pagesOf(name));
    for (const name of ['2.md', '4.md', '6.md']) writeFileSync(join(made.root, name), longText(name));
    made.whileCapturing = () => new Promise((resolve) => setTimeout(resolve, delayMs));
    await made.archive();
    results.push(made.store.stored);
  }
  assert.equal(results[0]?.length, 12);
  assert.deepEqual(results[0], results[1]);
});

test('what may be a database, has several names or is gone is left to the walk', async (context) => {
  const made = site(context);
  const { root, store } = made;
  writeFileSync(join(root, '1.sqlite'), pagesOf('one'));
  writeFileSync(join(root, '2.bin'), Buffer.concat([header, pagesOf('hidden').subarray(header.length)]));
  writeFileSync(join(root, '3.md'), longText('linked'));
  linkSync(join(root, '3.md'), join(root, '4.md'));
  writeFileSync(join(root, '5.md'), longText('gone'));
  made.whileCapturing = async () => rmSync(join(root, '5.md'), { force: true });
  const archived = await made.archive();
  assert.equal(made.captures, 2);
  assert.deepEqual(
    archived.skipped.map(({ path, reason }) => [path, reason]),
    [['5.md', 'vanished']],
  );
  const stored = store.stored.map((text) => text.replaceAll('.', '').trim());
  assert.deepEqual(stored.slice(0, 4), ['one 1', 'one 2', 'one 3', 'SQLite f']);
  assert.equal(stored.at(-1), 'linked');
});

test('the tree is the one that a walk without a look ahead makes, change after change', async (context) => {
  const made = site(context);
  const random = new Seeded(3);
  const { root } = made;
  for (const folder of ['a', 'b', 'c', 'd', 'e', 'f']) mkdirSync(join(root, folder));
  const paths = Array.from({ length: 300 }, (_, at) => join(root, 'abcdef'.charAt(at % 6), `${at}.md`));
  for (const path of paths) writeFileSync(path, random.bytes(200));
  const databases = ['a/0.sqlite', 'c/5.sqlite', 'f/9.db'].map((name) => join(root, name));
  for (const [at, path] of databases.entries()) writeFileSync(path, pagesOf(`${at}`));
  for (let round = 0; round < 8; round++) {
    const archived = await made.archive();
    const fresh = site(context);
    const whole = await archiveFresh(fresh.store, root);
    assert.equal(archived.root, whole.root, `round ${round}`);
    assert.deepEqual([archived.files, archived.totalBytes], [whole.files, whole.totalBytes]);
    writeFileSync(databases[round % 3]!, pagesOf(`round ${round}`));
    for (let change = 0; change < 1 + 10 * (round % 4); change++)
      appendFileSync(paths[random.below(paths.length)]!, random.bytes(30));
    rmSync(paths[round * 17]!, { force: true });
  }
});

test('what is known of files is found also far behind a database', async (context) => {
  const made = site(context);
  const isInside = (name: string): boolean => !endsMapNode(0, name, 1, 0);
  const inside = numberedNames(600).filter(isInside).slice(0, 400);
  const names = ['000.db', ...inside, ...numberedNames(1500).slice(600)]; // a leaf of the tree has the first 401
  for (const name of names) writeFileSync(join(made.root, name), longText(name));
  writeFileSync(join(made.root, '000.db'), pagesOf('before'));
  await made.archive();
  writeFileSync(join(made.root, '000.db'), pagesOf('after'));
  assert.equal((await made.archive()).readBytes, 3 * pageBytes);
});

test('what is known of files is found where one database after another is captured', async (context) => {
  const made = site(context);
  const files = numberedNames(2400);
  const databases = ['0000.db', '1920.md.db']; // one of the last that the walk has gone on to
  for (const name of files) writeFileSync(join(made.root, name), longText(name));
  for (const name of databases) writeFileSync(join(made.root, name), pagesOf('before'));
  await made.archive();
  for (const name of databases) writeFileSync(join(made.root, name), pagesOf('after'));
  assert.equal((await made.archive()).readBytes, databases.length * 3 * pageBytes);
  let bytes = 0;
  for (let at = 5; at < files.length; at += 40) {
    const text = longText(`${at}`);
    writeFileSync(join(made.root, `${files[at]}`), text);
    bytes += text.length;
  }
  assert.equal((await made.archive()).readBytes, bytes);
});

test('files to which the walk has gone on during a capture are hashed by threads as well', async (context) => {
  const made = site(context);
  const random = new Seeded(5);
  const names = numberedNames(2300);
  for (const name of names) writeFileSync(join(made.root, name), random.bytes(8000));
  writeFileSync(join(made.root, '0000.db'), pagesOf('before'));
  await made.archive();
  writeFileSync(join(made.root, '0000.db'), pagesOf('after'));
  for (const name of names) utimesSync(join(made.root, name), 1_700_000_000, 1_700_000_000);
  await using hasher = await readyHasher();
  const hashed: string[] = [];
  made.hasher = {
    start: () => true,
    get hasRoom() {
      return hasher.hasRoom;
    },
    hash(asked) {
      hashed.push(...asked.paths.split('\0'));
      return hasher.hash(asked);
    },
  };
  await made.archive();
  const first = hashed[0] ?? '';
  assert.deepEqual(
    hashed,
    names.map((name) => byteStringOf(join(made.root, name))).filter((path) => path >= first),
  );
});

test('once files after a database turn out to be as they were, threads are started and hash what follows', async (context) => {
  const made = site(context);
  const random = new Seeded(6);
  const databases = ['1.db', '2.db'];
  const names = numberedNames(20).map((name) => `b-${name}`);
  const bytes = 1024 * 1024;
  for (const name of names) writeFileSync(join(made.root, name), random.bytes(bytes));
  for (const name of databases) writeFileSync(join(made.root, name), pagesOf('before'));
  await made.archive();
  for (const name of databases) writeFileSync(join(made.root, name), pagesOf('after'));
  for (const name of names) utimesSync(join(made.root, name), 1_700_000_000, 1_700_000_000);
  await using threads = await readyHasher();
  const hashed: string[] = [];
  const startedAfter: number[] = [];
  made.hasher = {
    start: () => startedAfter.push(made.captures) > 0,
    get hasRoom() {
      return startedAfter.length > 0 && threads.hasRoom;
    },
    hash(asked) {
      hashed.push(...asked.paths.split('\0'));
      return threads.hash(asked);
    },
  };
  made.captures = 0;
  const archived = await made.archive();
  assert.deepEqual(startedAfter, [1], 'while the first is captured');
  const notStored = names.slice(8).map((name) => byteStringOf(join(made.root, name)));
  assert.deepEqual(hashed, notStored, 'all but the first 8 MiB');
  assert.equal(archived.readBytes, names.length * bytes + databases.length * 3 * pageBytes, 'each once');
  assert.equal((await made.archive()).readBytes, 0);
});

function numberedNames(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${`${at}`.padStart(4, '0')}.md`);
}

test('a walk that fails while a database is captured ends the run', async (context) => {
  const made = site(context);
  for (const name of ['1.sqlite', '4.md']) writeFileSync(join(made.root, name), pagesOf(name));
  for (const name of ['2.md', '3.md']) writeFileSync(join(made.root, name), longText(name));
  const decide = (key: string): Decision => {
    if (key === '3.md') throw Object.assign(new Error('broken disk'), { code: 'EIO' });
    return 'take';
  };
  await assert.rejects(made.archive({ decide }), /broken disk/);
});

test('where no copy can be made, each file is stored once, and none after the end', async (context) => {
  const made = site(context);
  writeFileSync(join(made.root, '1.sqlite'), pagesOf('one'));
  const names = Array.from({ length: 50 }, (_, at) => `${at + 200}.md`);
  for (const name of names) writeFileSync(join(made.root, name), longText(name));
  made.whileCapturing = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
  const { unreadable } = await made.archive();
  const stored = [...made.store.stored];
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([unreadable.map(({ path }) => path), made.store.stored], [['1.sqlite'], stored]);
  assert.deepEqual(
    stored.map((text) => text.trim()),
    names,
  );
});

/** With nothing known, and everything read again. */
async function archiveFresh(store: MemoryStore, root: string): Promise<ArchivedSource> {
  const index = openMemoryIndex({ repositoryId: '00'.repeat(16), isSealed: false });
  const cache = new IndexFileCache(index, checkedBlocks, () => assert.fail('full'));
  const capture = async (path: string): Promise<CaptureResult> => ({
    ...{ kind: 'captured', copyPath: path, bytes: 3 * pageBytes, pageSize: pageBytes },
    ...{ method: 'live', check: 'ok', userVersion: 1, applicationId: 0 },
  });
  return await archiveSource(
    { path: byteStringOf(root), filter: takeAll, isWhole: true, cacheName: root },
    {
      ...{ blobs: store, cache, progress: silentProgress, force: true, capture },
      nowMs: () => Date.now() + 60_000,
    },
  );
}
