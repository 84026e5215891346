/**
 * Hears of changes below the sources of a backup. Folder by folder, with the filter of the backup: what is not backed
 * up (the repository first of all) is not watched, and wakes nobody.
 */
import { type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, messageOf } from '../model/errors.ts';
import {
  type ByteString,
  byteStringOf,
  childKey,
  displayKey,
  fsPath,
  type PathKey,
  pathOfKey,
  rootKey,
} from '../model/paths.ts';
import type { PlannedSource } from '../openclaw/sources.ts';

export interface FolderWatchOptions {
  readonly onChange: () => void;
  /** Not everything can be watched: the system allows no more watches, or the folder is of a kind that tells nothing. Once. */
  readonly onTrouble: (reason: string) => void;
}

export class FolderWatch implements Disposable {
  readonly #options: FolderWatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  #isTroubled = false;

  constructor(sources: readonly PlannedSource[], options: FolderWatchOptions) {
    this.#options = options;
    for (const source of sources) this.#addSource(source);
  }

  get folders(): number {
    return this.#watchers.size;
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #addSource(source: PlannedSource): void {
    const stat = lstatSync(source.path, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isDirectory()) this.#addFolder(source, rootKey);
    // A single file is replaced by a rename: its folder tells.
    else
      this.#watch(
        dirname(source.path),
        (name) => join(dirname(source.path), name) === source.path && this.#options.onChange(),
      );
  }

  #addFolder(source: PlannedSource, key: PathKey): void {
    if (key !== rootKey && typeof source.filter.decide(key, 'directory') === 'object') return;
    const path = pathBelow(source, key);
    const isWatched = this.#watch(path, (name) => this.#onEvent(source, key, byteStringOf(name)));
    if (!isWatched) return;
    for (const name of foldersIn(path)) this.#addFolder(source, childKey(key, name));
  }

  #onEvent(source: PlannedSource, folder: PathKey, name: ByteString): void {
    const key = childKey(folder, name);
    const stat = lstatSync(fsPath(byteStringOf(pathBelow(source, key))), { throwIfNoEntry: false });
    if (stat?.isDirectory()) this.#addFolder(source, key);
    if (isNews(source, key, stat?.isDirectory() ?? false)) this.#options.onChange();
  }

  /** False when it is watched already, or cannot be. */
  #watch(path: string, onName: (name: string) => void): boolean {
    if (this.#watchers.has(path) || this.#isTroubled) return false;
    try {
      const watcher = watch(path, (_kind, name) => (name === null ? this.#options.onChange() : onName(name)));
      watcher.on('error', () => this.#drop(path)); // the folder has gone, which its parent tells
      this.#watchers.set(path, watcher);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false;
      this.#isTroubled = true;
      this.#options.onTrouble(`${path}: ${messageOf(error)}`);
      return false;
    }
  }

  #drop(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
    this.#options.onChange();
  }
}

function pathBelow(source: PlannedSource, key: PathKey): string {
  return key === rootKey ? source.path : join(source.path, displayKey(key));
}

function foldersIn(path: string): ByteString[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => byteStringOf(entry.name));
  } catch {
    return []; // It cannot be read, or has gone: the backup says so.
  }
}

/** The log beside a database is news of the database; the index beside that log changes when somebody only reads. */
function isNews({ filter }: PlannedSource, key: PathKey, isFolder: boolean): boolean {
  const path = pathOfKey(key);
  if (path.endsWith('-shm')) return false;
  if (path.endsWith('-wal') || path.endsWith('-journal')) return true;
  return typeof filter.decide(key, isFolder ? 'directory' : 'file') !== 'object';
}
