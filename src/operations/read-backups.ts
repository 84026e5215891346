/** `backup list, show, ls, cat, stats`: looking into a repository. */
import { type DamageError, ExuviaError, UsageError } from '../model/errors.ts';
import {
  type ByteString,
  byteStringOf,
  childKey,
  displayKey,
  isWithin,
  keyComponents,
  keyOfPath,
  type PathKey,
  rootKey,
  textOf,
} from '../model/paths.ts';
import type { Snapshot, SnapshotHead, SnapshotSource } from '../model/snapshot.ts';
import { isoTimeOf, type TreeEntry } from '../model/tree.ts';
import type { PackTotals } from '../repository/pack-index.ts';
import type { Repository } from '../repository/repository.ts';
import { contentReader } from '../tree/content.ts';
import { openTree } from '../tree/tree.ts';
import type { Environment } from './environment.ts';
import { findHome, findRepository, openRepository, type PlaceOptions, resolvePath } from './places.ts';
import { resolveSnapshot } from './snapshot-reference.ts';

export interface BackupList<T = Snapshot> {
  readonly repository: string;
  readonly snapshots: readonly T[];
  /** Snapshot files and packs that could not be read. */
  readonly damaged: readonly { readonly place: string; readonly message: string }[];
}

/** Opens the repository for reading, closes it afterwards. */
export async function withRepositoryToRead<T>(
  environment: Environment,
  options: PlaceOptions,
  work: (repository: Repository) => Promise<T> | T,
): Promise<T> {
  const root = findRepository(environment, options, findHome(environment, options));
  await using repository = await openRepository(environment, root, 'read');
  return await work(repository);
}

/** Every snapshot, and what could not be read. @throws NoRepositoryError */
export async function listBackups(environment: Environment, options: PlaceOptions): Promise<BackupList> {
  return await withRepositoryToRead(environment, options, (repository) =>
    backupList(repository, repository.listSnapshots(), repository.damage),
  );
}

/** The same in less time, without what only who looks at one wants to know. */
export async function listBackupHeads(
  environment: Environment,
  options: PlaceOptions,
): Promise<BackupList<SnapshotHead>> {
  return await withRepositoryToRead(environment, options, (repository) =>
    backupList(repository, repository.listHeads(), repository.damageOfHeads),
  );
}

function backupList<T>(
  { root }: Repository,
  snapshots: readonly T[],
  damage: readonly DamageError[],
): BackupList<T> {
  const damaged = damage.map(({ place, message }) => ({ place, message }));
  return { repository: root, snapshots, damaged };
}

/** What turns out to have gone, or not to be readable, is not meant. */
export function findSnapshot(environment: Environment, repository: Repository, reference: string): Snapshot {
  for (;;) {
    const { id } = resolveSnapshot(repository.listHeads(), reference, environment.clock.nowMs());
    const snapshot = repository.getSnapshot(id);
    if (snapshot !== undefined) return snapshot;
  }
}

export async function showBackup(
  environment: Environment,
  options: PlaceOptions,
  reference: string,
): Promise<Snapshot> {
  return await withRepositoryToRead(environment, options, (repository) =>
    findSnapshot(environment, repository, reference),
  );
}

/** A source of a snapshot and a place in it. */
export interface SnapshotPlace {
  readonly source: SnapshotSource;
  readonly key: PathKey;
}

/**
 * What a path means in a snapshot: relative ones lie in the first source; absolute ones (and `~/…`) in the source they are
 * below.
 */
export function locatePath(environment: Environment, snapshot: Snapshot, path: string): SnapshotPlace {
  const first = snapshot.sources[0];
  if (first === undefined) throw new UsageError(`Snapshot ${snapshot.id.slice(0, 8)} has no sources`);
  if (!path.startsWith('/') && !path.startsWith('~') && !/^[A-Za-z]:[\\/]/.test(path)) {
    return { source: first, key: checkedKey(path) };
  }
  const absolute = resolvePath(environment, path);
  const source = snapshot.sources
    .filter(
      (candidate) =>
        absolute === candidate.path || absolute.startsWith(`${candidate.path.replace(/\/$/, '')}/`),
    )
    .sort((a, b) => b.path.length - a.path.length)[0];
  if (source === undefined) {
    const paths = snapshot.sources.map((candidate) => candidate.path).join(', ');
    throw new UsageError(`${path} is not in snapshot ${snapshot.id.slice(0, 8)}, which holds ${paths}`);
  }
  return { source, key: checkedKey(absolute.slice(source.path.length)) };
}

function checkedKey(path: string): PathKey {
  const key = keyOfPath(byteStringOf(path.replaceAll('\\', '/')) as ByteString);
  if (keyComponents(key).includes('..' as ByteString)) throw new UsageError(`${path} leaves the snapshot`);
  return key;
}

export interface ListedEntry {
  readonly path: string;
  readonly type: TreeEntry['node']['type'];
  readonly mode: number;
  readonly size: number;
  readonly mtime: string;
  readonly linkTarget?: string;
  readonly state?: string;
}

/** Entries at and below `path`; without `recursive` only those right in the folder. */
export async function listFiles(
  environment: Environment,
  options: PlaceOptions & { readonly recursive?: boolean },
  reference: string,
  path: string,
): Promise<{ snapshot: Snapshot; source: SnapshotSource; entries: ListedEntry[] }> {
  return await withRepositoryToRead(environment, options, (repository) => {
    const snapshot = findSnapshot(environment, repository, reference);
    const { source, key } = locatePath(environment, snapshot, path);
    const tree = openTree(repository, source.root);
    const at = tree.getEntry(key);
    if (at === undefined) throw notInSnapshot(path, snapshot);
    const entries: ListedEntry[] = [];
    if (at.node.type !== 'directory') entries.push(listedEntry(at));
    else if (options.recursive) {
      for (const entry of tree.entries(key)) {
        if (!isWithin(entry.key, key)) break;
        if (entry.key !== key) entries.push(listedEntry(entry));
      }
    } else for (const entry of childrenOf(tree, key)) entries.push(listedEntry(entry));
    return { snapshot, source, entries };
  });
}

/** Steps from one child to the next over everything inside it. */
function* childrenOf(tree: ReturnType<typeof openTree>, folder: PathKey): Generator<TreeEntry> {
  const depth = keyComponents(folder).length + 1;
  let from = (folder === rootKey ? '\u0001' : `${folder}\0`) as PathKey;
  for (;;) {
    const next = tree.entries(from)[Symbol.iterator]().next();
    if (next.done || !isWithin(next.value.key, folder)) return;
    const name = keyComponents(next.value.key)[depth - 1];
    if (name === undefined) return;
    if (keyComponents(next.value.key).length === depth) yield next.value;
    from = `${childKey(folder, name)}\u0001` as PathKey;
  }
}

function listedEntry(entry: TreeEntry): ListedEntry {
  const { node } = entry;
  return {
    path: displayKey(entry.key),
    type: node.type,
    mode: node.mode,
    size: node.type === 'file' ? node.size : 0,
    mtime: isoTimeOf(node.mtimeNs),
    ...(node.type === 'symlink' ? { linkTarget: textOf(node.linkTarget) } : {}),
    ...(node.type === 'file' && node.state !== 'stable' ? { state: node.state } : {}),
  };
}

function notInSnapshot(path: string, snapshot: Snapshot): ExuviaError {
  return new ExuviaError(`${path} is not in snapshot ${snapshot.id.slice(0, 8)}`, {
    code: 'ERR_NO_SUCH_PATH',
    hint: `Run exuvia backup ls ${snapshot.id.slice(0, 8)} to see what is.`,
  });
}

/** Writes the bytes of one stored file, in pieces that are valid only during the call. */
export async function catFile(
  environment: Environment,
  options: PlaceOptions,
  reference: string,
  path: string,
  write: (bytes: Uint8Array) => Promise<void> | void,
): Promise<void> {
  await withRepositoryToRead(environment, options, async (repository) => {
    const snapshot = findSnapshot(environment, repository, reference);
    const { source, key } = locatePath(environment, snapshot, path);
    const entry = openTree(repository, source.root).getEntry(key);
    if (entry === undefined) throw notInSnapshot(path, snapshot);
    if (entry.node.type !== 'file') {
      throw new UsageError(
        `${path} is a ${entry.node.type}, not a file`,
        'Run exuvia backup ls to see what is in it.',
      );
    }
    for (const piece of contentReader(repository).readContent(entry.node)) await write(piece);
  });
}

export interface RepositoryStats extends PackTotals {
  readonly repository: string;
  readonly snapshots: number;
  readonly oldest: string | null;
  readonly newest: string | null;
  /** Sum of the sizes of all files in all snapshots. */
  readonly restorableBytes: number;
  readonly damaged: number;
}

export async function backupStats(environment: Environment, options: PlaceOptions): Promise<RepositoryStats> {
  return await withRepositoryToRead(environment, options, (repository) => {
    const snapshots = repository.listSnapshots();
    return {
      repository: repository.root,
      snapshots: snapshots.length,
      oldest: snapshots[0]?.time ?? null,
      newest: snapshots.at(-1)?.time ?? null,
      restorableBytes: snapshots.reduce((sum, snapshot) => sum + snapshot.stats.totalBytes, 0),
      ...repository.totals(),
      damaged: repository.damage.length,
    };
  });
}

export interface RebuiltIndex {
  readonly repository: string;
  readonly packs: number;
  readonly blobs: number;
  readonly damaged: readonly { readonly place: string; readonly message: string }[];
}

/** Throws the index away and makes it anew from packs and snapshots. */
export async function rebuildIndex(environment: Environment, options: PlaceOptions): Promise<RebuiltIndex> {
  return await withRepositoryToRead(environment, options, (repository) => {
    repository.mustKeepIndex();
    const { packs, blobs, damaged } = repository.rebuildIndex();
    const all = [...damaged, ...repository.damage.filter((error) => error.place.startsWith('snapshot'))];
    return {
      repository: repository.root,
      packs,
      blobs,
      damaged: all.map((error) => ({ place: error.place, message: error.message })),
    };
  });
}
