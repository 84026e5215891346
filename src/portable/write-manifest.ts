/**
 * The two files that an archive carries beside its members: `manifest.json` as OpenClaw wants it (layout `openclaw` only),
 * and our own, which makes an import lossless and lets every byte be checked. Both follow from the snapshot alone.
 */
import type { ByteString } from '../model/paths.ts';
import type { Snapshot, SnapshotSource } from '../model/snapshot.ts';
import type { TreeReader } from '../model/store.ts';
import type { FileState } from '../model/tree.ts';
import { type ArchiveLayout, archiveRootName } from './layouts.ts';
import type { ManifestAsset, ManifestPaths, ManifestSkipped, OfficialManifest } from './manifest.ts';
import { tarNameOf } from './write-names.ts';

/** A source, its tree, and where it lies in the archive; an empty one has no entries there. */
export interface PlacedSource {
  readonly source: SnapshotSource;
  readonly tree: TreeReader;
  readonly place: ByteString;
  readonly empty: boolean;
}

/** Text of `manifest.json`. */
export function formatManifest(snapshot: Snapshot, placed: readonly PlacedSource[]): string {
  const components = snapshot.components;
  const manifest: OfficialManifest = {
    schemaVersion: 1,
    createdAt: snapshot.time,
    archiveRoot: archiveRootName(snapshot.time),
    runtimeVersion: snapshot.openclaw?.version ?? 'unknown',
    platform: snapshot.host.platform,
    nodeVersion: snapshot.program.node,
    options: {
      includeWorkspace: components === null || components.includes('workspace'),
      onlyConfig: components?.length === 1 && components[0] === 'config',
    },
    paths: manifestPaths(snapshot, placed),
    assets: placed.filter((item) => !item.empty).map(assetOf),
    skipped: placed.filter((item) => item.empty).map(skippedOf),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function manifestPaths({ openclaw }: Snapshot, placed: readonly PlacedSource[]): ManifestPaths {
  const pathsOfKind = (kind: string) =>
    placed.filter(({ source }) => source.kind === kind).map(({ source }) => source.path);
  const stateDir = pathsOfKind('state')[0];
  const agents = openclaw?.agents?.map(({ id, path }) => ({ agentId: id, sourcePath: path }));
  return {
    ...(stateDir === undefined ? {} : { stateDir }),
    ...(openclaw?.configPath === undefined ? {} : { configPath: openclaw.configPath }),
    ...(openclaw?.credentialsPath === undefined ? {} : { oauthDir: openclaw.credentialsPath }),
    workspaceDirs: pathsOfKind('workspace'),
    ...(agents === undefined ? {} : { agentRoots: agents }),
  };
}

function assetOf({ source, place }: PlacedSource): ManifestAsset {
  return { kind: officialKind(source), sourcePath: source.path, archivePath: tarNameOf(place).text };
}

function skippedOf({ source }: PlacedSource): ManifestSkipped {
  return { kind: officialKind(source), sourcePath: source.path, reason: 'missing' };
}

/** OpenClaw knows five kinds; the true one of every source is in the snapshot's record. */
function officialKind({ kind }: SnapshotSource): string {
  if (kind === 'include') return 'config';
  return kind === 'folder' ? 'workspace' : kind;
}

/** What our own file says about one member: what tar cannot hold, or does not protect. */
export interface MemberRecord {
  /** As in the tar header, without a slash at its end. */
  readonly path: string;
  /** Base64 of the true bytes of the path, only where they are not UTF-8. */
  readonly pathBytes?: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Files: bytes of content, and their SHA-256 in hex. */
  readonly size?: number;
  readonly sha256?: string;
  /** Symbolic links: the target; `linkBytes` as `pathBytes`. */
  readonly link?: string;
  readonly linkBytes?: string;
  /** All permission bits, only where some are above 0o777. */
  readonly mode?: number;
  /** Only where they are not the file's `owner`. */
  readonly uid?: number;
  readonly gid?: number;
  /** Only where it is not `stable`. */
  readonly state?: FileState;
  /** Path of the member that this file was a hard link to; its own path for the first. Each is written in full. */
  readonly hardLink?: string;
}

export interface LeftOut {
  /** Absolute path on the machine the snapshot was made on, for people. */
  readonly path: string;
  readonly reason: string;
}

/** Everything in our file but the members, which follow one a line. */
export interface ExuviaFileHead {
  readonly format: 'exuvia-archive';
  readonly version: 1;
  readonly layout: ArchiveLayout;
  readonly snapshot: Snapshot;
  /** Place in the archive of each of the snapshot's sources, in order; null where nothing of it is in the archive. */
  readonly places: readonly (string | null)[];
  /** User and group of the members that name none. */
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly leftOut: readonly LeftOut[];
  /** How many members follow. */
  readonly entries: number;
}

/**
 * Text of our own file. It is one JSON object, so laid out that it can be read a line at a time: the first line is the head, without
 * its closing brace, and ends with `"members":[`; then one member a line; the last line is `]}`.
 */
export class MemberList {
  readonly #lines: Buffer[] = [];
  #open: string[] = [];
  #openChars = 0;
  #entries = 0;

  get entries(): number {
    return this.#entries;
  }

  add(member: MemberRecord): void {
    const line = `${this.#entries === 0 ? '' : ',\n'}${JSON.stringify(member)}`;
    this.#entries++;
    this.#open.push(line);
    this.#openChars += line.length;
    if (this.#openChars > 1024 * 1024) this.#close();
  }

  finish(head: Omit<ExuviaFileHead, 'format' | 'version' | 'entries'>): Buffer {
    this.#close();
    const full: ExuviaFileHead = { format: 'exuvia-archive', version: 1, ...head, entries: this.#entries };
    const first = `${JSON.stringify(sorted(full)).slice(0, -1)},"members":[\n`;
    return Buffer.concat([Buffer.from(first), ...this.#lines, Buffer.from('\n]}\n')]);
  }

  /** Bytes take half the memory of lines in an array, and hundreds of thousands of members are normal. */
  #close(): void {
    this.#lines.push(Buffer.from(this.#open.join('')));
    this.#open = [];
    this.#openChars = 0;
  }
}

/** With the keys of all objects in order: how a record came into memory must not show in the archive. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
