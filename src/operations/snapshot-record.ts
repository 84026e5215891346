/** The record of a snapshot: what the run found, in the words of the format. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ArchivedSource } from '../archiver/archiver.ts';
import { DamageError, tellsUnreadable } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { Snapshot, SnapshotRecord, SnapshotSource, SnapshotStats } from '../model/snapshot.ts';
import type { BlobStore } from '../model/store.ts';
import { readVersions } from '../openclaw/versions.ts';
import type { BackupPlan } from './backup-plan.ts';
import type { Environment } from './environment.ts';
import { groupNames, userNames } from './owner-names.ts';
import { type ChangeCounts, countChanges } from './tree-changes.ts';
import { exuviaVersion } from './version.ts';

export interface ArchiveRun {
  readonly startedMs: number;
  readonly parent: Snapshot | undefined;
  readonly sources: readonly SnapshotSource[];
  readonly archived: readonly ArchivedSource[];
  readonly stats: SnapshotStats;
}

export function sumStats(archived: readonly ArchivedSource[], changes: ChangeCounts): SnapshotStats {
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

export function recordOf(
  environment: Environment,
  plan: BackupPlan,
  run: ArchiveRun,
  sequence: number,
  stats: SnapshotStats,
): SnapshotRecord {
  const { options } = plan;
  const unreadable = run.archived.flatMap((source) => source.unreadable);
  const captured: Readonly<Record<string, number>>[] = run.archived.map((source) => source.schemas);
  return {
    version: 1,
    time: new Date(run.startedMs).toISOString(),
    sequence,
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

export function changesSince(
  environment: Pick<Environment, 'progress'>,
  blobs: BlobStore,
  parent: Pick<Snapshot, 'sources'> | undefined,
  sources: readonly SnapshotSource[],
  archived: readonly Pick<ArchivedSource, 'files'>[],
): ChangeCounts {
  const sum = { newFiles: 0, changedFiles: 0, removedFiles: 0 };
  for (const [index, source] of sources.entries()) {
    const before = parent?.sources.find((candidate) => candidate.path === source.path)?.root ?? null;
    if (before === null) {
      sum.newFiles += archived[index]?.files ?? 0;
      continue;
    }
    const counts = countOrWarn(environment, blobs, before, source.root);
    sum.newFiles += counts.newFiles;
    sum.changedFiles += counts.changedFiles;
    sum.removedFiles += counts.removedFiles;
  }
  return sum;
}

/** The counts are for people: a parent that is damaged, or on a bad part of the disk, must not keep this snapshot from being made. */
function countOrWarn(
  environment: Pick<Environment, 'progress'>,
  blobs: BlobStore,
  before: BlobId,
  after: BlobId | null,
): ChangeCounts {
  try {
    return countChanges(blobs, before, after);
  } catch (error) {
    if (!tellsUnreadable(error)) throw error;
    const trouble = error instanceof DamageError ? 'is damaged' : 'cannot be read';
    environment.progress.warn(`The snapshot before ${trouble} (${error.message}); this one is whole`);
    return countChanges(blobs, null, after);
  }
}
