/** Files that have other times and the same bytes: hashed by threads, they make the same tree as everything read anew. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ArchivedSource, archiveSource } from '../../../src/archiver/archiver.ts';
import { byteStringOf } from '../../../src/model/paths.ts';
import { silentProgress } from '../../../src/model/progress.ts';
import { takeAll } from '../../../src/model/selection.ts';
import { type FileHasher, type FilesToHash, stampBytes } from '../../../src/model/store.ts';
import { type OpenOptions, Repository } from '../../../src/repository/repository.ts';
import { readyHasher } from '../../helpers/ready-hasher.ts';
import { encryptedOptions, plainOptions } from '../../helpers/repositories.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const smallFiles = 800;
const largeFiles = 6;
const hashBytes = 32;

/** What threads were asked, and something that happens before they are. */
class WatchedHasher implements FileHasher {
  readonly asked: string[] = [];
  readonly notHashed = new Set<string>();
  readonly #hasher: FileHasher;
  readonly #before: (paths: readonly string[]) => void;

  constructor(hasher: FileHasher, before: (paths: readonly string[]) => void = () => {}) {
    this.#hasher = hasher;
    this.#before = before;
  }

  start(): boolean {
    return true;
  }

  get hasRoom(): boolean {
    return this.#hasher.hasRoom;
  }

  hash(files: FilesToHash): () => Uint8Array {
    const paths = files.paths.split('\0');
    assert.equal(files.stamps.length, paths.length * stampBytes);
    this.#before(paths);
    this.asked.push(...paths);
    const answer = this.#hasher.hash(files);
    return () => {
      const hashes = answer();
      assert.equal(hashes.length, paths.length * hashBytes);
      for (const [number, path] of paths.entries())
        if (hashes.subarray(hashBytes * number, hashBytes * (number + 1)).every((byte) => byte === 0))
          this.notHashed.add(path);
      return hashes;
    };
  }
}

/** Has room now and then. */
class BusyHasher extends WatchedHasher {
  #asked = 0;

  override get hasRoom(): boolean {
    return ++this.#asked % 3 === 0 && super.hasRoom;
  }
}

function buildSource(root: string): void {
  const random = new Seeded(3);
  for (let number = 0; number < smallFiles; number++) {
    const folder = join(root, `folder-${number % 7}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${number}`), random.bytes(number % 50 === 0 ? 20 : 30_000 + number));
  }
  for (let number = 0; number < largeFiles; number++)
    writeFileSync(join(root, `zz-large-${number}`), random.bytes(300_000 * (number + 1)));
}

function pathOf(root: string, number: number): string {
  return join(root, `folder-${number % 7}`, `file-${number}`);
}

function touch(path: string): void {
  utimesSync(path, 1_700_000_000, 1_700_000_000);
}

/** The same bytes at another time, for all but a few that are changed, and two folders that stay as they are. */
function touchAndChange(root: string): void {
  const random = new Seeded(4);
  for (let number = 0; number < smallFiles; number++)
    if (number % 7 !== 4 && number % 7 !== 5) touch(pathOf(root, number));
  for (let number = 0; number < largeFiles; number++) touch(join(root, `zz-large-${number}`));
  for (const number of [6, 111, 334, 497, 498, 700]) {
    const path = pathOf(root, number);
    const bytes = readFileSync(path);
    bytes[random.below(bytes.length)]! ^= 1;
    writeFileSync(path, bytes);
  }
  const large = readFileSync(join(root, 'zz-large-4'));
  large[large.length - 1]! ^= 1;
  writeFileSync(join(root, 'zz-large-4'), large);
  appendFileSync(pathOf(root, 222), 'more');
  rmSync(pathOf(root, 223));
  rmSync(pathOf(root, 224));
  symlinkSync('file-225', pathOf(root, 224));
  writeFileSync(join(root, 'folder-6/new'), 'new');
}

interface Archive {
  readonly hasher?: FileHasher;
  readonly force?: boolean;
}

async function archived(
  root: string,
  repository: Repository,
  { hasher, force = false }: Archive = {},
): Promise<ArchivedSource> {
  const result = await archiveSource(
    { path: byteStringOf(root), filter: takeAll, isWhole: true, cacheName: root },
    {
      ...{ blobs: repository, cache: repository.fileCache, progress: silentProgress, force, hasher },
      nowMs: () => Date.now() + 10_000, // all files count as settled
      capture: () => assert.fail('no database'),
    },
  );
  repository.flush();
  return result;
}

interface Run {
  readonly hasher: WatchedHasher;
  readonly result: ArchivedSource;
  /** With everything read anew, after it. */
  readonly afresh: ArchivedSource;
  /** With nothing read, after it. */
  readonly again: ArchivedSource;
}

async function run(
  context: TestContext,
  options: OpenOptions,
  before?: (paths: readonly string[]) => void,
): Promise<Run> {
  const folder = temporaryFolder(context);
  const root = join(folder, 'source');
  buildSource(root);
  await using repository = Repository.open(join(folder, 'repository'), options);
  await archived(root, repository);
  touchAndChange(root);
  await using threads = await readyHasher();
  const hasher = new WatchedHasher(threads, before);
  const result = await archived(root, repository, { hasher });
  const again = await archived(root, repository);
  const afresh = await archived(root, repository, { force: true });
  return { hasher, result, afresh, again };
}

for (const [name, options] of [
  ['a plain', plainOptions()],
  ['an encrypted', encryptedOptions()],
] as const)
  test(`files that were only touched are hashed by threads, in ${name} repository`, async (context) => {
    const { hasher, result, afresh, again } = await run(context, options);
    assert.equal(result.root, afresh.root);
    assert.equal(result.totalBytes, afresh.totalBytes);
    assert.equal(result.files, afresh.files);
    assert.deepEqual([again.root, again.readBytes], [afresh.root, 0]);
    assert.ok(hasher.asked.length > 100, `${hasher.asked.length} files were hashed`);
    assert.equal(new Set(hasher.asked).size, hasher.asked.length, 'each once');
    assert.ok(hasher.asked.some((path) => path.endsWith('zz-large-4')));
    assert.equal(hasher.notHashed.size, 0);
    // What is hashed and as it was is not read a second time; the one large file that is not is.
    const twice = result.readBytes - (result.totalBytes - untouchedBytes(result));
    assert.ok(twice < 2_000_000, `${twice} bytes read twice`);
  });

/** Of two of seven folders, about. */
function untouchedBytes({ totalBytes }: ArchivedSource): number {
  const large = (300_000 * largeFiles * (largeFiles + 1)) / 2;
  return ((totalBytes - large) * 2) / 7;
}

test('a file that changes before a thread comes to it is read', async (context) => {
  const changed: string[] = [];
  const { hasher, again, afresh } = await run(context, plainOptions(), (paths) => {
    for (const path of [paths[0], paths[2]])
      if (path !== undefined && changed.length < 4) {
        changed.push(path);
        appendFileSync(path, 'x');
      }
  });
  assert.ok(changed.length > 1);
  for (const path of changed) assert.ok(hasher.notHashed.has(path), path);
  // The walk saw it before it changed, so it was looked at once more; the tree has it as it is by then.
  assert.equal(again.root, afresh.root);
});

test('a file that is gone, or a pipe by now, when a thread comes to it is no file of the snapshot', async (context) => {
  const gone: string[] = [];
  const { hasher, result, afresh } = await run(context, plainOptions(), (paths) => {
    const [path] = paths;
    if (path === undefined || gone.length >= 2) return;
    gone.push(path);
    rmSync(path);
    if (gone.length === 2) symlinkSync('file-1', path);
  });
  assert.equal(gone.length, 2);
  for (const path of gone) assert.ok(hasher.notHashed.has(path), path);
  assert.equal(result.files, afresh.files);
});

test('where little was touched threads are left alone again', async (context) => {
  const folder = temporaryFolder(context);
  const root = join(folder, 'source');
  mkdirSync(root);
  const random = new Seeded(5);
  for (let number = 0; number < 12; number++)
    writeFileSync(join(root, `a-${number}`), random.bytes(1_000_000));
  const quiet = 3000;
  for (let number = 0; number < quiet; number++)
    writeFileSync(join(root, `b-${number}`), `${number}`.repeat(99));
  await using repository = Repository.open(join(folder, 'repository'), plainOptions());
  await archived(root, repository);
  for (let number = 0; number < 12; number++) touch(join(root, `a-${number}`));
  await using threads = await readyHasher();
  const hasher = new WatchedHasher(threads);
  const result = await archived(root, repository, { hasher });
  assert.ok(
    hasher.asked.every((path) => /\/a-\d+$/.test(path)),
    hasher.asked.join(),
  );
  assert.equal(result.readBytes, 12_000_000);
  assert.equal((await archived(root, repository)).readBytes, 0);
  assert.equal((await archived(root, repository, { force: true })).root, result.root);
});

test('what is known of files is found however seldom threads have room', async (context) => {
  const folder = temporaryFolder(context);
  const root = join(folder, 'source');
  buildSource(root);
  await using repository = Repository.open(join(folder, 'repository'), plainOptions());
  await archived(root, repository);
  const touched = Array.from({ length: smallFiles }, (_, at) => at).filter((at) => at < 400 || at % 5 === 0);
  for (const number of touched) touch(pathOf(root, number));
  await using threads = await readyHasher();
  const hasher = new BusyHasher(threads);
  const result = await archived(root, repository, { hasher });
  assert.ok(hasher.asked.length > 50, `${hasher.asked.length} files were hashed`);
  const bytes = touched.reduce((sum, number) => sum + statSync(pathOf(root, number)).size, 0);
  assert.equal(result.readBytes, bytes);
  assert.equal((await archived(root, repository)).readBytes, 0);
});
