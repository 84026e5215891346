/**
 * What was when: snapshots of a source are gone through in order, each compared with the one before. The cost is that of what
 * changed, and not of how many snapshots there are.
 */
import { decodeNode } from '../codec/node-codec.ts';
import { contentOf } from '../diff/tree-diff.ts';
import { UsageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { displayKey, type PathKey } from '../model/paths.ts';
import type { Snapshot, SnapshotSource } from '../model/snapshot.ts';
import type { BlobReader } from '../model/store.ts';
import { isoTimeOf, type TreeNode } from '../model/tree.ts';
import type { Repository } from '../repository/repository.ts';
import { diffMaps } from '../tree/map-diff.ts';
import type { Environment } from './environment.ts';
import { locatePath } from './read-backups.ts';

/** A path that is one way from one snapshot on, until another event. */
export interface HistoryEvent {
  readonly snapshot: Snapshot;
  readonly source: SnapshotSource;
  readonly key: PathKey;
  /** Undefined when it went. */
  readonly node: TreeNode | undefined;
}

export interface SnapshotName {
  readonly id: string;
  readonly time: string;
}

export interface PathVersion {
  readonly change: 'appeared' | 'changed' | 'attributes' | 'gone';
  /** The first snapshot that has it so, and the last one; of what went, the first that has it no more. */
  readonly first: SnapshotName;
  readonly last: SnapshotName;
  /** Snapshots that have it so. */
  readonly snapshots: number;
  readonly type: TreeNode['type'];
  readonly size: number;
  readonly mtime: string;
  readonly mode: number;
}

export interface PathLog {
  readonly path: string;
  readonly source: string;
  /** Oldest first. */
  readonly versions: readonly PathVersion[];
}

/** Of a path that some snapshot has. @throws UsageError when none has */
export function historiesOf(environment: Environment, repository: Repository, path: string): PathHistory[] {
  if (repository.listSnapshots().length === 0)
    throw new UsageError('The repository has no snapshots yet', 'Run exuvia backup create.');
  const found = collectPaths(repository, (source, key) => isPathOf(environment, source, path, key));
  if (found.length > 0) return found;
  throw new UsageError(
    `No snapshot has ${path}`,
    `Run exuvia backup find "**/${path.split('/').at(-1)}" to look for it.`,
  );
}

/** A relative path lies in any source; an absolute one in the source it is below. */
function isPathOf(environment: Environment, source: SnapshotSource, path: string, key: PathKey): boolean {
  if (!/^([/~]|[A-Za-z]:[\\/])/.test(path))
    return displayKey(key) === path.replace(/^\.\//, '').replace(/\/+$/, '');
  try {
    const place = locatePath(environment, { id: '', sources: [source] } as unknown as Snapshot, path);
    return place.key === key;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

export interface PathHistory {
  readonly source: SnapshotSource;
  readonly key: PathKey;
  readonly events: readonly HistoryEvent[];
}

export function collectPaths(
  repository: Repository,
  wants: (source: SnapshotSource, key: PathKey, node: TreeNode) => boolean,
): PathHistory[] {
  const histories = new Map<string, { source: SnapshotSource; key: PathKey; events: HistoryEvent[] }>();
  for (const event of eventsOf(repository, repository.listSnapshots())) {
    const { source, key, node } = event;
    const name = `${identityOf(source)}\0${key}`;
    const known = histories.get(name);
    if (known === undefined && (node === undefined || !wants(source, key, node))) continue;
    if (known === undefined) histories.set(name, { source, key, events: [event] });
    else known.events.push(event);
  }
  return [...histories.values()];
}

/** What a source is, wherever it lay at the time. */
function identityOf({ kind, label, path }: SnapshotSource): string {
  return kind === 'folder' ? `folder\0${path}` : `${kind}\0${label ?? ''}`;
}

function* eventsOf(blobs: BlobReader, snapshots: readonly Snapshot[]): Generator<HistoryEvent> {
  const roots = new Map<string, BlobId | null>();
  for (const snapshot of snapshots) {
    // A snapshot of a part says nothing of the rest; one taken before a restore is of another kind.
    if (snapshot.components !== null) continue;
    for (const source of snapshot.sources) {
      const identity = identityOf(source);
      const before = roots.get(identity) ?? null;
      roots.set(identity, source.root);
      for (const { key, after } of diffMaps(blobs, before, source.root)) {
        const node = after === undefined ? undefined : decodeNode(after, 'tree entry');
        yield { snapshot, source, key: key as PathKey, node };
      }
    }
  }
}

/** The snapshots that hold a source, in order, and the place of each among them. */
interface Holding {
  readonly snapshots: readonly Snapshot[];
  readonly placeOf: ReadonlyMap<Snapshot, number>;
}

export function holdingOf(repository: Repository): (source: SnapshotSource) => Holding {
  const known = new Map<string, Holding>();
  return (source) => {
    const identity = identityOf(source);
    const holding = known.get(identity) ?? makeHolding(repository, identity);
    known.set(identity, holding);
    return holding;
  };
}

function makeHolding(repository: Repository, identity: string): Holding {
  const holds = ({ components, sources }: Snapshot): boolean =>
    components === null && sources.some((source) => identityOf(source) === identity);
  const snapshots = repository.listSnapshots().filter(holds);
  return { snapshots, placeOf: new Map(snapshots.map((snapshot, place) => [snapshot, place])) };
}

export function logOf({ snapshots, placeOf }: Holding, { source, key, events }: PathHistory): PathLog {
  const versions = events.map((event, index): PathVersion => {
    const next = events[index + 1];
    const from = placeOf.get(event.snapshot) ?? 0;
    const to = (next === undefined ? snapshots.length : (placeOf.get(next.snapshot) ?? 0)) - 1;
    const before = events[index - 1]?.node;
    const shown = event.node ?? before;
    return {
      change: changeOf(before, event.node),
      first: nameOf(event.snapshot),
      last: nameOf(snapshots[to] ?? event.snapshot),
      snapshots: to - from + 1,
      type: shown?.type ?? 'file',
      size: event.node?.type === 'file' ? event.node.size : 0,
      mtime: isoTimeOf(shown?.mtimeNs ?? 0n),
      mode: shown?.mode ?? 0,
    };
  });
  return { path: displayKey(key), source: source.path, versions };
}

function nameOf({ id, time }: Snapshot): SnapshotName {
  return { id, time };
}

function changeOf(before: TreeNode | undefined, after: TreeNode | undefined): PathVersion['change'] {
  if (after === undefined) return 'gone';
  if (before === undefined) return 'appeared';
  return before.type === after.type && contentOf(before) === contentOf(after) ? 'attributes' : 'changed';
}
