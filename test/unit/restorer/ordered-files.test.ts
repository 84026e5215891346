/** A restore whose files threads put in place keeps the order of things that matters, and ends when it is asked to. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { blobIdOf } from '../../../src/codec/hash.ts';
import { placeFile } from '../../../src/io/placed-file.ts';
import { InterruptedError } from '../../../src/model/errors.ts';
import { type ByteString, byteStringOf, fsPath, type PathKey } from '../../../src/model/paths.ts';
import { silentProgress } from '../../../src/model/progress.ts';
import type { FileOrder } from '../../../src/model/store.ts';
import type { FileNode, FileState } from '../../../src/model/tree.ts';
import { Repository } from '../../../src/repository/repository.ts';
import { executeRestore, type RestoreResult } from '../../../src/restorer/execute.ts';
import { planRestore } from '../../../src/restorer/plan.ts';
import { SafeFolders } from '../../../src/restorer/safe-folders.ts';
import { ChunkListBuilder } from '../../../src/tree/chunk-list.ts';
import { contentReader } from '../../../src/tree/content.ts';
import { openTree, TreeBuilder } from '../../../src/tree/tree.ts';
import { plainOptions } from '../../helpers/repositories.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const skip = process.platform === 'linux' ? false : 'threads put files in place on Linux only';

const common = {
  mode: 0o600,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  mtimeNs: 1_600_000_000_000_000_000n,
};

function fileOf(bytes: Buffer, state: FileState = 'stable'): FileNode {
  return { type: 'file', ...common, size: bytes.length, content: { kind: 'inline', bytes }, state };
}

class Site {
  readonly target: string;
  readonly repository: Repository;
  readonly #builder: TreeBuilder;

  constructor(context: TestContext) {
    this.target = join(temporaryFolder(context), 'target');
    this.repository = Repository.open(temporaryFolder(context), plainOptions());
    context.after(async () => await this.repository[Symbol.asyncDispose]());
    assert.ok(this.repository.orders.expect(2 ** 30), 'there are threads');
    this.#builder = new TreeBuilder(this.repository);
    this.add('', { type: 'directory', ...common, mode: 0o700 });
  }

  add(name: string, node: Parameters<TreeBuilder['add']>[1]): void {
    this.#builder.add(name as PathKey, node);
  }

  /** `watch` gives what is to be done instead of an order. */
  async restore(
    watch: (node: FileNode, order: FileOrder) => FileOrder,
    options: { readonly deleteExtra?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<RestoreResult> {
    const root = this.#builder.finish();
    this.repository.flush();
    const reader = contentReader(this.repository);
    const orders = reader.orders!;
    const plan = planRestore({
      tree: openTree(this.repository, root),
      idOfHash: (hash) => this.repository.idOfHash(hash),
      target: byteStringOf(this.target),
      wanted: () => true,
      conflict: 'overwrite',
      deleteExtra: options.deleteExtra ?? false,
      mayDelete: () => true,
      nowMs: 0,
    });
    return await executeRestore(
      plan,
      { ...reader, orders: { ...orders, take: (node, order) => orders.take(node, watch(node, order)) } },
      { progress: silentProgress, unique: '0123456789ab', setOwner: false, signal: options.signal },
    );
  }
}

/** Counts orders that were taken but not opened, and opened but not done. */
class Underway {
  taken = 0;
  opened = 0;
  done = 0;
  waitingMost = 0;
  openMost = 0;

  watch(_: FileNode, order: FileOrder): FileOrder {
    this.waitingMost = Math.max(this.waitingMost, ++this.taken - this.opened);
    return {
      ...order,
      open: () => {
        this.openMost = Math.max(this.openMost, ++this.opened - this.done);
        return order.open();
      },
      done: (isInPlace) => {
        this.done++;
        order.done(isInPlace);
      },
    };
  }
}

test('of small files no more are under way than are synced soon', { skip }, async (context) => {
  const site = new Site(context);
  for (let index = 0; index < 2500; index++)
    site.add(`f${String(index).padStart(5, '0')}`, fileOf(Buffer.from(`${index}`)));
  const underway = new Underway();
  const { filesWritten } = await site.restore((node, order) => underway.watch(node, order));
  assert.equal(filesWritten, 2500);
  assert.ok(underway.openMost <= 2000, `${underway.openMost} at once`); // eight tasks, and the next
});

test('files of very many parts do not wait together', { skip }, async (context) => {
  const site = new Site(context);
  const id = site.repository.writeBlob('data', Buffer.from('x'));
  const list = new ChunkListBuilder(site.repository);
  for (let index = 0; index < 20_000; index++) list.add({ bytes: 1, id });
  const bytes = Buffer.alloc(20_000, 'x');
  const content = { kind: 'list', profile: 0, root: list.finish(), hash: blobIdOf(bytes) } as const;
  for (let index = 0; index < 10; index++) site.add(`f${index}`, { ...fileOf(bytes), content });
  const underway = new Underway();
  const { filesWritten, failures } = await site.restore((node, order) => underway.watch(node, order));
  assert.deepEqual(failures, []);
  assert.equal(filesWritten, 10);
  assert.ok(underway.waitingMost <= 4, `${underway.waitingMost} wait`);
  assert.ok(readFileSync(join(site.target, 'f9')).equals(bytes));
});

test('an interruption is heard while files wait for threads, and what waits is left', {
  skip,
}, async (context) => {
  const site = new Site(context);
  for (let index = 0; index < 1900; index++)
    site.add(`f${String(index).padStart(5, '0')}`, fileOf(Buffer.from(`${index}`)));
  const controller = new AbortController();
  let isAsked = false;
  const restoring = site.restore(
    (_, order) => ({
      ...order,
      open: () => {
        // A thread is busy for a while; the signal comes.
        if (!isAsked) setImmediate(() => controller.abort());
        if (!isAsked) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
        isAsked = true;
        return order.open();
      },
    }),
    { signal: controller.signal },
  );
  await assert.rejects(restoring, InterruptedError);
  const names = readdirSync(site.target);
  assert.ok(names.length < 1000, `${names.length} files all the same`);
  assert.deepEqual(
    names.filter((name) => name.startsWith('.exuvia')),
    [],
  );
});

test('what the snapshot does not have is removed when all that it has is in place', {
  skip,
}, async (context) => {
  const site = new Site(context);
  for (let index = 0; index < 50; index++) site.add(`f${index + 10}`, fileOf(Buffer.from(`${index}`)));
  mkdirSync(site.target);
  const extra = join(site.target, 'moved');
  writeFileSync(extra, 'mine');
  const { removed, filesWritten } = await site.restore(
    (_, order) => ({
      ...order,
      done: (isInPlace) => {
        assert.ok(existsSync(extra));
        order.done(isInPlace);
      },
    }),
    { deleteExtra: true },
  );
  assert.deepEqual({ removed, filesWritten }, { removed: 1, filesWritten: 50 });
  assert.ok(!existsSync(extra));
});

test('a database that is replaced does not wait without its log', { skip }, async (context) => {
  const site = new Site(context);
  site.add('a.sqlite', fileOf(Buffer.from('new'), 'captured'));
  for (let index = 0; index < 50; index++) site.add(`f${index + 10}`, fileOf(Buffer.from(`${index}`)));
  mkdirSync(site.target);
  const database = join(site.target, 'a.sqlite');
  writeFileSync(database, 'old');
  writeFileSync(`${database}-wal`, 'log');
  const { filesWritten } = await site.restore((_, order) => ({
    ...order,
    open: () => {
      if (readFileSync(database, 'utf8') === 'old') assert.ok(existsSync(`${database}-wal`));
      return order.open();
    },
  }));
  assert.equal(filesWritten, 51);
  assert.equal(readFileSync(database, 'utf8'), 'new');
  assert.ok(!existsSync(`${database}-wal`));
});

test('what comes beside a database while it is restored goes as soon as the database is in place', {
  skip,
}, async (context) => {
  const site = new Site(context);
  const log = join(site.target, 'a.sqlite-wal');
  site.add('a.sqlite', fileOf(Buffer.from('new'), 'captured'));
  const names: string[] = [];
  await site.restore((_, order) => ({
    ...order,
    open: () => {
      writeFileSync(log, 'log');
      const place = order.open();
      names.push(...(place?.obsolete ?? []).map((path) => path.slice(path.lastIndexOf('/') + 1)));
      return place;
    },
  }));
  assert.deepEqual(names, ['a.sqlite-wal', 'a.sqlite-shm', 'a.sqlite-journal']);
  assert.ok(!existsSync(log));
});

test('placeFile() removes what is obsolete once the file is in place, and not before', (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'a');
  const log = join(folder, 'a-wal');
  const place = {
    path: byteStringOf(path),
    temporary: byteStringOf(join(folder, '.a')),
    attributes: { mode: 0o600, mtime: 0 },
    obsolete: [byteStringOf(log)],
  };
  writeFileSync(log, 'log');
  assert.throws(
    () =>
      placeFile(
        place,
        (function* () {
          yield Buffer.from('half');
          throw new Error('damaged');
        })(),
      ),
    /damaged/,
  );
  assert.deepEqual(readdirSync(folder), ['a-wal']);
  placeFile(place, [Buffer.from('whole')]);
  assert.deepEqual(readdirSync(folder), ['a']);
});

test('a folder that is held outlives whoever opened it', { skip }, (context) => {
  const folder = temporaryFolder(context);
  for (const name of ['held', 'left']) mkdirSync(join(folder, name));
  const paths: ByteString[] = [];
  {
    using folders = new SafeFolders(byteStringOf(folder));
    paths.push(folders.pathOf('held\0a' as PathKey), folders.pathOf('left\0a' as PathKey));
    folders.hold('held' as PathKey);
  }
  writeFileSync(fsPath(paths[0]!), 'held');
  assert.equal(readFileSync(join(folder, 'held', 'a'), 'utf8'), 'held');
  assert.throws(() => writeFileSync(fsPath(paths[1]!), 'left'), { code: 'ENOENT' });
});
