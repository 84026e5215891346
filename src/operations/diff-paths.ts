/** Which files a comparison looks at: globs to include and exclude, and paths that are named. */
import { UsageError } from '../model/errors.ts';
import { byteStringOf, displayKey, keyOfPath } from '../model/paths.ts';
import type { SnapshotSource } from '../model/snapshot.ts';
import type { BlobReader } from '../model/store.ts';
import type { TreeEntry } from '../model/tree.ts';
import { openTree } from '../tree/tree.ts';
import { compileGlobs, type GlobSet } from '../walker/globs.ts';

export interface PathSelection {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Files and folders to look at, relative to their source or absolute; all without any. */
  readonly paths?: readonly string[];
}

export type Wants = (source: SnapshotSource, entry: TreeEntry) => boolean;

export function selectionOf({ include = [], exclude = [], paths = [] }: PathSelection): Wants {
  const included = compileGlobs(include);
  const excluded = compileGlobs(exclude);
  const relative = paths.filter((path) => !path.startsWith('/')).map(plainPath);
  const isAll = paths.length === 0 || relative.includes('');
  const named = compileGlobs(relative.filter((path) => path !== '').map((path) => `/${path}`));
  return (source, { key, node }) => {
    const path = displayKey(key);
    const matches = (globs: GlobSet): boolean => globs.matches(path, node.type === 'directory');
    if (matches(excluded) || (include.length > 0 && !matches(included))) return false;
    return isAll || matches(named) || paths.some((absolute) => isBelow(absolute, source, path));
  };
}

/** `./notes/` is `notes`, and `.` is all of a source. */
function plainPath(path: string): string {
  return path
    .replace(/^(?:\.\/+)+/, '')
    .replace(/(?<!\/)\/+$/, '')
    .replace(/^\.$/, '');
}

function isBelow(absolute: string, source: SnapshotSource, path: string): boolean {
  const full = path === '' ? source.path : `${source.path}/${path}`;
  return full === absolute || full.startsWith(`${absolute.replace(/\/$/, '')}/`);
}

/** A name that is written wrong would look like one in which nothing differs. @throws UsageError */
export function refuseUnknownPaths(
  blobs: BlobReader,
  sources: readonly SnapshotSource[],
  paths: readonly string[],
): void {
  for (const path of paths) {
    if (/[*?[\]{}()!]/.test(path) || sources.some((source) => isIn(blobs, source, path))) continue;
    throw new UsageError(
      `Neither side has ${path}`,
      'Name a file or folder relative to the state directory, or an absolute path; exuvia backup ls shows what is there.',
    );
  }
}

function isIn(blobs: BlobReader, source: SnapshotSource, path: string): boolean {
  if (path.startsWith('/')) {
    const whole = path.replace(/\/+$/, '');
    if (isBelow(whole, source, '')) return true;
    return whole.startsWith(`${source.path}/`) && isIn(blobs, source, whole.slice(source.path.length + 1));
  }
  const key = keyOfPath(byteStringOf(plainPath(path)));
  return plainPath(path) === '' || openTree(blobs, source.root).getEntry(key) !== undefined;
}
