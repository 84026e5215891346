/** Which entries of which trees become members of an archive, under which names, in order. */
import {
  type ByteString,
  baseName,
  childKey,
  keyComponents,
  keyOfPath,
  type PathKey,
  parentKey,
  pathOfKey,
  rootKey,
  textOf,
} from '../model/paths.ts';
import type { Snapshot, SnapshotSource } from '../model/snapshot.ts';
import { databaseOfSidecar, isDatabaseName } from '../model/sqlite-names.ts';
import type { TreeReader } from '../model/store.ts';
import type { TreeEntry, TreeNode } from '../model/tree.ts';
import { type ArchiveLayout, homeExuviaFile, joinPath, overlap } from './layouts.ts';
import { linkNameOf, PathNamer, type TarName } from './write-names.ts';

/** A source, its tree, and its place in the archive; an empty one has no entries there. */
export interface PlacedSource {
  readonly source: SnapshotSource;
  readonly tree: TreeReader;
  readonly place: ByteString;
  readonly empty: boolean;
}

export interface ArchivePlan {
  readonly snapshot: Snapshot;
  readonly layout: ArchiveLayout;
  readonly sources: readonly PlacedSource[];
}

export interface PlannedMember {
  readonly placed: PlacedSource;
  readonly key: PathKey;
  readonly node: TreeNode;
  readonly name: TarName;
  /** Symbolic links: the target. */
  readonly link?: TarName;
}

export interface LeftOut {
  /** Absolute path on the machine the snapshot was made on, for people. */
  readonly path: string;
  readonly reason: string;
}

/** The members in order; `leaveOut` is told of every entry that does not become one. */
export function* planMembers(
  { sources, layout }: ArchivePlan,
  leaveOut: (left: LeftOut) => void,
): Generator<PlannedMember> {
  for (const [index, placed] of sources.entries()) {
    const rivals = sources.slice(0, index).filter((other) => overlap(other.place, placed.place));
    const portable = layout === 'openclaw';
    const namer = new PathNamer(placed.place, portable);
    for (const entry of placed.tree.entries()) {
      const reason = reasonToLeaveOut(placed, entry, layout) ?? coveredReason(placed, entry.key, rivals);
      if (reason !== undefined) {
        leaveOut({ path: sourcePath(placed.source, entry.key), reason });
        continue;
      }
      const { key, node } = entry;
      const link = node.type === 'symlink' ? { link: linkNameOf(node.linkTarget, portable) } : {};
      yield { placed, key, node, name: namer.nameOf(key), ...link };
    }
  }
}

/** The path in the archive, truly. */
export function archivePathOf({ place }: PlacedSource, key: PathKey): ByteString {
  return joinPath(place, pathOfKey(key));
}

function sourcePath({ path }: SnapshotSource, key: PathKey): string {
  const separator = /^[A-Za-z]:\\|^\\\\/.test(path) ? '\\' : '/';
  return [path, ...keyComponents(key).map(textOf)].join(separator);
}

function reasonToLeaveOut(placed: PlacedSource, entry: TreeEntry, layout: ArchiveLayout): string | undefined {
  if (layout === 'openclaw') {
    return isSidecar(placed.tree, entry)
      ? 'OpenClaw refuses archives with -wal, -shm or -journal files'
      : undefined;
  }
  const isOurs = archivePathOf(placed, entry.key) === homeExuviaFile;
  return isOurs ? 'the archive has a file of its own under this name' : undefined;
}

function isSidecar(tree: TreeReader, { key, node }: TreeEntry): boolean {
  const database = databaseOfSidecar(baseName(key));
  if (node.type !== 'file' || database === undefined) return false;
  if (isDatabaseName(database)) return true;
  const beside = tree.getEntry(childKey(parentKey(key) ?? rootKey, database as ByteString))?.node;
  return beside?.type === 'file' && (beside.state === 'captured' || beside.state === 'raw');
}

/** Sources may lie inside one another: what both hold is in the archive once, from the first of them. */
function coveredReason(
  placed: PlacedSource,
  key: PathKey,
  earlier: readonly PlacedSource[],
): string | undefined {
  if (earlier.length === 0) return undefined;
  const path = archivePathOf(placed, key);
  for (const { place, tree, source } of earlier) {
    const isBelow = place === '' || path === place || path.startsWith(`${place}/`);
    const below = keyOfPath(path.slice(place.length) as ByteString);
    if (isBelow && tree.getEntry(below) !== undefined)
      return `it is in the archive as part of ${source.path}`;
  }
  return undefined;
}
