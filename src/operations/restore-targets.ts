/** Where the sources of a snapshot go, and where they may not. */
import { lstatSync, realpathSync } from 'node:fs';
import { basename, isAbsolute, join, relative, sep } from 'node:path';
import { ExuviaError, errnoOf, FileSystemError } from '../model/errors.ts';
import { nameProblem } from '../model/paths.ts';
import type { Snapshot, SnapshotSource } from '../model/snapshot.ts';
import { type OpenClawHome, pathInside } from '../openclaw/discovery.ts';
import type { Environment } from './environment.ts';
import { resolvePath } from './places.ts';

/** Where a source goes: its own place (moved to this home when the homes differ), or below `--target`. */
export function targetOf(
  environment: Environment,
  options: { readonly target?: string },
  home: OpenClawHome,
  snapshot: Snapshot,
  source: SnapshotSource,
): string {
  return realOf(placeOf(environment, options, home, snapshot, source));
}

function placeOf(
  environment: Environment,
  options: { readonly target?: string },
  home: OpenClawHome,
  snapshot: Snapshot,
  source: SnapshotSource,
): string {
  if (options.target !== undefined) {
    const target = resolvePath(environment, options.target);
    return snapshot.sources.length === 1 ? target : join(target, nameIn(snapshot, source));
  }
  if (source.kind === 'state') return home.stateDir;
  const state = snapshot.sources.find((one) => one.kind === 'state');
  return (
    movePath(source.path, state?.path, home.stateDir) ??
    movePath(source.path, snapshot.host.home, home.home) ??
    source.path
  );
}

/** `path` with the beginning `from` replaced by `to`, or undefined when it does not begin so. */
function movePath(path: string, from: string | undefined, to: string): string | undefined {
  if (from === undefined || from === '') return undefined;
  const rest = relative(from, path);
  return rest === '..' || rest.startsWith(`..${sep}`) || isAbsolute(rest) ? undefined : join(to, rest);
}

function nameIn(snapshot: Snapshot, source: SnapshotSource): string {
  const names = namesOfSnapshots.get(snapshot) ?? namesIn(snapshot);
  namesOfSnapshots.set(snapshot, names);
  return names[snapshot.sources.indexOf(source)] ?? folderName(source.path);
}

/** One snapshot is asked for all of its sources in a row. */
const namesOfSnapshots = new WeakMap<Snapshot, readonly string[]>();

/** A name in the target for each source, and none twice. */
function namesIn({ sources }: Snapshot): string[] {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return sources.map(({ path }) => {
    const base = folderName(path);
    let name = base;
    for (let count = counts.get(base) ?? 2; taken.has(name); count++) {
      name = `${base}-${count}`;
      counts.set(base, count + 1);
    }
    taken.add(name);
    return name;
  });
}

/** Of a path that somebody else wrote: `/x/..` has a last part too, which is not to be followed. */
function folderName(path: string): string {
  const name = basename(path);
  return nameProblem(name) === undefined ? name : 'root';
}

/** What a link points to is restored, and the link stays. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && lstatSync(path, { throwIfNoEntry: false }) === undefined) return path;
    throw new FileSystemError('follow', path, error);
  }
}

/**
 * An archive may come from anyone, and says itself where its parts lay. In place, it writes only where homes of OpenClaw
 * are: the state directory, and folders in the user's home that are not hidden.
 */
export function refuseForeignPlaces(
  snapshot: Snapshot,
  home: OpenClawHome,
  sources: readonly { readonly source: SnapshotSource; readonly target: string }[],
): void {
  if (snapshot.reason !== 'import') return;
  const strange = sources.filter(({ source, target }) => !isHomely(source, target, home));
  if (strange.length === 0) return;
  const places = strange.map(({ target }) => target).join(', ');
  throw new ExuviaError(`The archive would write to ${places}, which is no place of an OpenClaw home`, {
    code: 'ERR_FOREIGN_PLACE',
    hint: 'Restore it into a folder with --target, or, if you trust it, give --force.',
  });
}

function isHomely(source: SnapshotSource, target: string, home: OpenClawHome): boolean {
  if (source.kind === 'folder') return false;
  if (pathInside(home.stateDir, target) !== undefined) return true;
  const known = [home.configPath, home.credentialsDir, ...home.includes, ...home.stores];
  const places = [...home.workspaces, ...home.agents].map(({ path }) => path);
  if ([...known, ...places].some((path) => pathInside(path, target) === '')) return true;
  const inside = pathInside(home.home, target);
  return inside !== undefined && inside !== '' && inside.split('/').every((part) => !part.startsWith('.'));
}
