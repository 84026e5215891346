/**
 * Which names an archive may use, as pure functions. An archive's names are never trusted: they are the classic way out of
 * the folder that an archive is unpacked into (Zip Slip and its variants with links, drive letters and backslashes).
 */
import {
  type ByteString,
  isAscii,
  isUtf8,
  keyComponents,
  keyOfPath,
  rootKey,
  textOf,
} from '../model/paths.ts';
import type { ArchiveLimits } from './archive-limits.ts';

export type PathLimits = Pick<ArchiveLimits, 'pathBytesMax' | 'componentBytesMax' | 'depthMax'>;

/** Without a leading `./` and without slashes at the end; '' for the top folder itself (`./` or `.`). */
export function normalizeEntryPath(raw: ByteString): ByteString {
  const withoutEnd = /^\/+$/.test(raw) ? raw : raw.replace(/\/+$/, '');
  if (withoutEnd === '.') return '' as ByteString;
  return (withoutEnd.startsWith('./') ? withoutEnd.slice(2) : withoutEnd) as ByteString;
}

/** Why a normalized path is refused, or undefined when it may be used. */
export function pathProblem(path: ByteString, limits: PathLimits): string | undefined {
  if (path === '') return 'its name is empty';
  if (path.includes('\0')) return 'its name contains a zero byte';
  if (path.length > limits.pathBytesMax)
    return tooLong('its path', path, 'pathBytesMax', limits.pathBytesMax);
  return outsideProblem(path) ?? componentsProblem(path, limits);
}

function outsideProblem(path: string): string | undefined {
  if (path.startsWith('/')) return 'its path is absolute';
  if (path.startsWith('\\')) return 'its path starts with a backslash, which is absolute on Windows';
  if (/^[A-Za-z]:/.test(path)) return 'its path starts with a drive letter';
  return undefined;
}

function componentsProblem(path: string, limits: PathLimits): string | undefined {
  const components = path.split('/');
  if (components.length > limits.depthMax) {
    return `its path is ${components.length} folders deep (limit depthMax: ${limits.depthMax})`;
  }
  for (const component of components) {
    if (component === '') return 'its path has an empty part (two slashes in a row)';
    if (component.length > limits.componentBytesMax) {
      return tooLong('a part of its path', component, 'componentBytesMax', limits.componentBytesMax);
    }
    // Windows takes spaces off the end of a name; a backslash is a separator there and a plain character elsewhere.
    for (const part of component.split('\\')) {
      const dots = part.replace(/ +$/, '');
      if (dots === '..') return 'its path climbs out of the archive with ".."';
      if (dots === '.') return 'its path has a "." inside';
    }
  }
  return undefined;
}

function tooLong(what: string, text: string, limit: string, bytes: number): string {
  return `${what} has ${text.length} bytes (limit ${limit}: ${bytes})`;
}

/** Why the target of a symbolic link is refused. It may point anywhere: links are recorded literally and never followed. */
export function linkTargetProblem(
  target: ByteString,
  limits: Pick<ArchiveLimits, 'linkTargetBytesMax'>,
): string | undefined {
  if (target === '') return 'its link target is empty';
  if (target.includes('\0')) return 'its link target contains a zero byte';
  if (target.length > limits.linkTargetBytesMax) {
    return tooLong('its link target', target, 'linkTargetBytesMax', limits.linkTargetBytesMax);
  }
  return undefined;
}

export type RegisteredKind = 'file' | 'directory' | 'symlink' | 'special';

const kindNames: Readonly<Record<RegisteredKind, string>> = {
  file: 'a file',
  directory: 'a folder',
  symlink: 'a symbolic link',
  special: 'a device, pipe or socket',
};

/** The paths an archive has used so far, with the folders they imply. Keeps one map entry for each. */
export class EntryRegister {
  readonly #kinds = new Map<string, RegisteredKind>();
  readonly #originals = new Map<string, ByteString>();

  /** Paths so far, with the folders they imply. */
  get size(): number {
    return this.#kinds.size;
  }

  /** Takes a path; the answer says why it cannot be used, and then nothing is taken. */
  add(path: ByteString, kind: RegisteredKind): string | undefined {
    const known = this.#kinds.get(path);
    if (known === 'directory' && kind === 'directory') return undefined;
    if (known === 'directory') return `the archive uses the same path for a folder`;
    if (known !== undefined) return `the archive holds the same path before, as ${kindNames[known]}`;
    const problem = this.#addFolders(path);
    if (problem === undefined) this.#kinds.set(path, kind);
    return problem;
  }

  /** Takes the path of a hard link to `target`, which must be an earlier file, or a hard link to one. */
  addHardLink(
    path: ByteString,
    target: ByteString,
  ): { readonly problem: string } | { readonly original: ByteString } {
    const original = this.#originals.get(target) ?? target;
    const kind = this.#kinds.get(original);
    if (kind !== 'file') {
      const found = kind === undefined ? 'is not in the archive before it' : `is ${kindNames[kind]}`;
      return { problem: `it is a hard link to ${displayName(target)}, which ${found}` };
    }
    const problem = this.add(path, 'file');
    if (problem !== undefined) return { problem };
    this.#originals.set(path, original);
    return { original };
  }

  #addFolders(path: string): string | undefined {
    const missing: string[] = [];
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
      const folder = path.slice(0, cut);
      const kind = this.#kinds.get(folder);
      if (kind === 'directory') break;
      if (kind !== undefined) return `it lies below ${displayName(folder)}, which is ${kindNames[kind]}`;
      missing.push(folder);
    }
    for (const folder of missing) this.#kinds.set(folder, 'directory');
    return undefined;
  }
}

/**
 * Groups of paths (folders on the way included) that some file systems take for one and the same: equal after Unicode
 * normalization, case folding and removal of characters that are not seen. Names that are not UTF-8 stay as they are. Folder by
 * folder, so that memory is that of the largest folder and not of all of them.
 */
export function findCollisions(paths: Iterable<ByteString>): ByteString[][] {
  const groups: ByteString[][] = [];
  const open: OpenFolder[] = [{ name: '', path: '', names: new Map() }];
  // As keys a folder comes right before what is in it.
  for (const key of Array.from(paths, keyOfPath).sort()) {
    const parts = key === rootKey ? [] : keyComponents(key);
    let depth = 0;
    while (depth < parts.length && open[depth + 1]?.name === parts[depth]) depth++;
    open.length = depth + 1;
    for (const part of parts.slice(depth)) open.push(enterFolder(open.at(-1) as OpenFolder, part, groups));
  }
  return groups;
}

interface OpenFolder {
  readonly name: string;
  readonly path: string;
  /** By what they are folded to: the first of them, or the group once there are more. */
  readonly names: Map<string, ByteString | ByteString[]>;
}

function enterFolder(parent: OpenFolder, name: ByteString, groups: ByteString[][]): OpenFolder {
  const path = (parent.path === '' ? name : `${parent.path}/${name}`) as ByteString;
  const folded = foldedName(name);
  const known = parent.names.get(folded);
  if (known === undefined) parent.names.set(folded, path);
  else if (Array.isArray(known)) known.push(path);
  else {
    const group = [known, path];
    parent.names.set(folded, group);
    groups.push(group);
  }
  return { name, path, names: new Map() };
}

/** What to tell of names that are the same to some file systems; undefined when there are none. */
export function collisionText(paths: Iterable<ByteString>): string | undefined {
  const groups = findCollisions(paths);
  const [first] = groups;
  if (first === undefined) return undefined;
  const names = first.slice(0, 2).map(displayName).join(' and ');
  const what = groups.length === 1 ? names : `${groups.length} groups of names, such as ${names},`;
  return `${what} differ only in case, Unicode form or characters that are not seen: a file system that takes them for one keeps the last`;
}

/** What some file systems compare names by. */
export function foldedName(name: ByteString): string {
  if (isAscii(name)) return name.toLowerCase();
  if (!isUtf8(name)) return `\0${name}`;
  const seen = textOf(name).replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  // Upper case first: it writes out ligatures and the sharp s, as full case folding does.
  return seen.normalize('NFD').toUpperCase().toLowerCase().normalize('NFD');
}

const displayedCharsMax = 200;

/** A name from outside for messages: quoted, control and direction characters escaped, the middle of a long one left out. */
export function displayName(name: string): string {
  const text = textOf(name as ByteString);
  const half = displayedCharsMax / 2;
  const short = text.length > displayedCharsMax ? `${text.slice(0, half)}…${text.slice(-half)}` : text;
  return JSON.stringify(short).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
