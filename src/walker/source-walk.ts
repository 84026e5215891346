/**
 * Walks a source in key order, synchronously (measured: four times as fast as promises on metadata). Names are bytes. A
 * folder that is only on the way to something wanted is given when something below it is.
 */
import { type BigIntStats, constants, lstatSync, readdirSync } from 'node:fs';
import { errnoOf, FileSystemError } from '../model/errors.ts';
import { type ByteString, childKey, fsPath, type PathKey, rootKey } from '../model/paths.ts';
import type { Decision, EntryType, PathFilter, SkipReason } from '../model/selection.ts';
import { databaseOfSidecar, isDatabaseName, sidecarsOf } from '../model/sqlite-names.ts';

export interface WalkedEntry {
  readonly key: PathKey;
  /** Absolute path, bytes. */
  readonly path: ByteString;
  readonly type: Exclude<EntryType, 'special'>;
  readonly stat: BigIntStats;
  /** Whether the name says it may be a database. */
  readonly isDatabaseName: boolean;
  /** For what may be a live database: the `-wal`, `-shm` and `-journal` that lie beside it. */
  readonly sidecars: readonly Sidecar[];
  /** For a sidecar: the key of the database it belongs to. */
  readonly sidecarOf: PathKey | undefined;
}

export interface Sidecar {
  readonly suffix: string;
  readonly stat: BigIntStats;
}

/** What the walk could not give. */
export interface WalkReport {
  skipped(key: PathKey, reason: SkipReason, detail?: string): void;
  unreadable(key: PathKey, error: unknown): void;
}

interface OpenFolder {
  readonly key: PathKey;
  readonly path: ByteString;
  readonly names: readonly string[];
  /** Names in the folder, where some of them look like those of sidecars; most folders have none. */
  readonly namesWithSidecars: ReadonlySet<string> | undefined;
  index: number;
}

/** @throws FileSystemError when the source itself is not there. */
export function* walkSource(
  source: ByteString,
  filter: PathFilter,
  report: WalkReport,
): Generator<WalkedEntry> {
  const stat = statOrThrow(source);
  const root = entryOf(rootKey, source, stat);
  if (root === undefined) {
    report.skipped(rootKey, 'special');
    return;
  }
  const decision = filter.decide(rootKey, root.type);
  if (typeof decision === 'object') return;
  if (root.type !== 'directory') {
    yield root;
    return;
  }
  yield* walkFolders(root, decision, filter, report);
}

function* walkFolders(
  root: WalkedEntry,
  decision: Decision,
  filter: PathFilter,
  report: WalkReport,
): Generator<WalkedEntry> {
  const folders: OpenFolder[] = [];
  // Folders on the way whose entry is held back until something below them is wanted.
  const held: WalkedEntry[] = [];
  if (decision === 'take') yield root;
  else held.push(root);
  openFolder(root, folders, report);
  for (let folder = folders.at(-1); folder !== undefined; folder = folders.at(-1)) {
    const name = folder.names[folder.index++];
    if (name === undefined) {
      folders.pop();
      if (held.at(-1)?.key === folder.key) held.pop();
      continue;
    }
    const next = lookAt(folder, name as ByteString, filter, report);
    if (next === undefined) continue;
    if (next.decision === 'take') {
      yield* held.splice(0);
      yield next.entry;
    } else {
      held.push(next.entry);
    }
    if (next.entry.type === 'directory') openFolder(next.entry, folders, report);
  }
}

function lookAt(
  folder: OpenFolder,
  name: ByteString,
  filter: PathFilter,
  report: WalkReport,
): { entry: WalkedEntry; decision: Decision } | undefined {
  const key = childKey(folder.key, name);
  const path = joinPath(folder.path, name);
  const stat = lstatOrReport(key, path, report);
  if (stat === undefined) return undefined;
  const type = typeOf(stat);
  const decision = filter.decide(key, type);
  if (typeof decision === 'object') {
    if (!decision.quiet) report.skipped(key, decision.skip, decision.detail);
    return undefined;
  }
  if (type === 'special') {
    report.skipped(key, 'special', specialText(stat));
    return undefined;
  }
  if (decision === 'descend' && type !== 'directory') return undefined;
  const names = type === 'file' ? folder.namesWithSidecars : undefined;
  const sidecars = names === undefined ? noSidecars : sidecarsBeside(folder, name, names);
  const sidecarOf = names === undefined ? undefined : databaseBeside(folder, name, names);
  const entry = { key, path, type, stat, isDatabaseName: isDatabaseName(name), sidecars, sidecarOf };
  return { entry, decision };
}

const noSidecars: readonly Sidecar[] = [];

/** A file with a database's name, or with a sidecar beside it, is not opened by plain calls: see docs/decisions. */
function sidecarsBeside(folder: OpenFolder, name: ByteString, names: ReadonlySet<string>): Sidecar[] {
  if (!isDatabaseName(name) && !names.has(`${name}-wal`) && !names.has(`${name}-journal`)) return [];
  const found: Sidecar[] = [];
  for (const sidecar of sidecarsOf(name)) {
    if (!names.has(sidecar)) continue;
    const stat = lstatSync(fsPath(joinPath(folder.path, sidecar as ByteString)), {
      bigint: true,
      throwIfNoEntry: false,
    });
    if (stat?.isFile()) found.push({ suffix: sidecar.slice(name.length), stat });
  }
  return found;
}

function databaseBeside(
  folder: OpenFolder,
  name: ByteString,
  names: ReadonlySet<string>,
): PathKey | undefined {
  const database = databaseOfSidecar(name);
  return database !== undefined && names.has(database)
    ? childKey(folder.key, database as ByteString)
    : undefined;
}

function openFolder(entry: WalkedEntry, folders: OpenFolder[], report: WalkReport): void {
  let names: string[];
  try {
    names = readdirSync(fsPath(entry.path), { encoding: 'latin1' }).sort(byBytes);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') report.skipped(entry.key, 'vanished');
    else report.unreadable(entry.key, error);
    names = [];
  }
  const namesWithSidecars = names.some((name) => databaseOfSidecar(name)) ? new Set(names) : undefined;
  folders.push({ key: entry.key, path: entry.path, names, namesWithSidecars, index: 0 });
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function statOrThrow(source: ByteString): BigIntStats {
  try {
    return lstatSync(fsPath(source), { bigint: true });
  } catch (error) {
    throw new FileSystemError('read source', Buffer.from(source, 'latin1').toString('utf8'), error);
  }
}

function lstatOrReport(key: PathKey, path: ByteString, report: WalkReport): BigIntStats | undefined {
  try {
    return lstatSync(fsPath(path), { bigint: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') report.skipped(key, 'vanished');
    else report.unreadable(key, error);
    return undefined;
  }
}

function entryOf(key: PathKey, path: ByteString, stat: BigIntStats): WalkedEntry | undefined {
  const type = typeOf(stat);
  return type === 'special'
    ? undefined
    : { key, path, type, stat, isDatabaseName: isDatabaseName(path), sidecars: [], sidecarOf: undefined };
}

function joinPath(folder: ByteString, name: ByteString): ByteString {
  return (folder.endsWith('/') ? folder + name : `${folder}/${name}`) as ByteString;
}

/** From a number: the methods of `stat` count with large ones. */
function typeOf({ mode }: BigIntStats): EntryType {
  const kind = Number(mode) & constants.S_IFMT;
  if (kind === constants.S_IFREG) return 'file';
  if (kind === constants.S_IFDIR) return 'directory';
  return kind === constants.S_IFLNK ? 'symlink' : 'special';
}

function specialText(stat: BigIntStats): string {
  if (stat.isSocket()) return 'socket';
  return stat.isFIFO() ? 'pipe' : 'device';
}
