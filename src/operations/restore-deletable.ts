/** What `restore --delete` may remove: only what the snapshot would have held, had it been there. */
import { ExuviaError } from '../model/errors.ts';
import { displayKey, type PathKey } from '../model/paths.ts';
import type { EntryType } from '../model/selection.ts';
import type { Snapshot, SnapshotSource } from '../model/snapshot.ts';
import { type ComponentName, componentsOf, isComponent } from '../openclaw/components.ts';
import { findDefaultExclusion } from '../openclaw/defaults.ts';
import { compileGlobs } from '../walker/globs.ts';

export function refuseBlindDelete(snapshot: Snapshot): void {
  if (snapshot.unreadableCount <= snapshot.unreadable.length) return;
  throw new ExuviaError(
    `Snapshot ${snapshot.id.slice(0, 8)} could not read ${snapshot.unreadableCount} files and names only some: --delete could remove the others`,
    { code: 'ERR_BLIND_DELETE', hint: 'Restore without --delete.' },
  );
}

/** What the snapshot never looked at is not extra: the repository, and what is left out by default or by choice. */
export function deletable(
  snapshot: Snapshot,
  source: SnapshotSource,
  repository: string | undefined,
): (key: PathKey, type: EntryType) => boolean {
  const excluded = new Set(snapshot.exclude.filter(isComponent));
  const unreadable = snapshot.unreadable.map((one) => one.path);
  const includeGlobs = compileGlobs(snapshot.include);
  const excludeGlobs = compileGlobs(snapshot.exclude.filter((name) => !isComponent(name)));
  return (key, type) => {
    if (type === 'special') return false; // sockets, pipes and devices are in no snapshot
    const path = displayKey(key);
    if (repository !== undefined && (path === repository || repository.startsWith(`${path}/`))) return false;
    if (source.kind === 'state' && isLeftOutByDefault(path)) return false;
    if (unreadable.some((one) => one === '' || path === one || path.startsWith(`${one}/`))) return false;
    if (source.kind === 'folder' && snapshot.include.length > 0)
      return type !== 'directory' && includeGlobs.matches(path, false) && !excludeGlobs.matches(path, false);
    if (excludeGlobs.matches(path, type === 'directory')) return false;
    const names = componentsIn(source, path);
    if (names.some((name) => excluded.has(name as ComponentName))) return false;
    return snapshot.components === null || names.some((name) => snapshot.components?.includes(name));
  };
}

/** Also what is inside a folder that is left out: the folder may be there for something configured in it. */
function isLeftOutByDefault(path: string): boolean {
  const parts = path.split('/');
  return parts.some((_, index) => findDefaultExclusion(parts.slice(0, index + 1).join('/')) !== undefined);
}

export function componentsIn(source: SnapshotSource, path: string): readonly string[] {
  switch (source.kind) {
    case 'state':
      return path === '' ? [] : componentsOf(path);
    case 'config':
    case 'include':
      return ['config'];
    case 'credentials':
      return ['credentials'];
    case 'workspace':
      return componentsOf(path === '' ? 'workspace' : `workspace/${path}`);
    case 'agent':
      return componentsOf(`agents/${source.label ?? 'main'}/agent/${path}`);
    case 'folder':
      return [];
  }
}
