/** Large restores: threads put the files in place, and give the same files and the same errors. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createHasher } from '../../../src/codec/hash.ts';
import { asBuffer, type BlobId } from '../../../src/model/ids.ts';
import { byteStringOf, type PathKey } from '../../../src/model/paths.ts';
import { silentProgress } from '../../../src/model/progress.ts';
import type { ContentReader, FilePlace } from '../../../src/model/store.ts';
import type { Chunk, FileContent } from '../../../src/model/tree.ts';
import { FileOrders } from '../../../src/repository/file-orders.ts';
import { repositoryLayout } from '../../../src/repository/layout.ts';
import { type OpenOptions, Repository } from '../../../src/repository/repository.ts';
import { executeRestore, type RestoreResult } from '../../../src/restorer/execute.ts';
import { planRestore } from '../../../src/restorer/plan.ts';
import { contentReader } from '../../../src/tree/content.ts';
import { openTree, TreeBuilder } from '../../../src/tree/tree.ts';
import { encryptedOptions, plainOptions } from '../../helpers/repositories.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

interface Stored {
  readonly root: BlobId | null;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Thirty megabytes: inline, small, cut, with holes, with blobs that come twice, in many folders. */
async function stored(path: string, options: OpenOptions): Promise<Stored> {
  const random = new Seeded(1);
  const files = new Map<string, Buffer>();
  await using repository = Repository.open(path, options);
  const builder = new TreeBuilder(repository);
  const common = {
    mode: 0o640,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mtimeNs: 1_600_000_000_123_456_000n,
  };
  builder.add('' as PathKey, { type: 'directory', ...common, mode: 0o750 });
  const again = repository.writeBlob('data', Buffer.alloc(30_000, 'again'));
  for (let folder = 0; folder < 200; folder++) {
    const name = `d${String(folder).padStart(3, '0')}`;
    builder.add(name as PathKey, { type: 'directory', ...common, mode: 0o750 });
    const add = (file: string, bytes: Buffer, content: FileContent): void => {
      builder.add(`${name}\0${file}` as PathKey, {
        type: 'file',
        ...common,
        size: bytes.length,
        content,
        state: 'stable',
      });
      files.set(`${name}/${file}`, bytes);
    };
    const parts = [
      random.bytes(20_000),
      Buffer.alloc(65_536),
      Buffer.alloc(30_000, 'again'),
      random.bytes(60_000),
    ];
    const chunks = parts.map(
      (part, index): Chunk => ({
        bytes: part.length,
        id: index === 1 ? undefined : index === 2 ? again : repository.writeBlob('data', part),
      }),
    );
    const cut = Buffer.concat(parts);
    add('cut', cut, { kind: 'chunks', chunks, hash: hashOf(cut) });
    add('empty', Buffer.alloc(0), { kind: 'inline', bytes: Buffer.alloc(0) });
    const small = random.bytes(50_000);
    add('small', small, { kind: 'blob', id: repository.writeBlob('data', small) });
    add('tiny', Buffer.from(name), { kind: 'inline', bytes: Buffer.from(name) });
  }
  const root = builder.finish();
  repository.flush();
  return { root, files };
}

function hashOf(bytes: Buffer): BlobId {
  const hasher = createHasher();
  hasher.update(bytes);
  return asBuffer(hasher.digest()).toString('hex') as BlobId;
}

async function restored(
  path: string,
  options: OpenOptions,
  root: BlobId | null,
  target: string,
): Promise<RestoreResult & { readonly readHere: number }> {
  await using repository = Repository.open(path, { ...options, mode: 'read', create: false });
  let readHere = 0;
  const content: ContentReader = contentReader(repository);
  const plan = planRestore({
    tree: openTree(repository, root),
    idOfHash: (hash) => repository.idOfHash(hash),
    target: byteStringOf(target),
    wanted: () => true,
    conflict: 'overwrite',
    deleteExtra: false,
    mayDelete: () => false,
    nowMs: 0,
  });
  const counted: ContentReader = {
    ...content,
    readContent: (node) => {
      readHere++;
      return content.readContent(node);
    },
  };
  const result = await executeRestore(plan, counted, {
    progress: silentProgress,
    unique: '0123456789ab',
    setOwner: false,
  });
  return { ...result, readHere };
}

for (const [name, options] of [
  ['a plain', plainOptions()],
  ['an encrypted', encryptedOptions()],
] as const) {
  test(`files of ${name} repository are put in place by threads`, async (context) => {
    const path = temporaryFolder(context);
    const { root, files } = await stored(path, options);
    const target = join(temporaryFolder(context), 'target');
    const result = await restored(path, options, root, target);
    assert.deepEqual(result.failures, []);
    assert.equal(result.filesWritten, files.size);
    if (process.platform === 'linux') assert.equal(result.readHere, 0);
    for (const [file, bytes] of files) {
      assert.ok(readFileSync(join(target, file)).equals(bytes), file);
      const { mode, mtimeMs } = statSync(join(target, file));
      assert.deepEqual([mode & 0o7777, Math.round(mtimeMs * 1000)], [0o640, 1_600_000_000_123_456], file);
    }
    assert.equal(countFiles(target), files.size);
  });

  test(`of ${name} repository that is damaged all files are put in place but those that are lost`, async (context) => {
    const path = temporaryFolder(context);
    const target = join(temporaryFolder(context), 'target');
    const { root, files } = await stored(path, options);
    const packs = readdirSync(join(path, 'packs'), { recursive: true, encoding: 'utf8' });
    const pack = join(path, 'packs', packs.find((one) => one.endsWith('.pack'))!);
    const bytes = readFileSync(pack);
    for (const at of [0.1, 0.5, 0.7]) bytes[Math.floor(bytes.length * at)]! ^= 4;
    writeFileSync(pack, bytes);
    const { failures, filesWritten } = await restored(path, options, root, target);
    const lost = new Set(failures.map((failure) => failure.path));
    assert.ok(lost.size > 5 && lost.size < 200, `${lost.size} files are lost`);
    assert.ok(failures.every(({ isDamage }) => isDamage));
    assert.equal(filesWritten + lost.size, files.size);
    for (const [file, content] of files)
      if (!lost.has(file)) assert.ok(readFileSync(join(target, file)).equals(content), file);
    assert.equal(countFiles(target), filesWritten);
  });
}

test('a file whose parts do not make the whole that was stored is not put in place', async (context) => {
  const path = temporaryFolder(context);
  const target = join(temporaryFolder(context), 'target');
  const options = plainOptions();
  const common = { mode: 0o600, uid: 0, gid: 0, mtimeNs: 0n };
  let root: BlobId | null;
  {
    await using repository = Repository.open(path, options);
    const builder = new TreeBuilder(repository);
    builder.add('' as PathKey, { type: 'directory', ...common, mode: 0o700 });
    for (let number = 0; number < 400; number++) {
      const halves = [randomBytes(25_000), randomBytes(25_000)];
      const ids = halves.map((half) => repository.writeBlob('data', half));
      // Every other one says its halves the wrong way round.
      const order = number % 2 === 0 ? [0, 1] : [1, 0];
      builder.add(`f${String(number).padStart(3, '0')}` as PathKey, {
        ...{ type: 'file', ...common, size: 50_000, state: 'stable' },
        content: {
          kind: 'chunks',
          chunks: order.map((half) => ({ bytes: 25_000, id: ids[half]! })),
          hash: hashOf(Buffer.concat(halves)),
        },
      });
    }
    root = builder.finish();
    repository.flush();
  }
  const { failures, filesWritten } = await restored(path, options, root, target);
  assert.equal(filesWritten, 200);
  assert.equal(failures.length, 200);
  assert.ok(failures.every(({ path: file, isDamage }) => isDamage && Number(file.slice(1)) % 2 === 1));
  assert.equal(countFiles(target), 200);
});

test('files that are put in place here and take too long wait again, and come into their place once', async (context) => {
  const folder = temporaryFolder(context);
  const orders = new FileOrders(repositoryLayout(temporaryFolder(context)), () => undefined, { hereMs: 0 });
  assert.ok(orders.expect(2 ** 30), 'there are threads');
  const count = 1000;
  const done: string[] = [];
  let opened = 0;
  for (let number = 0; number < count; number++) {
    const name = `f${number}`;
    const content = Buffer.from(name);
    const place: FilePlace = {
      path: byteStringOf(join(folder, name)),
      temporary: byteStringOf(join(folder, `.t${number}`)),
      attributes: { mode: 0o600, mtime: number },
      obsolete: [],
    };
    const open = (): FilePlace => {
      opened++;
      return place;
    };
    const taken = orders.take({
      ...{ folder, open, size: content.length, content, hash: undefined },
      done: (isInPlace) => void done.push(`${name} ${isInPlace}`),
    });
    assert.ok(taken);
  }
  while (orders.finishSome());
  await orders.close();
  assert.equal(opened, count);
  assert.deepEqual(done.sort(), Array.from({ length: count }, (_, number) => `f${number} true`).sort());
  for (let number = 0; number < count; number++)
    assert.equal(readFileSync(join(folder, `f${number}`), 'utf8'), `f${number}`);
});

function countFiles(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .length;
}
