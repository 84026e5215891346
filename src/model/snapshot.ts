import type { BlobId, SnapshotId } from './ids.ts';

/** A folder (or single file) that was backed up, with its own tree. */
export interface SnapshotSource {
  /** Absolute path on the machine the snapshot was made on, as text. */
  readonly path: string;
  /** The path's bytes in base64, only where they are not UTF-8. */
  readonly pathBytes?: string;
  readonly kind: SourceKind;
  /** Agent id or other name that tells sources of one kind apart. */
  readonly label?: string;
  /** Root of the tree, or undefined when nothing at all was kept of this source. */
  readonly root: BlobId | null;
  /** Number of entries (files, folders, links) in the tree. */
  readonly entries: number;
}

/** `state` is an OpenClaw state directory; the others lie outside it; `folder` is whatever the user named. */
export type SourceKind = 'state' | 'config' | 'credentials' | 'workspace' | 'agent' | 'include' | 'folder';

export interface SnapshotStats {
  readonly files: number;
  readonly directories: number;
  readonly links: number;
  readonly newFiles: number;
  readonly changedFiles: number;
  readonly unchangedFiles: number;
  readonly removedFiles: number;
  /** Sum of file sizes in the snapshot. */
  readonly totalBytes: number;
  /** Bytes read from the source in this run. */
  readonly readBytes: number;
  /** Bytes of blobs that the repository did not have. */
  readonly addedBytes: number;
  /** Bytes by which the packs grew. */
  readonly storedBytes: number;
  readonly durationMs: number;
}

export interface UnreadableFile {
  readonly path: string;
  readonly pathBytes?: string;
  readonly reason: string;
}

export interface SkippedPath {
  readonly path: string;
  readonly pathBytes?: string;
  /** `excluded` by the user, `rebuildable` or `volatile` by default, `special` (socket, pipe, device), `sidecar` of a database, `repository`, `vanished`. */
  readonly reason:
    | 'excluded'
    | 'rebuildable'
    | 'volatile'
    | 'special'
    | 'sidecar'
    | 'repository'
    | 'vanished';
  readonly detail?: string;
}

export interface OpenClawVersions {
  /** Version that last touched the configuration, where it says. */
  readonly version?: string;
  readonly configPath?: string;
  readonly credentialsPath?: string;
  readonly agents?: readonly { readonly id: string; readonly path: string }[];
  /** `user_version` of each captured OpenClaw database, by path relative to the state directory. */
  readonly schemas?: Readonly<Record<string, number>>;
}

/** What a snapshot file holds. Everything here is written once and never changed. */
export interface SnapshotRecord {
  readonly version: 1;
  /** ISO 8601, UTC, milliseconds. */
  readonly time: string;
  /** One more than the highest sequence in the repository when it was made: the order that survives a wrong clock. */
  readonly sequence: number;
  readonly parent: SnapshotId | null;
  readonly sources: readonly SnapshotSource[];
  readonly host: {
    readonly name: string;
    readonly platform: string;
    readonly home: string;
    readonly user: string;
    /** Names of the user and group ids that occur, where known. */
    readonly users: Readonly<Record<string, string>>;
    readonly groups: Readonly<Record<string, string>>;
  };
  readonly program: { readonly name: string; readonly version: string; readonly node: string };
  /** Components asked for, or null for everything. */
  readonly components: readonly string[] | null;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly tags: readonly string[];
  readonly message: string;
  /** Why it was made. */
  readonly reason: 'manual' | 'scheduled' | 'before-restore' | 'import';
  readonly openclaw: OpenClawVersions | null;
  readonly stats: SnapshotStats;
  /** The first ones; `unreadableCount` is the whole number. */
  readonly unreadable: readonly UnreadableFile[];
  readonly unreadableCount: number;
  /** No policy forgets it. */
  readonly pinned?: true;
  /** A snapshot that this one stands for: the same moment with other tags, without purged or lost files. */
  readonly replaces?: SnapshotId;
  /** The first of a row of snapshots that replaced one another: its id goes on naming them all. */
  readonly original?: SnapshotId;
  /** Files that were in it and are not any more: `damage` took them, or the user did. The first thousand, and the number of all. */
  readonly lost?: {
    readonly reason: 'damage' | 'purge';
    readonly paths: readonly string[];
    readonly count: number;
  };
}

export interface Snapshot extends SnapshotRecord {
  readonly id: SnapshotId;
}

/** What a list of snapshots says of each, and what tells them apart. */
export interface SnapshotHead
  extends Pick<
    Snapshot,
    | 'id'
    | 'time'
    | 'sequence'
    | 'components'
    | 'tags'
    | 'message'
    | 'reason'
    | 'unreadableCount'
    | 'pinned'
    | 'replaces'
    | 'original'
  > {
  readonly stats: Pick<SnapshotStats, 'files' | 'totalBytes' | 'storedBytes'>;
  readonly lost?: Pick<NonNullable<Snapshot['lost']>, 'reason' | 'count'>;
}
