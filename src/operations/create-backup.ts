/** `backup create`: plan the sources, archive each, commit one snapshot, and export it when asked to. */

import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArchivedSource, archiveSource } from '../archiver/archiver.ts';
import { removeTemporary } from '../io/files.ts';
import { DamageError } from '../model/errors.ts';
import { byteStringOf } from '../model/paths.ts';
import type {
  SkippedPath,
  Snapshot,
  SnapshotSource,
  SnapshotStats,
  UnreadableFile,
} from '../model/snapshot.ts';
import type { BlobStore, FileCache } from '../model/store.ts';
import type { PlannedSource } from '../openclaw/sources.ts';
import { ThreadHasher } from '../repository/file-hasher.ts';
import { parametersName } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { CaptureProcess } from '../sqlite/capture.ts';
import { type BackupPlan, type CreateOptions, planBackup } from './backup-plan.ts';
import { DryStore } from './dry-store.ts';
import type { Environment } from './environment.ts';
import type { ExportedArchive, ExportTarget } from './export-backup.ts';
import { openRepository } from './places.ts';
import { type ArchiveRun, changesSince, recordOf, sumStats } from './snapshot-record.ts';
import { checkTags } from './tags.ts';
import { type TouchedPlace, withTouched } from './touched-places.ts';
import { hasYoungDatabase } from './young-databases.ts';

export type { CreateOptions } from './backup-plan.ts';
export type { TouchedPlace } from './touched-places.ts';

export interface CreatedBackup {
  readonly repository: string;
  readonly dryRun: boolean;
  /** Undefined for a dry run. */
  readonly snapshot: Snapshot | undefined;
  /** Whether the snapshot is the one before, because nothing had changed. */
  readonly unchanged: boolean;
  readonly stats: SnapshotStats;
  readonly archive: ExportedArchive | undefined;
  readonly skipped: readonly SkippedPath[];
  readonly unreadable: readonly UnreadableFile[];
}

export async function createBackup(environment: Environment, options: CreateOptions): Promise<CreatedBackup> {
  checkTags(options.tags ?? []);
  const plan = planBackup(environment, options);
  const toArchive = options.output && (await planArchive(environment, options.output, options.dryRun));
  await using captures = new CaptureProcess();
  if (hasYoungDatabase(plan)) captures.start();
  if (options.dryRun) return await runDry(environment, plan, captures);
  await using repository = await openRepository(environment, plan.repositoryRoot, 'append', {
    create: true,
    compress: options.compress,
    encrypt: options.encrypt,
  });
  const created = await runBackup(environment, plan, repository, captures);
  if (toArchive === undefined || created.snapshot === undefined) return created;
  return { ...created, archive: await toArchive(repository, created.snapshot) };
}

/** Loaded when it is asked for: a snapshot alone starts faster without it. Refuses a bad path before anything is stored. */
async function planArchive(
  environment: Environment,
  output: ExportTarget,
  dryRun?: boolean,
): Promise<(repository: Repository, snapshot: Snapshot) => Promise<ExportedArchive>> {
  const { exportFrom, planExport } = await import('./export-backup.ts');
  const planned = planExport(environment, output, dryRun);
  return (repository, snapshot) => exportFrom(environment, repository, snapshot, planned);
}

/** The same for a repository that is open already, as before a restore. */
export async function createBackupIn(
  environment: Environment,
  repository: Repository,
  options: CreateOptions,
  touched: readonly TouchedPlace[] = [],
): Promise<CreatedBackup> {
  const plan = planBackup(environment, { ...options, repository: repository.root });
  const sources = withTouched(plan.sources, touched, repository.root);
  await using captures = new CaptureProcess();
  return await runBackup(environment, { ...plan, sources }, repository, captures);
}

/** Where a run stores: a repository, or nowhere. */
export interface Destination {
  readonly blobs: BlobStore;
  readonly cache: FileCache;
  readonly parent: Snapshot | undefined;
  /** Takes copies of databases, in this folder. */
  readonly captures: CaptureProcess;
  readonly staging: string;
}

async function runDry(
  environment: Environment,
  plan: BackupPlan,
  captures: CaptureProcess,
): Promise<CreatedBackup> {
  const exists = existsSync(join(plan.repositoryRoot, parametersName));
  await using repository = exists
    ? await openRepository(environment, plan.repositoryRoot, 'read')
    : undefined;
  const staging = mkdtempSync(join(tmpdir(), 'exuvia-dry-'));
  try {
    const store = new DryStore(repository);
    const parent = repository && findParent(plan, repository);
    const run = await archiveAll(environment, plan, {
      blobs: store,
      cache: store.fileCache,
      parent,
      captures,
      staging,
    });
    const stats = { ...run.stats, addedBytes: store.addedBytes };
    return { ...resultOf(plan, run), dryRun: true, snapshot: undefined, unchanged: false, stats };
  } finally {
    removeTemporary(staging);
  }
}

async function runBackup(
  environment: Environment,
  plan: BackupPlan,
  repository: Repository,
  captures: CaptureProcess,
): Promise<CreatedBackup> {
  const before = repository.written;
  const parent = findParent(plan, repository);
  const staging = repository.temporaryFolder;
  const run = await archiveAll(environment, plan, {
    blobs: repository,
    cache: repository.fileCache,
    parent,
    captures,
    staging,
  }).catch((error: unknown) => {
    repository.salvage();
    throw error;
  });
  environment.progress.step('Committing');
  repository.publish();
  const { addedBytes, storedBytes } = repository.written;
  const stats: SnapshotStats = {
    ...run.stats,
    addedBytes: addedBytes - before.addedBytes,
    storedBytes: storedBytes - before.storedBytes,
    durationMs: Math.round(environment.clock.nowMs() - run.startedMs),
  };
  if (plan.options.skipIfUnchanged && run.parent !== undefined && isSame(run.parent, run, plan)) {
    repository.finish();
    return { ...resultOf(plan, run), dryRun: false, snapshot: run.parent, unchanged: true, stats };
  }
  const snapshot = repository.addSnapshot(recordOf(environment, plan, run, repository.nextSequence(), stats));
  return { ...resultOf(plan, run), dryRun: false, snapshot, unchanged: false, stats };
}

/** Whether a snapshot holds what this run found, and was asked for in the same words. */
function isSame(parent: Snapshot, run: ArchiveRun, { options }: BackupPlan): boolean {
  const words = ({ only, include, exclude, tags, message }: CreateOptions): string =>
    JSON.stringify([only ?? [], include ?? [], exclude ?? [], tags ?? [], message ?? '']);
  const { components, include, exclude, tags, message } = parent;
  return (
    words(options) === words({ only: components ?? [], include, exclude, tags, message }) &&
    JSON.stringify(parent.sources) === JSON.stringify(run.sources) &&
    run.archived.every((source) => source.unreadable.length === 0)
  );
}

/**
 * Archives all sources. When the index was made anew on the way, by this run or beside it, what was known of files and what was found to
 * be stored may be gone: then all of it is read once more.
 */
export async function archiveAll(
  environment: Environment,
  plan: BackupPlan,
  destination: Destination,
): Promise<ArchiveRun> {
  const { cache } = destination;
  const { generation } = cache;
  const { force = false } = plan.options;
  try {
    const run = await archiveOnce(environment, plan, destination, force);
    if (cache.generation === generation) return run;
  } catch (error) {
    if (!(error instanceof DamageError) || cache.generation === generation) throw error;
  }
  cache.discard();
  return await archiveOnce(environment, plan, destination, true);
}

async function archiveOnce(
  environment: Environment,
  plan: BackupPlan,
  destination: Destination,
  force: boolean,
): Promise<ArchiveRun> {
  const startedMs = environment.clock.nowMs();
  const { parent, captures, staging } = destination;
  const { only = [], include = [], exclude = [] } = plan.options;
  await using _released = { [Symbol.asyncDispose]: () => captures.release() };
  await using hasher = new ThreadHasher();
  const archived: ArchivedSource[] = [];
  for (const source of plan.sources) {
    environment.progress.step(`Backing up ${source.path}`, expectedTotals(parent, source.path));
    archived.push(
      await archiveSource(
        {
          path: byteStringOf(source.path),
          filter: source.filter,
          isWhole: only.length + include.length + exclude.length === 0,
          cacheName: source.path,
        },
        {
          blobs: destination.blobs,
          cache: destination.cache,
          capture: (path, onCopied) => captures.capture(path, staging, onCopied),
          hasher,
          progress: environment.progress,
          signal: environment.signal,
          nowMs: () => environment.clock.nowMs(),
          force,
        },
      ),
    );
  }
  const sources = plan.sources.map((source, index) => sourceRecord(source, archived[index]));
  const stats = sumStats(archived, changesSince(environment, destination.blobs, parent, sources, archived));
  return { startedMs, parent, sources, archived, stats };
}

function sourceRecord(source: PlannedSource, archived: ArchivedSource | undefined): SnapshotSource {
  return {
    path: source.path,
    kind: source.kind,
    ...(source.label === undefined ? {} : { label: source.label }),
    root: archived?.root ?? null,
    entries: archived?.entries ?? 0,
  };
}

/** The newest snapshot of the same sources, with the same selection if there is one. */
function findParent(plan: BackupPlan, repository: Repository): Snapshot | undefined {
  const components = plan.options.only?.join('\0') ?? '';
  let newest: Snapshot | undefined;
  for (const snapshot of repository.newestSnapshots(plan.sources.map((source) => source.path))) {
    if ((snapshot.components?.join('\0') ?? '') === components) return snapshot;
    newest ??= snapshot;
  }
  return newest;
}

/** What the parent held is the best guess at what there is to do. */
function expectedTotals(
  parent: Snapshot | undefined,
  path: string,
): { files: number; bytes: number } | undefined {
  if (parent === undefined || parent.sources.length !== 1 || parent.sources[0]?.path !== path)
    return undefined;
  return { files: parent.stats.files, bytes: parent.stats.totalBytes };
}

function resultOf(
  plan: BackupPlan,
  run: ArchiveRun,
): Pick<CreatedBackup, 'repository' | 'archive' | 'skipped' | 'unreadable'> {
  return {
    repository: plan.repositoryRoot,
    archive: undefined,
    skipped: run.archived.flatMap((source) => source.skipped),
    unreadable: run.archived.flatMap((source) => source.unreadable),
  };
}
