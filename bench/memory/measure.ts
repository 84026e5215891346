/** The memory a first snapshot takes, and the next one with nothing changed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment } from '../lib/environment.ts';
import { runExuvia } from '../lib/run.ts';
import { folderSize } from '../lib/sizes.ts';
import { buildLargeFiles, buildManyFiles, type LargeFilesSize, largeFilesSize } from './data.ts';

export const memoryBytesMax = 400_000_000;

export interface MemoryRun {
  readonly source: string;
  readonly snapshot: 'first' | 'nothing changed';
  readonly files: number;
  readonly bytes: number;
  readonly wallMs: number;
  /** Undefined where there is no /proc. */
  readonly memoryBytesMax: number | undefined;
  readonly repositoryBytes: number;
}

export interface MemoryOptions {
  /** Empty or missing folder on a disk with 6 GB free; the caller removes it. */
  readonly dir: string;
  readonly seed?: number;
}

export function measureLargeFiles(
  options: MemoryOptions,
  size: LargeFilesSize = largeFilesSize,
): Promise<MemoryRun[]> {
  const dir = join(options.dir, 'large');
  const bytes = buildLargeFiles(join(dir, 'source'), options.seed ?? 1, size);
  const files = size.sparseFiles + size.randomFiles.length + size.textFiles.length;
  return measureTwice(dir, { source: 'large files', files, bytes });
}

export function measureManyFiles(
  options: MemoryOptions,
  folders = 3000,
  filesEach = 100,
): Promise<MemoryRun[]> {
  const dir = join(options.dir, 'many');
  const files = buildManyFiles(join(dir, 'source'), options.seed ?? 1, folders, filesEach);
  const { bytes } = folderSize(join(dir, 'source'));
  return measureTwice(dir, { source: 'many files', files, bytes });
}

async function measureTwice(
  dir: string,
  about: { readonly source: string; readonly files: number; readonly bytes: number },
): Promise<MemoryRun[]> {
  mkdirSync(dir, { recursive: true });
  const repository = join(dir, 'repository');
  const args = ['backup', 'create', '--source', join(dir, 'source'), '--repository', repository, '--json'];
  const runs: MemoryRun[] = [];
  for (const snapshot of ['first', 'nothing changed'] as const) {
    const { wallMs, memoryBytesMax } = await runExuvia(args, {
      env: cleanEnvironment(dir),
      measureMemory: true,
    });
    const repositoryBytes = folderSize(repository).bytes;
    runs.push({ ...about, snapshot, wallMs, memoryBytesMax, repositoryBytes });
  }
  return runs;
}
