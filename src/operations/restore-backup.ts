/** `backup restore`: plan, a snapshot of the present, then the files; and `--undo`. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, relative, sep } from 'node:path';
import { ExuviaError, UsageError } from '../model/errors.ts';
import { byteStringOf, displayKey, type PathKey } from '../model/paths.ts';
import type { EntryType } from '../model/selection.ts';
import type { Snapshot, SnapshotSource } from '../model/snapshot.ts';
import { type ComponentName, componentsOf, isComponent, parseComponent } from '../openclaw/components.ts';
import { findDefaultExclusion } from '../openclaw/defaults.ts';
import { configNames, type OpenClawHome, pathInside } from '../openclaw/discovery.ts';
import { detectGateway } from '../openclaw/gateway.ts';
import { settingsFileName } from '../openclaw/settings.ts';
import type { Repository } from '../repository/repository.ts';
import { executeRestore, type RestoreFailure } from '../restorer/execute.ts';
import { type ConflictPolicy, planRestore, type RestoreAction, type RestorePlan } from '../restorer/plan.ts';
import { contentReader } from '../tree/content.ts';
import { openTree } from '../tree/tree.ts';
import { compileGlobs } from '../walker/globs.ts';
import { createBackupIn } from './create-backup.ts';
import type { Environment } from './environment.ts';
import { importInto, isArchivePath, openScratchRepository } from './import-archive.ts';
import { type MovedPaths, movePaths, movesOf, notesFor } from './move-home.ts';
import { findHome, findRepository, openRepository, type PlaceOptions, resolvePath } from './places.ts';
import { findSnapshot } from './read-backups.ts';
import { markUntrusted } from './trusted-settings.ts';

export interface RestoreOptions extends PlaceOptions {
  readonly only?: readonly string[];
  /** Globs relative to each source. */
  readonly path?: readonly string[];
  readonly target?: string;
  readonly conflict?: ConflictPolicy;
  readonly delete?: boolean;
  readonly dryRun?: boolean;
  /** Also while a gateway runs, and into a folder that is not empty. */
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
}

export async function restoreBackup(
  environment: Environment,
  options: RestoreOptions,
  reference: string,
): Promise<RestoredBackup> {
  const home = findHome(environment, options);
  if (isArchivePath(environment, reference))
    return await restoreArchive(environment, options, home, reference);
  const root = findRepository(environment, options, home);
  await using repository = openRepository(environment, root, options.dryRun ? 'read' : 'append');
  const snapshot = findSnapshot(environment, repository, reference);
  return await restoreFrom(environment, options, home, repository, snapshot);
}

/** An archive goes into the repository first, and is restored from there: nothing is ever unpacked beside the one writer. */
async function restoreArchive(
  environment: Environment,
  options: RestoreOptions,
  home: OpenClawHome,
  path: string,
): Promise<RestoredBackup> {
  if (options.dryRun) {
    await using scratch = openScratchRepository(environment);
    const { snapshot } = await importInto(environment, scratch.repository, path, { home });
    return await restoreFrom(environment, options, home, scratch.repository, snapshot);
  }
  const isNamed = options.repository !== undefined || environment.env['EXUVIA_REPOSITORY'] !== undefined;
  const root = isNamed ? findRepository(environment, options, home) : join(home.stateDir, 'backups');
  await using repository = openRepository(environment, root, 'append', true);
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
  await using repository = openRepository(environment, root, options.dryRun ? 'read' : 'append');
  const before = repository.listSnapshots().findLast((snapshot) => snapshot.reason === 'before-restore');
  if (before === undefined) {
    throw new ExuviaError('There is no restore to undo', {
      code: 'ERR_NOTHING_TO_UNDO',
      hint: 'A restore in place takes a snapshot first; exuvia backup list shows what else can be restored.',
    });
  }
  return await restoreFrom(environment, { ...options, delete: true }, home, repository, before);
}

async function restoreFrom(
  environment: Environment,
  options: RestoreOptions,
  home: OpenClawHome,
  repository: Repository,
  snapshot: Snapshot,
): Promise<RestoredBackup> {
  const isInPlace = options.target === undefined;
  if (isInPlace && !options.dryRun) await refuseRunningGateway(environment, options, home, snapshot);
  if (!isInPlace) refuseFullTarget(environment, options);
  environment.progress.step('Planning');
  const sources = planSourcesOf(environment, options, home, repository, snapshot);
  const moves = isInPlace && !options.keepPaths ? movesOf(snapshot, home) : [];
  const nothing = {
    ...{ before: undefined, filesWritten: 0, bytesWritten: 0, removed: 0, failures: [], notes: [] },
    paths: { moves, changes: [], failures: [] },
  };
  if (options.dryRun) return { snapshot, dryRun: true, sources, ...nothing };
  const takesSnapshot = isInPlace && options.snapshot !== false;
  const before = takesSnapshot ? await snapshotPresent(environment, options, repository, sources) : undefined;
  // Before they are written: a crash in between must not leave commands that run by themselves.
  if (isInPlace && snapshot.reason !== 'before-restore') markSettings(environment, repository, sources);
  const result = await executeAll(environment, repository, sources);
  const paths = movePaths(environment, sources, moves);
  const isForeign = isInPlace && (snapshot.reason === 'import' || snapshot.host.name !== environment.host);
  const notes = isForeign || moves.length > 0 ? notesFor(environment, home.stateDir) : [];
  return { snapshot, dryRun: false, sources, before, ...result, paths, notes };
}

/** Settings that come from elsewhere may name commands to run: those wait for the user's word. */
function markSettings(
  environment: Environment,
  repository: Repository,
  sources: readonly RestoredSource[],
): void {
  const reader = contentReader(repository);
  for (const { source, plan } of sources) {
    for (const action of plan.actions) {
      if (action.kind !== 'write-file' || action.node.size > settingsBytesMax) continue;
      if (!isSettingsFile(source, displayKey(action.key))) continue;
      markUntrusted(environment, {
        content: Buffer.concat([...reader.readContent(action.node)].map((piece) => Buffer.from(piece))),
      });
    }
  }
}

const settingsBytesMax = 8 * 1024 * 1024;

function isSettingsFile(source: SnapshotSource, path: string): boolean {
  return (
    source.kind === 'config' || (source.kind === 'state' && [settingsFileName, ...configNames].includes(path))
  );
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
  const target = resolvePath(environment, options.target ?? '');
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
  const wanted = wantedPaths(options);
  const repositoryRoot = repository.root;
  const planned = snapshot.sources.map((source) => {
    const target = targetOf(environment, options, home, snapshot, source);
    const inside = pathInside(target, repositoryRoot);
    const mayDelete = deletable(snapshot, source, inside);
    const plan = planRestore({
      tree: openTree(repository, source.root),
      target: byteStringOf(target),
      wanted: (key, type) => wanted(source, key, type),
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

type Wanted = (source: SnapshotSource, key: PathKey, type: EntryType) => boolean;

function wantedPaths({ only = [], path = [] }: RestoreOptions): Wanted {
  const names = new Set(only.map(parseComponent));
  const globs = compileGlobs(path);
  return (source, key, type) => {
    const text = displayKey(key);
    if (path.length > 0 && !globs.matches(text, type === 'directory')) return false;
    if (names.size === 0) return true;
    return componentsIn(source, text).some((name) => names.has(name as never));
  };
}

function componentsIn(source: SnapshotSource, path: string): readonly string[] {
  switch (source.kind) {
    case 'state':
      return path === '' ? [] : componentsOf(path);
    case 'config':
    case 'include':
      return ['config'];
    case 'credentials':
      return ['credentials'];
    case 'workspace':
      return componentsOf(path === '' ? 'workspace' : `workspace/${path}`);
    case 'agent':
      return componentsOf(`agents/${source.label ?? 'main'}/agent/${path}`);
    case 'folder':
      return [];
  }
}

/** What the snapshot never looked at is not extra: the repository, and what is left out by default or by choice. */
function deletable(
  snapshot: Snapshot,
  source: SnapshotSource,
  repository: string | undefined,
): (key: PathKey, type: EntryType) => boolean {
  const excluded = new Set(snapshot.exclude.filter(isComponent));
  const excludeGlobs = compileGlobs(snapshot.exclude.filter((name) => !isComponent(name)));
  return (key, type) => {
    if (type === 'special') return false; // sockets, pipes and devices are in no snapshot
    const path = displayKey(key);
    if (repository !== undefined && (path === repository || repository.startsWith(`${path}/`))) return false;
    if (source.kind === 'state' && isLeftOutByDefault(path)) return false;
    if (excludeGlobs.matches(path, type === 'directory')) return false;
    const names = componentsIn(source, path);
    if (names.some((name) => excluded.has(name as ComponentName))) return false;
    return snapshot.components === null || names.some((name) => snapshot.components?.includes(name));
  };
}

/** Also what is inside a folder that is left out: the folder may be there for something configured in it. */
function isLeftOutByDefault(path: string): boolean {
  const parts = path.split('/');
  return parts.some((_, index) => findDefaultExclusion(parts.slice(0, index + 1).join('/')) !== undefined);
}

/** Where a source goes: its own place (moved to this home when the homes differ), or below `--target`. */
function targetOf(
  environment: Environment,
  options: RestoreOptions,
  home: OpenClawHome,
  snapshot: Snapshot,
  source: SnapshotSource,
): string {
  if (options.target !== undefined) {
    const target = resolvePath(environment, options.target);
    return snapshot.sources.length === 1 ? target : join(target, nameIn(snapshot, source));
  }
  if (source.kind === 'state') return home.stateDir;
  const state = snapshot.sources.find((one) => one.kind === 'state');
  return (
    movePath(source.path, state?.path, home.stateDir) ??
    movePath(source.path, snapshot.host.home, home.home) ??
    source.path
  );
}

/** `path` with the beginning `from` replaced by `to`, or undefined when it does not begin so. */
function movePath(path: string, from: string | undefined, to: string): string | undefined {
  if (from === undefined || from === '') return undefined;
  const rest = relative(from, path);
  return rest === '..' || rest.startsWith(`..${sep}`) || isAbsolute(rest) ? undefined : join(to, rest);
}

/** Base names, told apart by a number where two are the same. */
function nameIn(snapshot: Snapshot, source: SnapshotSource): string {
  const name = basename(source.path) || 'root';
  const same = snapshot.sources.filter((one) => basename(one.path) === basename(source.path));
  const index = same.indexOf(source);
  return index === 0 ? name : `${name}-${index + 1}`;
}

/** Of the folders that will be written to, where they exist. */
async function snapshotPresent(
  environment: Environment,
  options: RestoreOptions,
  repository: Repository,
  sources: readonly RestoredSource[],
): Promise<Snapshot | undefined> {
  const present = sources.filter(({ target }) => existsSync(target));
  if (present.length === 0) return undefined;
  const isHome = present.some(({ source }) => source.kind === 'state');
  const { stateDir, profile } = options;
  const created = await createBackupIn(environment, repository, {
    ...(stateDir === undefined ? {} : { stateDir }),
    ...(profile === undefined ? {} : { profile }),
    ...(isHome ? {} : { sources: present.map(({ target }) => target) }),
    reason: 'before-restore',
    message: 'before a restore',
  });
  if (created.unreadable.length > 0) {
    environment.progress.warn(
      `${created.unreadable.length} present files could not be read and cannot be brought back by --undo`,
    );
  }
  return created.snapshot;
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
