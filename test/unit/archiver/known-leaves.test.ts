/** Leaves that are taken as they are make the same tree as everything read anew, whatever was changed in between. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type ArchivedSource, archiveSource } from '../../../src/archiver/archiver.ts';
import { byteStringOf, type PathKey } from '../../../src/model/paths.ts';
import { silentProgress } from '../../../src/model/progress.ts';
import { takeAll } from '../../../src/model/selection.ts';
import type { FileCache } from '../../../src/model/store.ts';
import { inTransaction } from '../../../src/repository/database.ts';
import { checkedBlocks, IndexFileCache } from '../../../src/repository/file-cache.ts';
import { openMemoryIndex } from '../../../src/repository/index-schema.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/** So long that the times of two changes differ. */
const tickMs = 12;

class CountingStore extends MemoryStore {
  leavesWritten = 0;

  override writeBlob(...words: Parameters<MemoryStore['writeBlob']>): ReturnType<MemoryStore['writeBlob']> {
    if (words[0] === 'tree' && words[1][0] === 0) this.leavesWritten++;
    return super.writeBlob(...words);
  }
}

const knowsNothing: FileCache = {
  generation: '',
  known: () => [],
  leaves: () => [],
  remember() {},
  rememberLeaves() {},
  forget() {},
  discard() {},
};

class Site {
  readonly root: string;
  readonly store = new CountingStore();
  readonly database = openMemoryIndex({ repositoryId: '00'.repeat(16), isSealed: false });
  readonly cache = new IndexFileCache(this.database, checkedBlocks, () => assert.fail('full'));

  constructor(context: TestContext) {
    this.root = temporaryFolder(context);
  }

  path(...names: readonly string[]): string {
    return join(this.root, ...names);
  }

  /** Files count as settled at once, where `laterMs` does not say otherwise: changes are a tick apart. */
  async archive(options: {
    readonly force?: boolean;
    readonly isWhole?: boolean;
    readonly knows?: boolean;
    readonly laterMs?: number;
  }): Promise<ArchivedSource> {
    const { force = false, isWhole = true, knows = true, laterMs = 60_000 } = options;
    const archived = await archiveSource(
      { path: byteStringOf(this.root), filter: takeAll, isWhole, cacheName: this.root },
      {
        blobs: this.store,
        cache: knows ? this.cache : knowsNothing,
        capture: async () => ({ kind: 'not-a-database' }),
        progress: silentProgress,
        nowMs: () => Date.now() + laterMs,
        force,
      },
    );
    if (knows) inTransaction(this.database, () => this.cache.flush());
    return archived;
  }

  async assertSame(what: string): Promise<ArchivedSource> {
    const quick = await this.archive({});
    const whole = await this.archive({ knows: false });
    assert.deepEqual({ ...quick, readBytes: 0 }, { ...whole, readBytes: 0 }, what);
    return quick;
  }

  async leavesWrittenAgain(): Promise<number> {
    const before = this.store.leavesWritten;
    const { readBytes } = await this.archive({});
    assert.equal(readBytes, 0);
    return this.store.leavesWritten - before;
  }
}

function fill(site: Site, folders: number, filesEach: number): void {
  for (let folder = 0; folder < folders; folder++) {
    mkdirSync(site.path(`d${folder}`));
    for (let file = 0; file < filesEach; file++)
      writeFileSync(site.path(`d${folder}`, `f${file}.md`), `${folder} ${file} `.repeat(20));
  }
}

test('a source in which nothing changed is not built again', async (context) => {
  const site = new Site(context);
  fill(site, 20, 50);
  await site.assertSame('at first');
  assert.equal(await site.leavesWrittenAgain(), 0);
  appendFileSync(site.path('d7', 'f3.md'), 'more');
  const { readBytes } = await site.assertSame('one file changed');
  assert.ok(readBytes < 1000, `${readBytes} bytes`);
  assert.equal(await site.leavesWrittenAgain(), 0);
});

test('the leaf at the end of a tree is another one where something follows', async (context) => {
  const site = new Site(context);
  fill(site, 3, 40);
  const { root: alone } = await site.assertSame('at first');
  assert.deepEqual(
    site.cache.leaves(site.root).filter(({ isLast }) => isLast),
    site.cache.leaves(site.root).slice(-1),
  );
  for (const name of ['d3', 'd4', 'd5']) writeFileSync(site.path(name), name);
  const { root: longer } = await site.assertSame('three files follow');
  assert.notEqual(longer, alone);
  for (const name of ['d3', 'd4', 'd5']) rmSync(site.path(name));
  rmSync(site.path('d2', 'f9.md'));
  const { files } = await site.assertSame('they are gone, and one before them');
  assert.equal(files, 119);
  assert.equal(await site.leavesWrittenAgain(), 0);
  assert.equal([...site.cache.known(site.root)].length, files);
});

test('leaves whose blobs are gone are built again', async (context) => {
  const site = new Site(context);
  fill(site, 10, 40);
  await site.assertSame('at first');
  const lost = site.cache.leaves(site.root)[3];
  assert.ok(lost !== undefined);
  site.store.blobs.delete(lost.id);
  await site.assertSame('one is gone');
  assert.ok(site.store.hasBlob(lost.id));
});

test('what is forgotten of files takes the leaves along', async (context) => {
  const site = new Site(context);
  fill(site, 10, 40);
  await site.assertSame('at first');
  assert.ok(site.cache.leaves(site.root).length > 5);
  inTransaction(site.database, () => site.cache.dropUnless(() => true));
  assert.deepEqual(site.cache.leaves(site.root), []);
});

test('files are forgotten where all of a leaf go', async (context) => {
  const site = new Site(context);
  fill(site, 1, 600);
  await site.assertSame('at first');
  const [, , , , before, gone] = site.cache.leaves(site.root);
  assert.ok(before !== undefined && gone !== undefined);
  const names = readdirSync(site.path('d0')).filter((name) => {
    const key = `d0\0${name}`;
    return key > before.lastKey && key <= gone.lastKey;
  });
  for (const name of names) rmSync(site.path('d0', name));
  const { files } = await site.assertSame('a whole leaf is gone');
  assert.ok(names.length > 0 && files === 600 - names.length);
  assert.equal([...site.cache.known(site.root)].length, files);
});

for (const [what, isWhole, laterMs] of [
  ['a part of the source', false, 60_000],
  ['all of it, a moment after it was changed', true, 0],
] as const) {
  test(`what was read again by force stays so: ${what}`, async (context) => {
    const site = new Site(context);
    fill(site, 1, 200);
    const { idOf } = site.store;
    // The bytes of one file were not what is there, although everything that tells so is the same.
    site.store.idOf = (bytes) =>
      idOf.call(site.store, Buffer.from(bytes).includes('0 100 ') ? Buffer.from('wrong') : bytes);
    const { root: wrong } = await site.archive({});
    site.store.idOf = idOf;
    assert.equal((await site.archive({})).root, wrong);
    const { root: right } = await site.archive({ knows: false });
    assert.notEqual(right, wrong);
    assert.equal((await site.archive({ force: true, isWhole, laterMs })).root, right);
    assert.equal((await site.archive({})).root, right);
  });
}

test('a leaf is not kept of folders that changed a moment ago', async (context) => {
  const site = new Site(context);
  for (let folder = 0; folder < 300; folder++) mkdirSync(site.path(`d${folder}`));
  await site.archive({ laterMs: 0 });
  assert.deepEqual(site.cache.leaves(site.root), []);
  await site.archive({});
  assert.ok(site.cache.leaves(site.root).length > 3);
});

const changes: readonly ((site: Site, random: Seeded, folder: string, name: string) => void)[] = [
  (site, random, folder, name) => writeFileSync(site.path(folder, name), random.text(random.below(5000))),
  (site, random, folder) => writeFileSync(site.path(folder, `new-${random.next()}`), 'new'),
  (site, _, folder, name) => rmSync(site.path(folder, name), { force: true, recursive: true }),
  (site, _, folder, name) => chmodSync(site.path(folder, name), 0o640),
  (site, random, folder, name) => renameSync(site.path(folder, name), site.path(`moved-${random.next()}`)),
  (site, random, folder, name) => linkSync(site.path(folder, name), site.path(folder, `l${random.next()}`)),
  (site, random, folder) => symlinkSync('x', site.path(folder, `s${random.next()}`)),
  (site, random, folder, name) =>
    writeFileSync(site.path(folder, `${name}${['-wal', '-journal', '-shm'][random.below(3)]}`), 'log'),
  (site, random, folder) => renameSync(site.path(folder), site.path(`z${random.next()}`)),
];

test('the tree is what it is without knowing anything, after any changes', async (context) => {
  const random = new Seeded(Number(process.env['EXUVIA_SEED'] ?? 1));
  for (let round = 0; round < 3; round++) {
    const site = new Site(context);
    fill(site, 12, 1 + random.below(60));
    await site.assertSame('at first');
    for (let step = 0; step < 15; step++) {
      await setTimeout(tickMs);
      const done: number[] = [];
      for (let count = random.below(4); count > 0; count--) {
        const folders = readdirSync(site.root).filter((name) => /^[dz]/.test(name));
        const folder = folders[random.below(folders.length)] ?? '';
        const names = folder === '' ? [] : readdirSync(site.path(folder));
        const name = names[random.below(names.length)];
        const change = random.below(changes.length);
        if (name === undefined || name.startsWith('s')) continue;
        changes[change]?.(site, random, folder, name);
        done.push(change);
      }
      await site.assertSame(`round ${round}, step ${step}, changes ${done}`);
    }
    const keys = [...site.cache.known(site.root)].map(({ key }) => key as PathKey);
    assert.deepEqual(keys, [...keys].sort());
    assert.equal(new Set(keys).size, (await site.archive({ knows: false })).files);
  }
});
