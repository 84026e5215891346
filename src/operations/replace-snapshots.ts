/**
 * A snapshot is never changed: another takes its place, with the same moment, and the old one goes. The id it had first
 * goes on naming it.
 */
import { UsageError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import type { Snapshot, SnapshotRecord } from '../model/snapshot.ts';
import type { Repository } from '../repository/repository.ts';
import type { Environment } from './environment.ts';
import { findHome, findRepository, openRepository, type PlaceOptions } from './places.ts';
import { findSnapshot } from './read-backups.ts';
import { checkTags } from './tags.ts';

export type SnapshotChanges = Partial<Pick<SnapshotRecord, 'tags' | 'pinned' | 'sources' | 'stats' | 'lost'>>;

/** Undefined values take a member away. */
export function replacementOf(
  snapshot: Snapshot,
  changes: { readonly [K in keyof SnapshotChanges]: SnapshotChanges[K] | undefined },
): SnapshotRecord {
  const { id, ...record } = snapshot;
  const changed = { ...record, ...changes, replaces: id, original: snapshot.original ?? id };
  return Object.fromEntries(
    Object.entries(changed).filter(([, value]) => value !== undefined),
  ) as unknown as SnapshotRecord;
}

export interface ReplacedSnapshot {
  readonly before: SnapshotId;
  readonly snapshot: Snapshot;
}

/** Publishes all replacements, then removes what they replace. A crash leaves both, and the old ones do not count. */
export async function replaceSnapshots(
  environment: Environment,
  repository: Repository,
  records: readonly SnapshotRecord[],
): Promise<ReplacedSnapshot[]> {
  const replaced = records.map((record) => ({
    before: record.replaces as SnapshotId,
    snapshot: repository.addSnapshot(record),
  }));
  const ids = new Set(replaced.map(({ before }) => before));
  await repository.maintenance.removeSnapshots(ids, environment.lockWaitMs);
  return replaced;
}

export interface TagChanges {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  /** Instead of all there are. */
  readonly set?: readonly string[];
  readonly pinned?: boolean;
}

export interface ChangedSnapshots {
  readonly repository: string;
  readonly dryRun: boolean;
  readonly changed: readonly { readonly before: SnapshotId; readonly snapshot: Snapshot }[];
  /** They are as they were asked to be. */
  readonly unchanged: readonly Snapshot[];
}

/** `backup tag`, `backup pin`, `backup unpin`. */
export async function changeSnapshots(
  environment: Environment,
  options: PlaceOptions & TagChanges & { readonly dryRun?: boolean },
  references: readonly string[],
): Promise<ChangedSnapshots> {
  const { add = [], remove = [], set, pinned } = options;
  checkTags([...add, ...(set ?? [])]);
  if (pinned === undefined && set === undefined && add.length + remove.length === 0) {
    throw new UsageError('What should change?', 'Say --add, --remove or --set with a tag.');
  }
  const root = findRepository(environment, options, findHome(environment, options));
  await using repository = await openRepository(environment, root, options.dryRun ? 'read' : 'maintain');
  const named = references.map((reference) => findSnapshot(environment, repository, reference));
  const planned = [...new Map(named.map((one) => [one.id, one])).values()].map((snapshot) => ({
    snapshot,
    tags: tagsOf(snapshot, { add, remove, ...(set === undefined ? {} : { set }) }),
    pinned: (pinned ?? snapshot.pinned) ? (true as const) : undefined,
  }));
  const isChanged = ({ snapshot, tags, pinned: isPinned }: (typeof planned)[number]): boolean =>
    tags.join('\0') !== snapshot.tags.join('\0') || isPinned !== snapshot.pinned;
  const toChange = planned.filter(isChanged);
  const unchanged = planned.filter((one) => !isChanged(one)).map(({ snapshot }) => snapshot);
  const dryRun = options.dryRun ?? false;
  if (dryRun) {
    const changed = toChange.map(({ snapshot, tags }) => ({
      before: snapshot.id,
      snapshot: { ...snapshot, tags },
    }));
    return { repository: root, dryRun, changed, unchanged };
  }
  const records = toChange.map(({ snapshot, tags, pinned: isPinned }) =>
    replacementOf(snapshot, { tags, pinned: isPinned }),
  );
  return {
    repository: root,
    dryRun,
    changed: await replaceSnapshots(environment, repository, records),
    unchanged,
  };
}

function tagsOf(snapshot: Snapshot, { add = [], remove = [], set }: TagChanges): readonly string[] {
  const tags = new Set([...(set ?? snapshot.tags), ...add]);
  for (const tag of remove) tags.delete(tag);
  return [...tags];
}
