/** `backup create`: plan the sources, archive each, commit one snapshot, and export it when asked to. */
import { existsSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArchivedSource, archiveSource } from '../archiver/archiver.ts';
import { DamageError, FileSystemError, UsageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { byteStringOf, type PathKey, parentKey } from '../model/paths.ts';
import type { PathFilter } from '../model/selection.ts';
import type {
  SkippedPath,
  Snapshot,
  SnapshotRecord,
  SnapshotSource,
  SnapshotStats,
  UnreadableFile,
} from '../model/snapshot.ts';
import type { BlobStore, FileCache } from '../model/store.ts';
import { type OpenClawHome, pathInside } from '../openclaw/discovery.ts';
import { type PlannedSource, planFolderSources, planSources } from '../openclaw/sources.ts';
import { readVersions } from '../openclaw/versions.ts';
import { parametersName } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { CaptureProcess } from '../sqlite/capture.ts';
import { expandSourcePatterns } from '../walker/globs.ts';
import { DryStore } from './dry-store.ts';
import type { Environment } from './environment.ts';
import type { ExportedArchive, ExportTarget } from './export-backup.ts';
import { groupNames, userNames } from './owner-names.ts';
import { findHome, findRepository, openRepository, type PlaceOptions, resolvePath } from './places.ts';
import { checkTags } from './tags.ts';
import { type ChangeCounts, countChanges } from './tree-changes.ts';
import { exuviaVersion } from './version.ts';

export interface CreateOptions extends PlaceOptions {
  readonly only?: readonly string[];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly sources?: readonly string[];
  readonly tags?: readonly string[];
  readonly message?: string;
  readonly reason?: SnapshotRecord['reason'];
  /** Reads every file, whatever is known of it. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** False stores new data as it is. */
  readonly compress?: boolean;
  /** Makes no snapshot when nothing differs from the one before; that one is the result. */
  readonly skipIfUnchanged?: boolean;
  /** Writes an archive of the new snapshot as well. */
  readonly output?: ExportTarget;
}

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

interface BackupPlan {
  readonly home: OpenClawHome;
  readonly isHome: boolean;
  readonly repositoryRoot: string;
  readonly sources: readonly PlannedSource[];
  readonly options: CreateOptions;
}

export async function createBackup(environment: Environment, options: CreateOptions): Promise<CreatedBackup> {
  checkTags(options.tags ?? []);
  const plan = planBackup(environment, options);
  const toArchive = options.output && (await planArchive(environment, options.output));
  if (options.dryRun) return await runDry(environment, plan);
  await using repository = openRepository(environment, plan.repositoryRoot, 'append', true, options.compress);
  const created = await runBackup(environment, plan, repository);
  if (toArchive === undefined || created.snapshot === undefined) return created;
  return { ...created, archive: await toArchive(repository, created.snapshot) };
}

/** Loaded when it is asked for: a snapshot alone starts faster without it. Refuses a bad path before anything is stored. */
async function planArchive(
  environment: Environment,
  output: ExportTarget,
): Promise<(repository: Repository, snapshot: Snapshot) => Promise<ExportedArchive>> {
  const { exportFrom, planExport } = await import('./export-backup.ts');
  const planned = planExport(environment, output);
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
  return await runBackup(environment, { ...plan, sources }, repository);
}

/** A folder that is about to be changed: these keys are backed up whatever is left out otherwise. */
export interface TouchedPlace {
  /** Absolute, links resolved. */
  readonly path: string;
  readonly kind: SnapshotSource['kind'];
  readonly keys: readonly PathKey[];
}

function withTouched(
  sources: readonly PlannedSource[],
  touched: readonly TouchedPlace[],
  repositoryRoot: string,
): PlannedSource[] {
  const planned = sources.map((source) => {
    const place = touched.find(({ path }) => path === source.path);
    return place === undefined ? source : { ...source, filter: alsoTaking(source.filter, place.keys) };
  });
  // What no configuration names any more, and the restore writes to.
  const more = touched.filter(
    ({ path }) => !sources.some((source) => pathInside(source.path, path) !== undefined),
  );
  const nothing = { only: [], include: [], exclude: [] };
  const added = planFolderSources(
    more.map(({ path }) => path),
    nothing,
    repositoryRoot,
  ).map((source, index) => ({
    ...source,
    kind: more[index]?.kind ?? source.kind,
  }));
  return [...planned, ...added];
}

/** The keys with all below them, and the folders on the way. */
function alsoTaking(filter: PathFilter, keys: readonly PathKey[]): PathFilter {
  const taken = new Set(keys);
  const onTheWay = new Set<PathKey>();
  for (const key of keys)
    for (let at = parentKey(key); at !== undefined; at = parentKey(at)) onTheWay.add(at);
  return {
    decide(key, type) {
      const decision = filter.decide(key, type);
      if (typeof decision !== 'object' || decision.skip === 'repository') return decision;
      if (taken.has(key)) return 'take';
      return onTheWay.has(key) ? 'descend' : decision;
    },
  };
}

function planBackup(environment: Environment, options: CreateOptions): BackupPlan {
  const home = findHome(environment, options);
  const repositoryRoot = findRepository(environment, options, home);
  const selection = {
    only: options.only ?? [],
    include: options.include ?? [],
    exclude: options.exclude ?? [],
  };
  if (options.sources !== undefined && options.sources.length > 0) {
    if (selection.only.length > 0) {
      throw new UsageError('--only names components of an OpenClaw home and cannot be used with --source');
    }
    if (options.sources.includes(''))
      throw new UsageError('--source has an empty name', 'Name a folder or a file.');
    const patterns = options.sources.map((path) => resolvePath(environment, path));
    const paths = expandSourcePatterns(patterns, environment.cwd).map(resolveSource);
    const sources = planFolderSources([...new Set(paths)], selection, repositoryRoot);
    return { home, isHome: false, repositoryRoot, sources, options };
  }
  if (!home.stateDirExists) {
    throw new UsageError(
      `There is no OpenClaw state directory at ${home.stateDir}`,
      'Name it with --state-dir or OPENCLAW_STATE_DIR, or back up any folder with --source.',
    );
  }
  for (const problem of home.problems) environment.progress.warn(problem);
  return {
    home,
    isHome: true,
    repositoryRoot,
    sources: planSources(home, selection, repositoryRoot),
    options,
  };
}

/** The folder itself, not a link to it. */
function resolveSource(path: string): string {
  try {
    const real = realpathSync(path);
    const stat = statSync(real);
    if (stat.isDirectory() || stat.isFile()) return real;
  } catch (error) {
    throw new FileSystemError('read source', path, error);
  }
  throw new UsageError(`The source ${path} is neither a folder nor a file`);
}

/** Where a run stores: a repository, or nowhere. */
interface Destination {
  readonly blobs: BlobStore;
  readonly cache: FileCache;
  readonly snapshots: readonly Snapshot[];
  readonly staging: string;
}

async function runDry(environment: Environment, plan: BackupPlan): Promise<CreatedBackup> {
  const exists = existsSync(join(plan.repositoryRoot, parametersName));
  await using repository = exists ? openRepository(environment, plan.repositoryRoot, 'read') : undefined;
  const staging = mkdtempSync(join(tmpdir(), 'exuvia-dry-'));
  try {
    const store = new DryStore(repository);
    const snapshots = repository?.listSnapshots() ?? [];
    const run = await archiveAll(environment, plan, {
      blobs: store,
      cache: store.fileCache,
      snapshots,
      staging,
    });
    const stats = { ...run.stats, addedBytes: store.addedBytes };
    return { ...resultOf(plan, run), dryRun: true, snapshot: undefined, unchanged: false, stats };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function runBackup(
  environment: Environment,
  plan: BackupPlan,
  repository: Repository,
): Promise<CreatedBackup> {
  const before = repository.written;
  const snapshots = repository.listSnapshots();
  const staging = repository.temporaryFolder;
  const run = await archiveAll(environment, plan, {
    blobs: repository,
    cache: repository.fileCache,
    snapshots,
    staging,
  }).catch((error: unknown) => {
    repository.salvage();
    throw error;
  });
  environment.progress.step('Committing');
  repository.flush();
  const { addedBytes, storedBytes } = repository.written;
  const stats: SnapshotStats = {
    ...run.stats,
    addedBytes: addedBytes - before.addedBytes,
    storedBytes: storedBytes - before.storedBytes,
    durationMs: Math.round(environment.clock.nowMs() - run.startedMs),
  };
  if (plan.options.skipIfUnchanged && run.parent !== undefined && isSame(run.parent, run, plan)) {
    return { ...resultOf(plan, run), dryRun: false, snapshot: run.parent, unchanged: true, stats };
  }
  const snapshot = repository.addSnapshot(recordOf(environment, plan, run, snapshots, stats));
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

interface ArchiveRun {
  readonly startedMs: number;
  readonly parent: Snapshot | undefined;
  readonly sources: readonly SnapshotSource[];
  readonly archived: readonly ArchivedSource[];
  readonly stats: SnapshotStats;
}

async function archiveAll(
  environment: Environment,
  plan: BackupPlan,
  destination: Destination,
): Promise<ArchiveRun> {
  const startedMs = environment.clock.nowMs();
  const parent = findParent(plan, destination.snapshots);
  const { only = [], include = [], exclude = [], force = false } = plan.options;
  await using captures = new CaptureProcess({ stagingDir: destination.staging });
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
          capture: (path) => captures.capture(path),
          progress: environment.progress,
          signal: environment.signal,
          nowMs: () => environment.clock.nowMs(),
          force,
        },
      ),
    );
  }
  const sources = plan.sources.map((source, index) => sourceRecord(source, archived[index]));
  const stats = sumStats(archived, changesSince(environment, destination.blobs, parent, sources));
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
function findParent(plan: BackupPlan, snapshots: readonly Snapshot[]): Snapshot | undefined {
  const paths = plan.sources.map((source) => source.path).join('\0');
  const components = plan.options.only?.join('\0') ?? '';
  const same = snapshots.filter(
    (snapshot) => snapshot.sources.map((source) => source.path).join('\0') === paths,
  );
  return same.findLast((snapshot) => (snapshot.components?.join('\0') ?? '') === components) ?? same.at(-1);
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

function changesSince(
  environment: Environment,
  blobs: BlobStore,
  parent: Snapshot | undefined,
  sources: readonly SnapshotSource[],
): ChangeCounts {
  const sum = { newFiles: 0, changedFiles: 0, removedFiles: 0 };
  for (const source of sources) {
    const before = parent?.sources.find((candidate) => candidate.path === source.path)?.root ?? null;
    const counts = countOrWarn(environment, blobs, before, source.root);
    sum.newFiles += counts.newFiles;
    sum.changedFiles += counts.changedFiles;
    sum.removedFiles += counts.removedFiles;
  }
  return sum;
}

/** The counts are for people: a damaged parent must not keep this snapshot from being made. */
function countOrWarn(
  environment: Environment,
  blobs: BlobStore,
  before: BlobId | null,
  after: BlobId | null,
): ChangeCounts {
  try {
    return countChanges(blobs, before, after);
  } catch (error) {
    if (!(error instanceof DamageError) || before === null) throw error;
    environment.progress.warn(`The snapshot before is damaged (${error.message}); this one is whole`);
    return countChanges(blobs, null, after);
  }
}

function sumStats(archived: readonly ArchivedSource[], changes: ChangeCounts): SnapshotStats {
  const sum = (value: (source: ArchivedSource) => number): number =>
    archived.reduce((total, source) => total + value(source), 0);
  const files = sum((source) => source.files);
  return {
    files,
    directories: sum((source) => source.directories),
    links: sum((source) => source.links),
    ...changes,
    unchangedFiles: files - changes.newFiles - changes.changedFiles,
    totalBytes: sum((source) => source.totalBytes),
    readBytes: sum((source) => source.readBytes),
    addedBytes: 0,
    storedBytes: 0,
    durationMs: 0,
  };
}

function recordOf(
  environment: Environment,
  plan: BackupPlan,
  run: ArchiveRun,
  snapshots: readonly Snapshot[],
  stats: SnapshotStats,
): SnapshotRecord {
  const { options } = plan;
  const unreadable = run.archived.flatMap((source) => source.unreadable);
  const captured: Readonly<Record<string, number>>[] = run.archived.map((source) => source.schemas);
  return {
    version: 1,
    time: new Date(run.startedMs).toISOString(),
    sequence: (snapshots.at(-1)?.sequence ?? 0) + 1,
    parent: run.parent?.id ?? null,
    sources: run.sources,
    host: {
      name: environment.host,
      platform: environment.platform,
      home: plan.home.home,
      user: environment.user,
      users: userNames(run.archived.flatMap((source) => [...source.users])),
      groups: groupNames(run.archived.flatMap((source) => [...source.groups])),
    },
    program: { name: 'exuvia', version: exuviaVersion, node: environment.nodeVersion },
    components: options.only !== undefined && options.only.length > 0 ? options.only : null,
    include: options.include ?? [],
    exclude: options.exclude ?? [],
    tags: options.tags ?? [],
    message: options.message ?? '',
    reason: options.reason ?? 'manual',
    openclaw: plan.isHome
      ? readVersions(plan.home, Object.assign(unchangedSchemas(plan, run.parent), ...captured))
      : null,
    stats,
    unreadable: unreadable.slice(0, limits.unreadableListedMax),
    unreadableCount: unreadable.length,
  };
}

/** Databases that did not change were not captured: the snapshot before knows their versions. */
function unchangedSchemas(plan: BackupPlan, parent: Snapshot | undefined): Record<string, number> {
  const known = Object.entries(parent?.openclaw?.schemas ?? {});
  return Object.fromEntries(known.filter(([path]) => existsSync(join(plan.home.stateDir, path))));
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
