import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { blobIdOf } from '../../../src/codec/hash.ts';
import { FileSystemError } from '../../../src/model/errors.ts';
import type { BlobId } from '../../../src/model/ids.ts';
import type { PathKey } from '../../../src/model/paths.ts';
import type { BlobStream } from '../../../src/model/store.ts';
import { repositoryLayout } from '../../../src/repository/layout.ts';
import { PackWriter, type PublishedPack } from '../../../src/repository/pack-writer.ts';
import { Repository } from '../../../src/repository/repository.ts';
import { buildRecord } from '../../helpers/records.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const options = { mode: 'append', create: true, lockWaitMs: 1000, nowMs: 0, random: randomBytes } as const;

test('blobs are read before they are published, from open frames and from written ones', async (context) => {
  const root = temporaryFolder(context);
  const random = new Seeded(1);
  const blobs = Array.from({ length: 40 }, () => random.bytes(100_000)); // 4 MB: several frames of either kind
  await using repository = Repository.open(root, options);
  const ids = blobs.map((blob, index) => repository.writeBlob(index % 2 === 0 ? 'data' : 'tree', blob));
  assert.equal(repository.totals().packs, 0, 'nothing is published');
  for (const [index, id] of ids.entries())
    assert.deepEqual(Buffer.from(repository.readBlob(id)), blobs[index]);
  repository.flush();
  for (const [index, id] of ids.entries())
    assert.deepEqual(Buffer.from(repository.readBlob(id)), blobs[index]);
});

test('blobs are read from packs that are published before the index learns of them', async (context) => {
  const root = temporaryFolder(context);
  const random = new Seeded(3);
  await using repository = Repository.open(root, options);
  const blobs: Buffer[] = [];
  const ids: BlobId[] = [];
  while (packsIn(root).length < 2) {
    blobs.push(random.bytes(1_000_000));
    ids.push(repository.writeBlob('data', blobs.at(-1)!));
    await new Promise(setImmediate);
  }
  assert.equal(repository.totals().packs, 0, 'the index knows none');
  for (const [index, id] of ids.entries())
    assert.ok(Buffer.from(repository.readBlob(id)).equals(blobs[index]!), `blob ${index}`);
  if (process.platform === 'linux')
    assert.deepEqual(
      openFiles().filter((path) => path.startsWith(join(root, 'packs'))),
      [],
    );
});

test('what is published is found at once, and the index learns of it with the snapshot', async (context) => {
  const root = temporaryFolder(context);
  const bytes = Buffer.from('what the snapshot is of');
  {
    await using repository = Repository.open(root, options);
    const id = repository.writeBlob('data', bytes);
    repository.publish();
    assert.deepEqual([packsIn(root).length, repository.totals().packs], [1, 0]);
    assert.deepEqual(Buffer.from(repository.readBlob(id)), bytes);
    repository.addSnapshot(buildRecord({}));
    assert.deepEqual([packsIn(root).length, repository.totals().packs], [1, 1]);
    assert.deepEqual(Buffer.from(repository.readBlob(id)), bytes);
  }
  await using repository = Repository.open(root, options);
  assert.equal(repository.listSnapshots().length, 1);
});

test('a snapshot that the index did not learn of is there, and so is all that it refers to', async (context) => {
  const root = temporaryFolder(context);
  await withAppending(root, (repository) => repository.flush());
  const { index } = repositoryLayout(root);
  const before = readFileSync(index);
  const bytes = Buffer.from('stored just before a crash');
  const id = await withAppending(root, (repository) => {
    const blob = repository.writeBlob('data', bytes);
    repository.addSnapshot(buildRecord({}));
    return blob;
  });
  writeFileSync(index, before);
  await using repository = Repository.open(root, options);
  assert.equal(repository.listSnapshots().length, 1);
  assert.deepEqual(Buffer.from(repository.readBlob(id)), bytes);
});

test('what waits to be compressed is, where there is time, and only where it is much', async (context) => {
  const random = new Seeded(5);
  const store = async (parts: readonly Buffer[]): Promise<number> => {
    const root = temporaryFolder(context);
    await using repository = Repository.open(root, options);
    const ids = parts.map((part) => {
      const id = repository.writeBlob('data', part);
      repository.expectWait();
      return id;
    });
    for (const [index, id] of ids.entries())
      assert.deepEqual(Buffer.from(repository.readBlob(id)), parts[index]);
    repository.flush();
    return repository.totals().frames;
  };
  assert.equal(await store([random.bytes(300_000), random.bytes(1000), random.bytes(1000)]), 2);
  assert.equal(await store([random.bytes(100_000), random.bytes(1000), random.bytes(1000)]), 1);
});

function packsIn(root: string): string[] {
  if (!existsSync(join(root, 'packs'))) return [];
  return readdirSync(join(root, 'packs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.pack'),
  );
}

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // that of the folder itself is closed by now
    }
  });
}

test('a file is known only when everything that was added before it is published', async (context) => {
  const root = temporaryFolder(context);
  const random = new Seeded(2);
  const stored = await withAppending(root, async (repository) => {
    const files: { key: PathKey; id: BlobId }[] = [];
    // Enough blobs for the index to learn of packs in the middle of the run.
    while (repository.totals().packs === 0) {
      for (let count = 0; count < 1000; count++) {
        const id = repository.writeBlob('data', random.bytes(400));
        if (count % 20 > 0) continue; // as parts of a larger file
        const key = `f${String(files.length).padStart(8, '0')}` as PathKey;
        repository.fileCache.remember('/home', {
          key,
          fingerprint: Buffer.alloc(1),
          node: Buffer.from(id, 'hex'),
        });
        files.push({ key, id });
      }
      await new Promise(setImmediate);
    }
    return files.length;
  });
  await withAppending(root, (repository) => {
    const known = [...repository.fileCache.known('/home')];
    context.diagnostic(`${known.length} of ${stored} files are known`);
    const lost = known.filter(({ node }) => !repository.hasBlob(Buffer.from(node).toString('hex') as BlobId));
    assert.deepEqual(lost.map(({ key }) => key).slice(0, 3), [], `${lost.length} known files are nowhere`);
  });
});

test('of two failures of a write the first is told, and it ends all the same', async (context) => {
  const root = temporaryFolder(context);
  const { writer, temporary } = writerIn(root, () => {});
  writer.add('data', idOf(1), Buffer.alloc(1_000_000, 1));
  writer.add('data', idOf(2), Buffer.alloc(1_000_000, 2)); // now the file of a pack is there
  renameSync(temporary, `${temporary}.gone`);
  writeFileSync(temporary, ''); // nothing below it can be published, nor removed
  assert.throws(() => writer.flush(), FileSystemError);
  await writer.close();
});

test('what a failed write has lost is not read from a file that came after it', async (context) => {
  const root = temporaryFolder(context);
  const full = new Error('the index is full');
  const { writer } = writerIn(root, () => {
    throw full;
  });
  writer.add('data', idOf(1), Buffer.alloc(1000, 1));
  assert.throws(() => writer.flush(), full);
  assert.throws(() => writer.read(idOf(1)), full);
  assert.throws(() => writer.has(idOf(1)), full);
  await writer.close();
});

test('parts of large contents share frames of about 4 MiB, and small files frames of about 1 MiB', async (context) => {
  const { writer, published } = writerIn(temporaryFolder(context), () => {});
  const random = new Seeded(4);
  const streamOf = new Map<BlobId, BlobStream>();
  for (let count = 0; count < 240; count++) {
    const stream = (['large', 'large', 'data', 'tree'] as const)[count % 4]!;
    const bytes = random.bytes(100_000); // 12 MB, 6 MB and 6 MB
    const id = blobIdOf(bytes);
    streamOf.set(id, stream);
    writer.add(stream, id, bytes);
  }
  writer.flush();
  await writer.close();
  const sizes: Record<BlobStream, number[]> = { large: [], data: [], tree: [] };
  for (const { kind, blobs } of published.flatMap(({ directory }) => directory.frames)) {
    const streams = new Set(blobs.map(({ id }) => streamOf.get(id)!));
    assert.equal(streams.size, 1, 'streams do not share a frame');
    const [stream] = streams;
    assert.equal(kind, stream === 'large' ? 'data' : stream);
    sizes[stream!].push(blobs.reduce((sum, { bytes }) => sum + bytes, 0));
  }
  assert.deepEqual(sizes.large, [4_100_000, 4_100_000, 3_800_000]);
  assert.deepEqual(sizes.data, [1e6, 1e6, 1e6, 1e6, 1e6, 1e6]);
  assert.equal(sizes.tree.length, 30);
});

test('of a run of more than 128 MiB, parts of large contents go to frames of about 1 MiB', async (context) => {
  const { writer, published } = writerIn(temporaryFolder(context), () => {});
  const random = new Seeded(6);
  const long = random.bytes(4_000_000);
  const short = random.bytes(100_000);
  let count = 0;
  const add = (bytes: Uint8Array): BlobId => {
    const id = Buffer.alloc(32);
    id.writeUInt32BE(++count);
    writer.add('large', id.toString('hex') as BlobId, bytes);
    return id.toString('hex') as BlobId;
  };
  for (let added = 0; added <= 128 * 1024 * 1024; added += long.length) add(long);
  const late = new Set(Array.from({ length: 30 }, () => add(short)));
  writer.flush();
  await writer.close();
  const frames = published.flatMap(({ directory }) => directory.frames);
  const sizes = frames
    .filter(({ blobs }) => blobs.some(({ id }) => late.has(id)))
    .map(({ blobs }) => blobs.reduce((sum, { bytes }) => sum + bytes, 0));
  assert.deepEqual(sizes, [1e6, 1e6, 1e6]);
  assert.equal(frames.length, 34 + 3);
});

test('what is added to a repository is compressed harder than what it began with', async (context) => {
  const folder = new URL('../../../src/repository/', import.meta.url);
  const text = readdirSync(folder).map((name) => readFileSync(new URL(name, folder)));
  const storedBytes = async (root: string): Promise<number> =>
    await withAppending(root, (repository) => {
      repository.writeBlob('data', Buffer.concat(text));
      repository.flush();
      return repository.written.storedBytes;
    });
  const first = await storedBytes(temporaryFolder(context));
  const root = temporaryFolder(context);
  await withAppending(root, (repository) => {
    repository.writeBlob('data', Buffer.from('what it began with'));
    repository.flush();
  });
  const added = await storedBytes(root);
  assert.ok(added < 0.99 * first, `${added} bytes, and ${first} in the first run`);
});

function writerIn(
  root: string,
  onPublished: () => void,
): { writer: PackWriter; temporary: string; published: PublishedPack[] } {
  const published: PublishedPack[] = [];
  const temporary = join(root, 'temporary');
  mkdirSync(temporary);
  const layout = repositoryLayout(root);
  return {
    writer: new PackWriter({
      layout,
      temporary,
      random: randomBytes,
      level: 3,
      isFirst: () => true,
      onPublished: (packs) => {
        published.push(...packs);
        onPublished();
      },
    }),
    temporary,
    published,
  };
}

function idOf(byte: number): BlobId {
  return Buffer.alloc(32, byte).toString('hex') as BlobId;
}

/** Ends like a run that was killed: what is not published is dropped. */
async function withAppending<T>(root: string, work: (repository: Repository) => T | Promise<T>): Promise<T> {
  await using repository = Repository.open(root, options);
  return await work(repository);
}
