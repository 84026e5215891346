/**
 * A restore never writes through a symbolic link that lies in the target. Each folder is opened once without following links
 * and used through its descriptor where the system offers that (Linux: /proc/<process>/fd), so that a folder swapped for a link while
 * we work cannot redirect a write; elsewhere it is looked at right before use.
 */
import { closeSync, constants, existsSync, lstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { ExuviaError, FileSystemError, invariant } from '../model/errors.ts';
import {
  type ByteString,
  baseName,
  fsPath,
  isPathKey,
  keyComponents,
  type PathKey,
  parentKey,
  rootKey,
} from '../model/paths.ts';
import { targetPath } from './target-path.ts';

const folderFlags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);
const descriptorFolder = ownDescriptors();
/** Linux's O_PATH: a folder is opened also where its mode forbids reading it. */
const onlyPath = 0o10000000;
const openFoldersMax = 64;
/** Most systems allow so many or more; eight tasks of the store's threads hold up to 400 folders. */
const descriptorsToHold = 1024;

export class SafeFolders implements Disposable {
  readonly #target: ByteString;
  readonly #usesDescriptors = process.platform === 'linux' && existsSync(descriptorFolder);
  readonly #open = new Map<PathKey, number>();
  /** How many hold a folder. */
  readonly #holders = new Map<PathKey, number>();

  constructor(target: ByteString) {
    this.#target = target;
  }

  /** A path for `key` whose folders cannot be links. @throws ExuviaError when one is */
  pathOf(key: PathKey): ByteString {
    invariant(isPathKey(key), 'a key that leads out of the target');
    const parent = parentKey(key);
    if (parent === undefined) return this.#target;
    if (!this.#usesDescriptors) {
      this.#checkFolders(parent);
      return targetPath(this.#target, key);
    }
    return `${descriptorFolder}/${this.#descriptorOf(parent)}/${baseName(key)}` as ByteString;
  }

  /**
   * Whether a path stays what it is for as long as the folder is held, whatever becomes of the names in it; and folders can be held by the
   * hundred.
   */
  get canHold(): boolean {
    return this.#usesDescriptors && descriptorsAllowed() >= descriptorsToHold;
  }

  /** The folder of a path that was asked for stays open until it is let go as often. */
  hold(folder: PathKey): void {
    this.#holders.set(folder, (this.#holders.get(folder) ?? 0) + 1);
  }

  letGo(folder: PathKey): void {
    const left = (this.#holders.get(folder) ?? 0) - 1;
    if (left > 0) this.#holders.set(folder, left);
    else this.#holders.delete(folder);
  }

  /**
   * Lets `work` change the folder `key` itself, by a path that leads to no other: mode and owner of what a link leads to
   * would be changed through its name. @throws ExuviaError when it is a link
   */
  useFolder(key: PathKey, work: (path: ByteString) => void): void {
    if (!this.#usesDescriptors) {
      this.#checkFolders(key);
      work(targetPath(this.#target, key));
      return;
    }
    const fd = this.#opened(key, this.pathOf(key), folderFlags | onlyPath);
    try {
      work(`${descriptorFolder}/${fd}` as ByteString);
    } finally {
      closeSync(fd);
    }
  }

  /** A folder that is still held stays open: somebody may be writing by its path, which would lead to whatever is opened next. */
  [Symbol.dispose](): void {
    for (const [key, fd] of this.#open) if (!this.#holders.has(key)) closeSync(fd);
    this.#open.clear();
  }

  #descriptorOf(folder: PathKey): number {
    const known = this.#open.get(folder);
    if (known !== undefined) return known;
    const path =
      folder === rootKey
        ? this.#target
        : `${descriptorFolder}/${this.#descriptorOf(parentKey(folder) ?? rootKey)}/${baseName(folder)}`;
    const fd = this.#opened(folder, path as ByteString, folderFlags);
    this.#open.set(folder, fd);
    this.#closeOldest(folder);
    return fd;
  }

  #opened(folder: PathKey, path: ByteString, flags: number): number {
    try {
      return openSync(fsPath(path), flags);
    } catch (error) {
      throw this.#refusal(folder, error);
    }
  }

  /** Entries come depth first, so folders that are neither above nor near are done with. */
  #closeOldest(current: PathKey): void {
    for (const [key, fd] of this.#open) {
      if (this.#open.size <= openFoldersMax) return;
      if (key === rootKey || current.startsWith(key) || this.#holders.has(key)) continue;
      closeSync(fd);
      this.#open.delete(key);
    }
  }

  #checkFolders(folder: PathKey): void {
    let at = rootKey as string;
    for (const component of keyComponents(folder)) {
      at = at === '' ? component : `${at}\0${component}`;
      const stat = lstatSync(fsPath(targetPath(this.#target, at as PathKey)), { throwIfNoEntry: false });
      if (!stat?.isDirectory()) throw this.#refusal(at as PathKey, undefined);
    }
  }

  #refusal(folder: PathKey, cause: unknown): ExuviaError {
    const path = Buffer.from(targetPath(this.#target, folder), 'latin1').toString('utf8');
    const stat = lstatSync(fsPath(targetPath(this.#target, folder)), { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) {
      return new ExuviaError(`Cannot write into ${path}: it is a symbolic link`, {
        code: 'ERR_LINK_IN_TARGET',
        hint: 'Remove the link, or restore into another folder with --target.',
        cause,
      });
    }
    return new FileSystemError('open folder', path, cause);
  }
}

/**
 * By the number of this process: `self` is a link, which takes 1.2 µs of each of the three look-ups that a file needs. Where that is not
 * the number that /proc has for it, by that link.
 */
function ownDescriptors(): string {
  try {
    if (readlinkSync('/proc/self') === String(process.pid)) return `/proc/${process.pid}/fd`;
  } catch {
    // There is no /proc, or another one: whoever asks looks whether the folder is there.
  }
  return '/proc/self/fd';
}

/** How many descriptors this process may have. */
function descriptorsAllowed(): number {
  const [, soft = '0'] =
    /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
