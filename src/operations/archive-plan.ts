/** What an archive is, told by what is in it, and which part of it is which source. */
import { basename, dirname, join } from 'node:path';
import { ArchiveError } from '../model/errors.ts';
import { type ByteString, byteStringOf, textOf } from '../model/paths.ts';
import type { SnapshotRecord, SnapshotSource, SourceKind } from '../model/snapshot.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import { findStateInside } from '../openclaw/locate.ts';
import { findMissingAssets, type OfficialManifest, parseManifest } from '../portable/manifest.ts';
import type { ArchiveContents } from './archive-contents.ts';
import type { Environment } from './environment.ts';
import { type ExuviaFile, isExuviaFile, parseExuviaFile } from './exuvia-file.ts';

export interface PlannedArchiveSource {
  readonly source: Omit<SnapshotSource, 'root' | 'entries'>;
  /** Its place in the archive, '' for the top; undefined when nothing of it is there. */
  readonly place: ByteString | undefined;
  /** What our own file says about the members, where there is one. */
  readonly exuvia: ExuviaFile | undefined;
}

export interface ArchivePlan {
  readonly origin: 'exuvia' | 'openclaw' | 'home' | 'folder';
  readonly sources: readonly PlannedArchiveSource[];
  /** The record to begin with; sequence, sources and stats are the importer's. */
  readonly record: SnapshotRecord;
}

export function planArchive(
  contents: ArchiveContents,
  archivePath: string,
  home: OpenClawHome,
  environment: Environment,
): ArchivePlan {
  if (contents.members.length === 0) {
    throw new ArchiveError(`${archivePath} has no files in it`);
  }
  const exuvia = find(contents, /(^|\/)(exuvia|\.exuvia-archive)\.json$/);
  if (exuvia !== undefined && isExuviaFile(exuvia)) return planExuvia(parseExuviaFile(exuvia, contents));
  const manifest = find(contents, /^[^/]+\/manifest\.json$/);
  const record = plainRecord(environment, home);
  const official = manifest === undefined ? undefined : tryManifest(manifest);
  if (official !== undefined) return planOfficial(official, record, contents);
  const state = findStateInside(contents.members.map((member) => textOf(member.path)));
  if (state !== undefined) {
    const path = statePath(state, home);
    const host = { ...record.host, home: path === home.stateDir ? home.home : dirname(path) };
    return single('home', { kind: 'state', path }, byteStringOf(state), { ...record, host });
  }
  const path = join(
    dirname(archivePath),
    basename(archivePath).replace(/\.(tar|zip|tgz|tzst)(\.\w+)?$/i, '') || 'archive',
  );
  return single('folder', { kind: 'folder', path }, '' as ByteString, record);
}

function find(contents: ArchiveContents, pattern: RegExp): Buffer | undefined {
  return [...contents.descriptions].find(([path]) => pattern.test(path))?.[1];
}

/** A file that happens to be called manifest.json does not make an archive OpenClaw's. */
function tryManifest(bytes: Buffer): OfficialManifest | undefined {
  try {
    return parseManifest(bytes);
  } catch (error) {
    if (error instanceof ArchiveError) return undefined;
    throw error;
  }
}

function single(
  origin: ArchivePlan['origin'],
  source: { readonly kind: SourceKind; readonly path: string },
  place: ByteString,
  record: SnapshotRecord,
): ArchivePlan {
  return { origin, record, sources: [{ source, place, exuvia: undefined }] };
}

/** tar drops the slash at the front: `home/u/.openclaw` was `/home/u/.openclaw`. */
function statePath(place: string, home: OpenClawHome): string {
  return /^(home|root|Users|var|opt|data|srv|mnt)\//.test(place) ? `/${place}` : home.stateDir;
}

function planExuvia(exuvia: ExuviaFile): ArchivePlan {
  const { snapshot, places } = exuvia.head;
  const { id: _id, ...record } = snapshot;
  const sources = snapshot.sources.map(({ root: _root, entries: _entries, ...source }, index) => {
    const place = places[index];
    return { source, place: place === null || place === undefined ? undefined : byteStringOf(place) };
  });
  return { origin: 'exuvia', record, sources: sources.map((source) => ({ ...source, exuvia })) };
}

const officialKinds: ReadonlySet<string> = new Set(['state', 'config', 'credentials', 'workspace', 'agent']);

function planOfficial(
  manifest: OfficialManifest,
  record: SnapshotRecord,
  contents: ArchiveContents,
): ArchivePlan {
  const missing = findMissingAssets(
    manifest,
    contents.members.map((member) => member.path),
  )[0];
  if (missing !== undefined) {
    throw new ArchiveError(
      `The archive is not whole: its manifest names ${missing.archivePath}, which is not in it`,
    );
  }
  const sources = manifest.assets.map((asset) => ({
    source: {
      path: asset.sourcePath,
      kind: (officialKinds.has(asset.kind) ? asset.kind : 'folder') as SourceKind,
    },
    place: byteStringOf(asset.archivePath),
  }));
  const { stateDir, configPath, oauthDir } = manifest.paths ?? {};
  return {
    origin: 'openclaw',
    sources: sources.map((source) => ({ ...source, exuvia: undefined })),
    record: {
      ...record,
      time: isoTime(manifest.createdAt) ?? record.time,
      host: {
        ...record.host,
        name: '',
        platform: manifest.platform ?? '',
        home: stateDir ? dirname(stateDir) : '',
        user: '',
      },
      openclaw: {
        ...(manifest.runtimeVersion === undefined ? {} : { version: manifest.runtimeVersion }),
        ...(configPath === undefined ? {} : { configPath }),
        ...(oauthDir === undefined ? {} : { credentialsPath: oauthDir }),
      },
    },
  };
}

function isoTime(text: string): string | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

function plainRecord(environment: Environment, home: OpenClawHome): SnapshotRecord {
  return {
    version: 1,
    time: new Date(environment.clock.nowMs()).toISOString(),
    sequence: 0,
    parent: null,
    sources: [],
    host: {
      name: environment.host,
      platform: environment.platform,
      home: home.home,
      user: environment.user,
      users: {},
      groups: {},
    },
    program: { name: 'exuvia', version: '', node: environment.nodeVersion },
    components: null,
    include: [],
    exclude: [],
    tags: [],
    message: '',
    reason: 'import',
    openclaw: null,
    stats: {
      files: 0,
      directories: 0,
      links: 0,
      newFiles: 0,
      changedFiles: 0,
      unchangedFiles: 0,
      removedFiles: 0,
      totalBytes: 0,
      readBytes: 0,
      addedBytes: 0,
      storedBytes: 0,
      durationMs: 0,
    },
    unreadable: [],
    unreadableCount: 0,
  };
}
