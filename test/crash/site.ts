/** A folder with a home and a repository that is put back to how it was before each run. */
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Below the root: what is reset. Anything else there belongs to the test. */
export const siteFolders = ['home', 'repository', 'out', 'tmp'] as const;

interface Kept {
  readonly type: 'file' | 'folder' | 'link';
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly content: Buffer;
  /** Where another name of the same inode is, for the databases of `local/`, which are tied to their inode. */
  readonly twin: string | undefined;
  /** The first path of the same inode, for the later ones of a hard link group. */
  readonly linkOf: string | undefined;
}

export type KeptState = ReadonlyMap<string, Kept>;

/** Remembers everything below the site's folders. `name` is for the files that have to keep their inode. */
export function keepState(root: string, name: string): KeptState {
  const twins = join(root, 'twins', name);
  mkdirSync(twins, { recursive: true });
  const state = new Map<string, Kept>();
  const firsts = new Map<bigint, string>();
  for (const path of pathsBelow(root)) {
    const full = join(root, path);
    const stat = lstatSync(full, { bigint: true });
    const type = stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'file';
    const content =
      type === 'file' ? readFileSync(full) : Buffer.from(type === 'link' ? readlinkSync(full) : '');
    const isOwnDatabase = /^repository\/local\/[a-z]+\.sqlite$/.test(path);
    const twin = isOwnDatabase ? join(twins, `${stat.ino}`) : undefined;
    if (twin !== undefined) linkSync(full, twin);
    const linkOf = type === 'file' ? firsts.get(stat.ino) : undefined;
    if (linkOf === undefined) firsts.set(stat.ino, path);
    const mode = Number(stat.mode & 0o7777n);
    state.set(path, { type, mode, mtimeNs: stat.mtimeNs, content, twin, linkOf });
  }
  return state;
}

/** Puts back what differs; what is as it was keeps its inode and times, so that the product knows its files again. */
export function resetState(root: string, state: KeptState): void {
  for (const path of pathsBelow(root).reverse()) {
    const kept = state.get(path);
    if (kept === undefined || typeOf(join(root, path)) !== kept.type)
      rmSync(join(root, path), { recursive: true, force: true });
  }
  for (const [path, kept] of state) {
    const same = kept.twin ?? (kept.linkOf === undefined ? undefined : join(root, kept.linkOf));
    if (same !== undefined) linkAgain(join(root, path), same);
    resetOne(join(root, path), kept);
  }
  for (const [path, kept] of [...state].reverse()) {
    if (kept.type === 'folder' && differs(join(root, path), kept)) setAttributes(join(root, path), kept);
  }
}

function linkAgain(full: string, same: string): void {
  if (inodeOf(full) === inodeOf(same)) return;
  rmSync(full, { force: true });
  linkSync(same, full);
}

function resetOne(full: string, kept: Kept): void {
  if (kept.type === 'folder') mkdirSync(full, { recursive: true });
  else if (differs(full, kept)) {
    if (kept.type === 'file') writeFileSync(full, kept.content);
    else {
      rmSync(full, { force: true });
      symlinkSync(kept.content.toString(), full);
    }
    setAttributes(full, kept);
  }
}

function setAttributes(full: string, kept: Kept): void {
  if (kept.type !== 'link') chmodSync(full, kept.mode);
  const seconds = String(Number(kept.mtimeNs) / 1e9);
  lutimesSync(full, seconds, seconds);
}

function differs(full: string, kept: Kept): boolean {
  const stat = lstatSync(full, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return true;
  const apart = stat.mtimeNs - kept.mtimeNs;
  if (apart > 2000n || apart < -2000n || Number(stat.mode & 0o7777n) !== kept.mode) return true;
  return kept.type === 'file' && !readFileSync(full).equals(kept.content);
}

function typeOf(full: string): Kept['type'] {
  const stat = lstatSync(full);
  return stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'file';
}

function inodeOf(full: string): number | undefined {
  return lstatSync(full, { throwIfNoEntry: false })?.ino;
}

/**
 * What the site looks like, but for what differs from run to run: names, types, modes and lengths. Two runs that were disturbed at the
 * same call and look the same left the same.
 */
export function shapeOf(root: string): string {
  const lines = pathsBelow(root).map((path) => {
    const full = join(root, path);
    const { mode, size } = lstatSync(full);
    const name = path
      .replace(/(?<=\/packs\/)[0-9a-f]{2}/, '#')
      .replaceAll(/[0-9a-f]{8,}/g, '#')
      .replaceAll(/\d+T\d+Z?/g, '@');
    // A folder's length is the file system's; snapshots tell times and reasons, and are whole or not there.
    const isLengthTold = typeOf(full) !== 'folder' && !path.startsWith('repository/snapshots/');
    return `${name} ${mode} ${isLengthTold ? size : size > 0}`;
  });
  return lines.sort().join('\n');
}

/** Parents before what is in them. */
export function pathsBelow(root: string, folders: readonly string[] = siteFolders): string[] {
  const found: string[] = [];
  const visit = (path: string): void => {
    const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (stat === undefined) return;
    found.push(path);
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
  };
  for (const folder of folders) visit(folder);
  return found;
}
