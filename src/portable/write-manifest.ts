/** `manifest.json` as OpenClaw 2026.9 wants it: its verifier refuses an archive for one field it does not like. */
import { posix, win32 } from 'node:path';
import { textOf } from '../model/paths.ts';
import type { SourceKind } from '../model/snapshot.ts';
import { archiveRootName } from './layouts.ts';
import type { ManifestAgentRoot, ManifestAsset, ManifestSkipped, OfficialManifest } from './manifest.ts';
import { type ArchivedLink, type LinkBoundary, linksToReport } from './write-links.ts';
import type { ArchivePlan, PlacedSource } from './write-plan.ts';

/** OpenClaw reads no manifest that is larger. */
export const officialManifestBytesMax = 1024 * 1024;

/** The file's text. `links` are all symbolic links in the archive. */
export function formatManifest(plan: ArchivePlan, links: readonly ArchivedLink[]): string {
  const { snapshot, sources } = plan;
  const { components, openclaw, host } = snapshot;
  const assets = sources.filter((placed) => !placed.empty).map(assetOf);
  const pathsOfKind = (kind: string) =>
    sources.flatMap(({ source }) => (source.kind === kind ? [source.path] : []));
  const state = stateOf(sources);
  const external = linksToReport(links, { platform: host.platform, assets, state });
  const manifest: OfficialManifest & { readonly externalSymbolicLinks?: readonly ArchivedLink[] } = {
    schemaVersion: 1,
    createdAt: snapshot.time,
    archiveRoot: archiveRootName(snapshot.time),
    runtimeVersion: openclaw?.version ?? 'unknown',
    platform: host.platform,
    nodeVersion: snapshot.program.node,
    options: {
      includeWorkspace: components === null || components.includes('workspace'),
      onlyConfig: components?.length === 1 && components[0] === 'config',
    },
    paths: {
      ...(state === undefined ? {} : { stateDir: state.sourcePath }),
      ...(openclaw?.configPath === undefined ? {} : { configPath: openclaw.configPath }),
      ...(openclaw?.credentialsPath === undefined ? {} : { oauthDir: openclaw.credentialsPath }),
      workspaceDirs: pathsOfKind('workspace'),
      agentRoots: agentRootsOf(openclaw?.agents ?? []),
    },
    assets,
    skipped: sources.filter((placed) => placed.empty).map(skippedOf),
    ...(external === undefined ? {} : { externalSymbolicLinks: external }),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function assetOf({ source, place }: PlacedSource): ManifestAsset {
  return { kind: officialKind(source.kind), sourcePath: source.path, archivePath: textOf(place) };
}

function skippedOf({ source }: PlacedSource): ManifestSkipped {
  return { kind: officialKind(source.kind), sourcePath: source.path, reason: 'missing' };
}

/** OpenClaw knows five kinds; the true one of every source is in our own file. */
function officialKind(kind: SourceKind): string {
  if (kind === 'include') return 'config';
  return kind === 'folder' ? 'workspace' : kind;
}

/** The folder that links may lead out of: the state, or the first thing there is where no state was backed up. */
function stateOf(sources: readonly PlacedSource[]): LinkBoundary['state'] {
  const placed = sources.find(({ source }) => source.kind === 'state') ?? sources[0];
  if (placed === undefined || !isNormalized(placed.source.path)) return undefined;
  return { sourcePath: placed.source.path, archivePath: textOf(placed.place) };
}

/** One entry too many, or one agent twice, and the verifier refuses the archive. */
function agentRootsOf(
  agents: readonly { readonly id: string; readonly path: string }[],
): ManifestAgentRoot[] {
  const ids = new Set<string>();
  const paths = new Set<string>();
  return agents.flatMap(({ id, path }) => {
    const key = isWindowsPath(path) ? path.toLowerCase() : path;
    if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(id) || !isNormalized(path)) return [];
    if (ids.has(id) || paths.has(key)) return [];
    ids.add(id);
    paths.add(key);
    return [{ agentId: id, sourcePath: path }];
  });
}

function isNormalized(path: string): boolean {
  if (isWindowsPath(path)) return win32.normalize(path) === path;
  return path.startsWith('/') && posix.normalize(path) === path;
}

function isWindowsPath(path: string): boolean {
  return /^[A-Za-z]:[\\/]|^\\\\/.test(path);
}
