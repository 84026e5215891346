/** Files that have other times and the same bytes: compared by threads, they make the same tree as everything read anew. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type ArchivedSource, archiveSource } from '../../../src/archiver/archiver.ts';
import { byteStringOf, fsPath } from '../../../src/model/paths.ts';
import { silentProgress } from '../../../src/model/progress.ts';
import { takeAll } from '../../../src/model/selection.ts';
import type { BlobStore, FileComparer, FileToCompare } from '../../../src/model/store.ts';
import { type OpenOptions, Repository } from '../../../src/repository/repository.ts';
import { encryptedOptions, plainOptions } from '../../helpers/repositories.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const smallFiles = 800;
const largeFiles = 6;

/** What it was asked, and something that happens before it is. */
class WatchedComparer implements FileComparer {
  readonly asked: FileToCompare[] = [];
  readonly failed: FileToCompare[] = [];
  readonly #running: (readonly FileToCompare[])[] = [];
  readonly #comparer: FileComparer;
  readonly #before: (files: readonly FileToCompare[]) => void;

  constructor(comparer: FileComparer, before: (files: readonly FileToCompare[]) => void = () => {}) {
    this.#comparer = comparer;
    this.#before = before;
  }

  start(): void {}

  get hasRoom(): boolean {
    return this.#comparer.hasRoom;
  }

  compare(files: readonly FileToCompare[]): void {
    this.#before(files);
    this.asked.push(...files);
    this.#running.push(files);
    this.#comparer.compare(files);
  }

  collect(): ReadonlySet<number> {
    const files = this.#running.shift()!;
    const failed = this.#comparer.collect();
    this.failed.push(...files.filter((_, number) => failed.has(number)));
    return failed;
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

/** The same bytes at another time, for all but a few that are changed, and two folders that stay as they are. */
function touchAndChange(root: string): void {
  const random = new Seeded(4);
  for (let number = 0; number < smallFiles; number++)
    if (number % 7 !== 4 && number % 7 !== 5) utimesSync(pathOf(root, number), 1_700_000_000, 1_700_000_000);
  for (let number = 0; number < largeFiles; number++)
    utimesSync(join(root, `zz-large-${number}`), 1_700_000_000, 1_700_000_000);
  for (const number of [6, 111, 334, 497, 498]) {
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

async function archived(
  root: string,
  repository: Repository,
  comparer: FileComparer | undefined,
  force = false,
): Promise<ArchivedSource> {
  const blobs: BlobStore = Object.create(repository, { comparer: { value: comparer } }) as Repository;
  for (const name of [
    'readBlob',
    'writeBlob',
    'writeBlobs',
    'hasBlob',
    'presentBlobs',
    'idOf',
    'idOfHash',
  ] as const)
    Object.defineProperty(blobs, name, { value: repository[name].bind(repository) });
  const result = await archiveSource(
    { path: byteStringOf(root), filter: takeAll, isWhole: true, cacheName: root },
    {
      ...{ blobs, cache: repository.fileCache, progress: silentProgress, force },
      nowMs: () => Date.now() + 10_000, // all files count as settled
      capture: () => assert.fail('no database'),
    },
  );
  repository.flush();
  return result;
}

async function ready(comparer: FileComparer): Promise<void> {
  comparer.start();
  for (let tries = 0; !comparer.hasRoom; tries++) {
    assert.ok(tries < 1000, 'no thread has started');
    await setTimeout(10);
  }
}

interface Run {
  readonly comparer: WatchedComparer;
  readonly result: ArchivedSource;
  readonly afresh: ArchivedSource;
  readonly again: ArchivedSource;
}

async function run(
  context: TestContext,
  options: OpenOptions,
  before?: (files: readonly FileToCompare[]) => void,
): Promise<Run> {
  const folder = temporaryFolder(context);
  const root = join(folder, 'source');
  buildSource(root);
  await using repository = Repository.open(join(folder, 'repository'), options);
  await archived(root, repository, undefined);
  touchAndChange(root);
  await ready(repository.comparer);
  const comparer = new WatchedComparer(repository.comparer, before);
  const result = await archived(root, repository, comparer);
  const again = await archived(root, repository, undefined);
  const afresh = await archived(root, repository, undefined, true);
  return { comparer, result, afresh, again };
}

for (const [name, options] of [
  ['a plain', plainOptions()],
  ['an encrypted', encryptedOptions()],
] as const)
  test(`files that were only touched are compared by threads, in ${name} repository`, async (context) => {
    const { comparer, result, afresh, again } = await run(context, options);
    assert.equal(result.root, afresh.root);
    assert.equal(result.totalBytes, afresh.totalBytes);
    assert.deepEqual([again.root, again.readBytes], [afresh.root, 0]);
    assert.ok(comparer.asked.length > 100, `${comparer.asked.length} files were compared`);
    const failed = comparer.failed.map(({ path }) =>
      Buffer.from(path, 'latin1').toString().split('/').at(-1),
    );
    assert.ok(failed.includes('zz-large-4') && failed.length < 8, failed.join());
  });

test('a file that changes while others are compared is read', async (context) => {
  const changed: string[] = [];
  const { comparer, result, again } = await run(context, plainOptions(), ([first, , third]) => {
    for (const file of [first, third])
      if (file !== undefined && changed.push(String(fsPath(file.path))) <= 4)
        appendFileSync(changed.at(-1)!, 'x');
  });
  assert.ok(changed.length > 1);
  assert.ok(comparer.failed.length >= 2);
  // The walk saw it before it changed, so that it is looked at once more; the tree has it as it is by then.
  assert.equal(again.root, result.root);
});
