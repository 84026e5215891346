/** What a snapshot costs when nothing has changed: time, beside that of starting Node at all, and bytes. */
import { join } from 'node:path';
import { cleanEnvironment } from '../lib/environment.ts';
import { median } from '../lib/report.ts';
import { run, runExuvia } from '../lib/run.ts';
import { folderSize } from '../lib/sizes.ts';
import { buildSmallHome } from './data.ts';

export const timesNodeMax = 5;
export const bytesPerSnapshotMax = 1000;

export interface NothingChanged {
  readonly files: number;
  readonly bytes: number;
  readonly pairs: number;
  readonly nodeMs: number;
  readonly createMs: number;
  readonly timesNode: number;
  /** What a snapshot adds on average, by the sum of the lengths of all files of the repository, and without `local/`. */
  readonly bytesPerSnapshot: number;
  readonly bytesPerSnapshotWithoutLocal: number;
}

export interface NothingChangedOptions {
  /** Empty or missing folder; the caller removes it. */
  readonly dir: string;
  readonly pairs?: number;
  readonly seed?: number;
}

/** Runs `node -e 0` and `backup create` in turns, so that both meet the same machine; medians. */
export async function measureNothingChanged(options: NothingChangedOptions): Promise<NothingChanged> {
  const { dir, pairs = 41, seed = 1 } = options;
  const source = join(dir, 'home');
  buildSmallHome(source, seed);
  const home = folderSize(source);
  const repository = join(dir, 'repository');
  const env = { env: cleanEnvironment(dir) };
  const create = () =>
    runExuvia(['backup', 'create', '--source', source, '--repository', repository, '--json'], env);
  await create();
  // The second run is the first that has files to compare with; times near the first run may make it read some again.
  await create();
  const before = sizesOf(repository);
  const nodeMs: number[] = [];
  const createMs: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    nodeMs.push((await run(process.execPath, ['-e', '0'], env)).wallMs);
    createMs.push((await create()).wallMs);
  }
  const after = sizesOf(repository);
  return {
    files: home.files,
    bytes: home.bytes,
    pairs,
    nodeMs: median(nodeMs),
    createMs: median(createMs),
    timesNode: median(createMs) / median(nodeMs),
    bytesPerSnapshot: (after.all - before.all) / pairs,
    bytesPerSnapshotWithoutLocal: (after.withoutLocal - before.withoutLocal) / pairs,
  };
}

function sizesOf(repository: string): { readonly all: number; readonly withoutLocal: number } {
  return {
    all: folderSize(repository).bytes,
    withoutLocal: folderSize(repository, (path) => !path.startsWith('local/')).bytes,
  };
}
