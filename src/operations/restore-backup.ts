/** `backup restore`: plan, a snapshot of the present, then the files; and `--undo`. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ExuviaError, UsageError } from '../model/errors.ts';
import { byteStringOf, displayKey, type PathKey, pathOfKey } from '../model/paths.ts';
import type { EntryType } from '../model/selection.ts';
import type { Snapshot, SnapshotSource } from '../model/snapshot.ts';
import { parseComponent } from '../openclaw/components.ts';
import { type OpenClawHome, pathInside } from '../openclaw/discovery.ts';
import { detectGateway } from '../openclaw/gateway.ts';
import { collisionText } from '../portable/entry-rules.ts';
import type { Repository } from '../repository/repository.ts';
import { executeRestore, type RestoreFailure } from '../restorer/execute.ts';
import { type ConflictPolicy, planRestore, type RestoreAction, type RestorePlan } from '../restorer/plan.ts';
import { contentReader } from '../tree/content.ts';
import { openTree } from '../tree/tree.ts';
import { compileGlobs } from '../walker/globs.ts';
import type { Environment } from './environment.ts';
import { importInto, isArchivePath, openScratchRepository } from './import-archive.ts';
import type { SecretPlaces } from './keep-secrets.ts';
import { type MovedPaths, movePaths, movesOf, notesFor } from './move-home.ts';
import { findHome, findRepository, openRepository, type PlaceOptions, resolvePath } from './places.ts';
import { findSnapshot } from './read-backups.ts';
import { componentsIn, deletable, refuseBlindDelete } from './restore-deletable.ts';
import { refuseForeignPlaces, targetOf } from './restore-targets.ts';
import { markSettings, markWhatIsRead } from './restored-settings.ts';
import { snapshotPresent } from './save-present.ts';
import { redactedTag } from './tags.ts';

export interface RestoreOptions extends PlaceOptions {
  readonly only?: readonly string[];
  /** Globs relative to each source. */
  readonly path?: readonly string[];
  readonly target?: string;
  readonly conflict?: ConflictPolicy;
  readonly delete?: boolean;
  readonly dryRun?: boolean;
  /** Also while a gateway runs, into a folder that is not empty, and over files that cannot be saved first. */
  readonly force?: boolean;
  /** Leaves the paths of another home as they are. */
  readonly keepPaths?: boolean;
  /** False takes no snapshot of the present first. */
  readonly snapshot?: boolean;
}

export interface RestoredSource {
  readonly source: SnapshotSource;
  readonly target: string;
  readonly plan: RestorePlan;
}

export interface RestoredBackup {
  readonly snapshot: Snapshot;
  readonly dryRun: boolean;
  readonly sources: readonly RestoredSource[];
  /** The snapshot of what was there before, to which `--undo` goes back. */
  readonly before: Snapshot | undefined;
  readonly filesWritten: number;
  readonly bytesWritten: number;
  readonly removed: number;
  readonly failures: readonly RestoreFailure[];
  /** For a home that came from another place: what of its paths was changed, or would be. */
  readonly paths: MovedPaths;
  /** What the channels need that came from another machine. */
  readonly notes: readonly string[];
  /** Of a redacted archive: secrets that were here and stay, and those that are nowhere. */
  readonly secrets?: SecretPlaces;
}

export async function restoreBackup(
  environment: Environment,
  options: RestoreOptions,
  reference: string,
): Promise<RestoredBackup> {
  const home = findHome(environment, options);
  if (isArchivePath(environment, reference))
    return await restoreArchive(environment, options, home, reference);
  refuseFullTarget(environment, options);
  const root = findRepository(environment, options, home);
  await using repository = await openRepository(
    environment,
    root,
    takesSnapshot(environment, options) ? 'append' : 'read',
  );
  const snapshot = findSnapshot(environment, repository, reference);
  refuseOtherHome(environment, options, home, snapshot, repository.listSnapshots());
  return await restoreFrom(environment, options, home, repository, snapshot);
}

/** Of what is there now; a repository on read-only media can be restored from where nothing is. */
function takesSnapshot(environment: Environment, options: RestoreOptions): boolean {
  if (options.dryRun || options.snapshot === false) return false;
  if (options.target === undefined) return true;
  const target = resolvePath(environment, options.target);
  return existsSync(target) && readdirSync(target).length > 0;
}

/** Two homes may share a repository: "latest" of one must not be put into the other by accident. */
function refuseOtherHome(
  environment: Environment,
  options: RestoreOptions,
  home: OpenClawHome,
  snapshot: Snapshot,
  snapshots: readonly Snapshot[],
): void {
  if (options.target !== undefined || options.force) return;
  const stateOf = (one: Snapshot): string | undefined =>
    one.host.name === environment.host ? one.sources.find(({ kind }) => kind === 'state')?.path : undefined;
  const state = stateOf(snapshot);
  const own = pathInside(home.stateDir, state ?? home.stateDir) === '';
  if (own || !snapshots.some((one) => pathInside(home.stateDir, stateOf(one) ?? '/') === '')) return;
  throw new ExuviaError(
    `Snapshot ${snapshot.id.slice(0, 8)} is of ${state}, and this home is ${home.stateDir}`,
    {
      code: 'ERR_OTHER_HOME',
      hint: 'Name a snapshot of this home, restore into a folder with --target, or give --force.',
    },
  );
}

/** An archive goes into the repository first, and is restored from there: nothing is ever unpacked beside the one writer. */
async function restoreArchive(
  environment: Environment,
  options: RestoreOptions,
  home: OpenClawHome,
  path: string,
): Promise<RestoredBackup> {
  refuseFullTarget(environment, options);
  if (options.dryRun) {
    await using scratch = openScratchRepository(environment);
    const { snapshot } = await importInto(environment, scratch.repository, path, { home });
    return await restoreFrom(environment, options, home, scratch.repository, snapshot);
  }
  const isNamed = options.repository !== undefined || environment.env['EXUVIA_REPOSITORY'] !== undefined;
  // On a machine without a home yet, the repository goes where the home's will be looked for.
  const root =
    isNamed || home.stateDirExists
      ? findRepository(environment, options, home)
      : join(home.stateDir, 'backups');
  await using repository = await openRepository(environment, root, 'append', { create: true });
  const { snapshot } = await importInto(environment, repository, path, { home });
  return await restoreFrom(environment, options, home, repository, snapshot);
}

/** Back to what was there before the last restore. */
export async function undoRestore(
  environment: Environment,
  options: RestoreOptions,
): Promise<RestoredBackup> {
  const home = findHome(environment, options);
  const root = findRepository(environment, options, home);
  await using repository = await openRepository(environment, root, options.dryRun ? 'read' : 'append');
  const before = repository.listSnapshots().findLast((snapshot) => isUndoOf(environment, home, snapshot));
  if (before === undefined) {
    throw new ExuviaError('There is no restore to undo', {
      code: 'ERR_NOTHING_TO_UNDO',
      hint: 'A restore in place takes a snapshot first; exuvia backup list shows what else can be restored.',
    });
  }
  return await restoreFrom(environment, { ...options, delete: true }, home, repository, before);
}

/** Taken before a restore, of this home or of folders on this machine. */
function isUndoOf(environment: Environment, home: OpenClawHome, snapshot: Snapshot): boolean {
  if (snapshot.reason !== 'before-restore' || snapshot.host.name !== environment.host) return false;
  const state = snapshot.sources.find(({ kind }) => kind === 'state');
  return state === undefined || pathInside(home.stateDir, state.path) === '';
}

async function restoreFrom(
  environment: Environment,
  options: RestoreOptions,
  home: OpenClawHome,
  repository: Repository,
  snapshot: Snapshot,
): Promise<RestoredBackup> {
  const isInPlace = options.target === undefined;
  if (options.delete) refuseBlindDelete(snapshot);
  if (isInPlace && !options.dryRun) await refuseRunningGateway(environment, options, home, snapshot);
  environment.progress.step('Planning');
  repository.useContentsOnce();
  // Nothing is there yet and all of it is wanted: threads start while the plan is made.
  const isPart = [...(options.only ?? []), ...(options.path ?? [])].length > 0;
  if (!isPart && !options.dryRun && !takesSnapshot(environment, options))
    repository.orders.expect(snapshot.stats.totalBytes);
  const planned = planSourcesOf(environment, options, home, repository, snapshot);
  if (isInPlace && !options.force) refuseForeignPlaces(snapshot, home, planned);
  const moves = isInPlace && !options.keepPaths ? movesOf(snapshot, home) : [];
  const nothing = {
    ...{ before: undefined, filesWritten: 0, bytesWritten: 0, removed: 0, failures: [], notes: [] },
    paths: { moves, changes: [], failures: [] },
  };
  if (options.dryRun) {
    for (const source of planned) warnOfNames(environment, source);
    return { snapshot, dryRun: true, sources: planned, ...nothing };
  }
  const before = takesSnapshot(environment, options)
    ? await snapshotPresent(environment, options, repository, planned)
    : undefined;
  // That took its time: the gateway may have come, and files may have changed.
  if (before !== undefined && isInPlace) await refuseRunningGateway(environment, options, home, snapshot);
  const again =
    before === undefined ? planned : planSourcesOf(environment, options, home, repository, snapshot);
  const { sources, secrets } = snapshot.tags.includes(redactedTag)
    ? (await import('./keep-secrets.ts')).withPresentSecrets(repository, again)
    : { sources: again };
  // Before they are written: a crash in between must not leave commands that run by themselves.
  if (snapshot.reason !== 'before-restore') markSettings(environment, repository, home, sources);
  const result = await executeAll(environment, repository, sources);
  if (snapshot.reason !== 'before-restore') markWhatIsRead(environment, options, sources);
  const paths = movePaths(environment, sources, moves);
  const isForeign = isInPlace && (snapshot.reason === 'import' || snapshot.host.name !== environment.host);
  const notes = isForeign || moves.length > 0 ? notesFor(environment, home.stateDir) : [];
  return {
    snapshot,
    dryRun: false,
    sources,
    before,
    ...result,
    paths,
    notes,
    ...(secrets === undefined ? {} : { secrets }),
  };
}

/** Of what would be there afterwards. */
function warnOfNames(environment: Environment, { target, plan }: RestoredSource): void {
  const paths = plan.actions.flatMap(({ kind, key }) => (kind === 'remove' ? [] : [pathOfKey(key)]));
  const collision = collisionText(paths);
  if (collision !== undefined) environment.progress.warn(`In ${target}: ${collision}`);
}

async function refuseRunningGateway(
  environment: Environment,
  options: RestoreOptions,
  home: OpenClawHome,
  snapshot: Snapshot,
): Promise<void> {
  if (options.force || snapshot.sources.every((source) => source.kind === 'folder')) return;
  const gateway = await detectGateway(home, environment.env);
  if (!gateway.running) return;
  throw new ExuviaError(`Cannot restore while an OpenClaw gateway is running: ${gateway.evidence}`, {
    code: 'ERR_GATEWAY_RUNNING',
    hint: 'Stop it with openclaw gateway stop, or restore into a folder with --target; --force overrides.',
  });
}

function refuseFullTarget(environment: Environment, options: RestoreOptions): void {
  if (options.target === undefined) return;
  if (options.target === '') throw new UsageError('--target has an empty name', 'Name a folder.');
  const target = resolvePath(environment, options.target);
  if (!existsSync(target)) return;
  if (!statSync(target).isDirectory()) throw new UsageError(`The target ${target} is a file, not a folder`);
  const isAllowed = options.force || options.conflict !== undefined || options.delete;
  if (isAllowed || readdirSync(target).length === 0) return;
  throw new ExuviaError(`The target ${target} is not empty`, {
    code: 'ERR_TARGET_NOT_EMPTY',
    hint: 'Choose an empty folder, or say with --conflict what to do with files that differ.',
  });
}

function planSourcesOf(
  environment: Environment,
  options: RestoreOptions,
  home: OpenClawHome,
  repository: Repository,
  snapshot: Snapshot,
): RestoredSource[] {
  const { wanted, mayHold } = wantedPaths(options);
  const repositoryRoot = repository.root;
  const planned = snapshot.sources.map((source) => {
    const target = targetOf(environment, options, home, snapshot, source);
    const inside = pathInside(target, repositoryRoot);
    const mayDelete = deletable(snapshot, source, inside);
    const plan = planRestore({
      tree: openTree(repository, source.root),
      idOfHash: (hash) => repository.idOfHash(hash),
      target: byteStringOf(target),
      wanted: (key, type) => wanted(source, key, type),
      mayHold,
      conflict: options.conflict ?? 'overwrite',
      deleteExtra: options.delete ?? false,
      nowMs: environment.clock.nowMs(),
      mayDelete: (key, type) => mayDelete(key, type) && wanted(source, key, type),
    });
    return { source, target, plan };
  });
  if (planned.every(({ plan }) => plan.actions.length === 0)) {
    throw new UsageError(
      `Nothing in snapshot ${snapshot.id.slice(0, 8)} matches what was asked for`,
      'Run exuvia backup ls to see what is in it.',
    );
  }
  return planned;
}

interface Wanted {
  readonly wanted: (source: SnapshotSource, key: PathKey, type: EntryType) => boolean;
  readonly mayHold: (folder: PathKey) => boolean;
}

function wantedPaths({ only = [], path = [] }: RestoreOptions): Wanted {
  const names = new Set(only.map(parseComponent));
  if (names.size === 0 && path.length === 0) return { wanted: () => true, mayHold: () => true };
  const globs = compileGlobs(path);
  const wanted: Wanted['wanted'] = (source, key, type) => {
    const text = displayKey(key);
    if (path.length > 0 && !globs.matches(text, type === 'directory')) return false;
    if (names.size === 0) return true;
    return componentsIn(source, text).some((name) => names.has(name as never));
  };
  return { wanted, mayHold: (folder) => path.length === 0 || globs.mayContain(displayKey(folder)) };
}

async function executeAll(
  environment: Environment,
  repository: Repository,
  sources: readonly RestoredSource[],
): Promise<Pick<RestoredBackup, 'filesWritten' | 'bytesWritten' | 'removed' | 'failures'>> {
  const sum = { filesWritten: 0, bytesWritten: 0, removed: 0 };
  const failures: RestoreFailure[] = [];
  for (const { plan, target } of sources) {
    const { newFiles, replacedFiles, writeBytes } = plan.totals;
    environment.progress.step(`Restoring into ${target}`, {
      files: newFiles + replacedFiles,
      bytes: writeBytes,
    });
    const result = await executeRestore(plan, contentReader(repository), {
      progress: environment.progress,
      signal: environment.signal,
      unique: Buffer.from(environment.random(6)).toString('hex'),
      setOwner: process.getuid?.() === 0,
    });
    sum.filesWritten += result.filesWritten;
    sum.bytesWritten += result.bytesWritten;
    sum.removed += result.removed;
    failures.push(...result.failures);
  }
  return { ...sum, failures };
}

export type { ConflictPolicy, RestoreAction };
