/**
 * What OpenClaw's manifest says about symbolic links. Its verifier takes an archive in one of two forms: without a report, when every
 * link is relative and stays inside what was backed up; or with a report that names exactly the links that lead out of the state
 * folder. The first is preferred: the manifest may have one MiB, and a workspace outside the state folder can have thousands of links.
 */
import { posix, win32 } from 'node:path';
import type { ManifestAsset } from './manifest.ts';

export interface ArchivedLink {
  /** Path of the link in the archive. */
  readonly entryPath: string;
  readonly linkpath: string;
}

export interface LinkBoundary {
  readonly platform: string;
  readonly assets: readonly ManifestAsset[];
  /** The state folder on its machine and in the archive. */
  readonly state: { readonly sourcePath: string; readonly archivePath: string } | undefined;
}

/** The links to report, or undefined when none has to be. */
export function linksToReport(
  links: readonly ArchivedLink[],
  boundary: LinkBoundary,
): ArchivedLink[] | undefined {
  const { state } = boundary;
  if (state === undefined || links.every((link) => staysInside(link, boundary.assets))) return undefined;
  return links.filter((link) => leadsOut(link, state, boundary.platform));
}

function staysInside(link: ArchivedLink, assets: readonly ManifestAsset[]): boolean {
  if (/^\/|(?:^|\/)[A-Za-z]:|\\/.test(link.linkpath)) return false;
  const target = targetInArchive(link.entryPath, link.linkpath);
  return assets.some(({ archivePath }) => isInside(target, archivePath));
}

function leadsOut(
  { entryPath, linkpath }: ArchivedLink,
  state: { readonly sourcePath: string; readonly archivePath: string },
  platform: string,
): boolean {
  const windows = platform === 'win32';
  if (!(windows ? win32 : posix).isAbsolute(linkpath)) {
    const slashed = windows ? linkpath.replaceAll('\\', '/') : linkpath;
    return !isInside(targetInArchive(entryPath, slashed), state.archivePath);
  }
  if (!windows) return !isInside(withoutEndSlashes(posix.normalize(linkpath)), state.sourcePath);
  const relative = win32.relative(state.sourcePath, win32.normalize(linkpath));
  return win32.isAbsolute(relative) || relative === '..' || relative.startsWith('..\\');
}

function targetInArchive(entryPath: string, linkpath: string): string {
  return withoutEndSlashes(posix.join(posix.dirname(entryPath), linkpath));
}

function withoutEndSlashes(path: string): string {
  return path.replace(/\/+$/, '') || path.slice(0, 1);
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}
