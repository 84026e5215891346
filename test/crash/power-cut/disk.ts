/**
 * A disk that forgets: what a power cut may leave of the operations done so far. The data of a file is there for certain
 * once the file was synced, a name once its folder was; until then each write and each change of a name is there or not,
 * whatever became of the others. That is harsher than any journal, and all that is promised.
 */
import { type FileOperation, nameOf, parentOf } from './operations.ts';

export type DataChange =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number };

export interface FileItem {
  readonly type: 'file';
  readonly id: number;
  /** Grows whenever something below becomes certain: with the id, a name for the certain part. */
  stamp: number;
  certain: Uint8Array;
  pending: DataChange[];
  readonly folders: Set<FolderItem>;
}

export interface LinkItem {
  readonly type: 'link';
  readonly id: number;
  readonly target: string;
}

export interface FolderItem {
  readonly type: 'folder';
  readonly id: number;
  readonly parent: FolderItem | undefined;
  /** Names in it are not looked at after a power cut: they are on their way elsewhere. */
  readonly isScratch: boolean;
  stamp: number;
  readonly live: Map<string, Item>;
  certain: Map<string, Item>;
  pending: NameChange[];
}

export type Item = FileItem | LinkItem | FolderItem;

/** Renaming within a folder is one change of two names. */
export type NameChange = readonly (readonly [name: string, item: Item | undefined])[];

/** One thing that may be there or not. */
export type Unit =
  | { readonly kind: 'names'; readonly folder: FolderItem; readonly index: number }
  | { readonly kind: 'data'; readonly file: FileItem; readonly index: number; readonly bytes: number };

export class Disk {
  readonly root: FolderItem;
  readonly #isScratch: (path: string) => boolean;
  readonly #pendingFiles = new Set<FileItem>();
  readonly #pendingFolders = new Set<FolderItem>();
  #nextId = 0;
  #stamp = 0;

  constructor(isScratch: (path: string) => boolean) {
    this.#isScratch = isScratch;
    this.root = this.#newFolder(undefined, '/');
  }

  apply(operation: FileOperation): void {
    switch (operation.kind) {
      case 'open':
        this.#open(operation.path, operation.created);
        return;
      case 'write':
      case 'truncate':
        this.#change(this.#mustGetFile(operation.path), operation);
        return;
      case 'sync':
        this.#sync(this.#mustGet(operation.path));
        return;
      case 'rename':
        this.#rename(operation.from, operation.to);
        return;
      case 'remove':
        this.#setName(operation.path, undefined);
        return;
      case 'make-folder':
        this.#makeFolder(operation.path);
        return;
      case 'link':
        this.#setName(operation.to, this.#mustGetFile(operation.from));
        return;
      case 'symlink':
        this.#setName(operation.path, { type: 'link', id: this.#nextId++, target: operation.target });
        return;
      case 'unknown':
        throw new Error(`The log is not exact: ${operation.call} of ${operation.path}`);
    }
  }

  /** Everything below `folder`, but for what `keep` names in it, is certain and is just these files. */
  settle(folder: string, files: ReadonlyMap<string, Uint8Array>, keep: string): void {
    const item = this.#folderAt(folder);
    this.#forgetPendingBelow(item, keep);
    for (const name of [...item.live.keys()]) if (name !== keep) item.live.delete(name);
    for (const [path, bytes] of files) {
      const parent = this.#folderAt(parentOf(path));
      const file = this.#newFile(bytes);
      file.folders.add(parent);
      parent.live.set(nameOf(path), file);
      parent.certain.set(nameOf(path), file);
    }
    const kept = item.certain.get(keep);
    const certain = new Map([...item.live].filter(([name]) => name !== keep));
    item.certain = kept === undefined ? certain : certain.set(keep, kept);
    this.#touch(item);
  }

  /** Makes everything certain, as an orderly end of the system does. */
  syncAll(): void {
    for (const file of [...this.#pendingFiles]) this.#sync(file);
    for (const folder of [...this.#pendingFolders]) this.#sync(folder);
  }

  /** What is not certain at this moment. */
  units(): Unit[] {
    const units: Unit[] = [];
    for (const folder of this.#pendingFolders) {
      folder.pending.forEach((_, index) => {
        units.push({ kind: 'names', folder, index });
      });
    }
    for (const file of this.#pendingFiles) {
      file.pending.forEach((change, index) => {
        units.push({ kind: 'data', file, index, bytes: change.kind === 'write' ? change.bytes.length : 0 });
      });
    }
    return units;
  }

  /** Folders in or below which something is not certain. */
  uncertainFolders(): Set<FolderItem> {
    const found = new Set<FolderItem>();
    const mark = (start: FolderItem) => {
      for (let at: FolderItem | undefined = start; at !== undefined; at = at.parent) found.add(at);
    };
    for (const folder of this.#pendingFolders) mark(folder);
    for (const file of this.#pendingFiles) for (const folder of file.folders) mark(folder);
    return found;
  }

  #open(path: string, created: boolean): void {
    if (created) this.#setName(path, this.#newFile(new Uint8Array()));
    else this.#change(this.#mustGetFile(path), { kind: 'truncate', size: 0 });
  }

  #change(file: FileItem, change: DataChange): void {
    file.pending.push(change);
    this.#pendingFiles.add(file);
  }

  #sync(item: Item): void {
    if (item.type === 'file') {
      if (item.pending.length === 0) return;
      item.certain = applyChanges(
        item.certain,
        item.pending.map((change) => ({ change, bytes: Number.POSITIVE_INFINITY, isZero: false })),
      );
      item.pending = [];
      this.#pendingFiles.delete(item);
      this.#touch(item);
    } else if (item.type === 'folder') {
      if (item.pending.length === 0) return;
      for (const change of item.pending) applyNames(item.certain, change);
      item.pending = [];
      this.#pendingFolders.delete(item);
      this.#touch(item);
    }
  }

  /** Between folders the new name and the end of the old one are two changes. */
  #rename(from: string, to: string): void {
    const item = this.#mustGet(from);
    if (parentOf(from) !== parentOf(to)) {
      this.#setName(to, item);
      this.#setName(from, undefined);
      return;
    }
    if (this.#mustGetFolder(parentOf(to)).live.get(nameOf(to)) === item) return; // two names of one file: nothing is done
    this.#changeNames(parentOf(from), [
      [nameOf(from), undefined],
      [nameOf(to), item],
    ]);
  }

  #makeFolder(path: string): void {
    const parent = this.#mustGetFolder(parentOf(path));
    if (parent.live.get(nameOf(path))?.type === 'folder') return;
    this.#setName(path, this.#newFolder(parent, path));
  }

  #setName(path: string, item: Item | undefined): void {
    this.#changeNames(parentOf(path), [[nameOf(path), item]]);
  }

  #changeNames(folderPath: string, change: NameChange): void {
    const folder = this.#mustGetFolder(folderPath);
    for (const [name, item] of change) {
      if (item?.type === 'file') item.folders.add(folder);
      const gone = folder.live.get(name);
      if (item === undefined && folder.isScratch && gone?.type === 'file') this.#leaveScratch(gone, folder);
    }
    applyNames(folder.live, change);
    if (folder.isScratch) return;
    folder.pending.push(change);
    this.#pendingFolders.add(folder);
  }

  /** A temporary file that is removed cannot come back. */
  #leaveScratch(file: FileItem, folder: FolderItem): void {
    file.folders.delete(folder);
    if (file.folders.size === 0) this.#pendingFiles.delete(file);
  }

  #forgetPendingBelow(folder: FolderItem, keep: string): void {
    folder.pending = folder.pending.filter((change) => change.some(([name]) => name === keep));
    if (folder.pending.length === 0) this.#pendingFolders.delete(folder);
    for (const [name, item] of folder.live) {
      if (name === keep) continue;
      if (item.type === 'folder') this.#forgetPendingBelow(item, '');
      if (item.type === 'file') this.#pendingFiles.delete(item);
    }
  }

  #touch(item: FileItem | FolderItem): void {
    item.stamp = ++this.#stamp;
    const starts = item.type === 'file' ? [...item.folders] : [item.parent];
    for (const start of starts) for (let at = start; at !== undefined; at = at.parent) at.stamp = this.#stamp;
  }

  #newFile(certain: Uint8Array): FileItem {
    return {
      type: 'file',
      id: this.#nextId++,
      stamp: ++this.#stamp,
      certain,
      pending: [],
      folders: new Set(),
    };
  }

  #newFolder(parent: FolderItem | undefined, path: string): FolderItem {
    return {
      type: 'folder',
      id: this.#nextId++,
      parent,
      isScratch: parent?.isScratch === true || this.#isScratch(path),
      stamp: ++this.#stamp,
      live: new Map(),
      certain: new Map(),
      pending: [],
    };
  }

  /** The folder at `path`, made and certain where it is missing. */
  #folderAt(path: string): FolderItem {
    if (path === '/') return this.root;
    const parent = this.#folderAt(parentOf(path));
    const found = parent.live.get(nameOf(path));
    if (found?.type === 'folder') return found;
    const made = this.#newFolder(parent, path);
    parent.live.set(nameOf(path), made);
    parent.certain.set(nameOf(path), made);
    return made;
  }

  #find(path: string): Item | undefined {
    let at: Item | undefined = this.root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      at = at?.type === 'folder' ? at.live.get(name) : undefined;
    }
    return at;
  }

  #mustGet(path: string): Item {
    const item = this.#find(path);
    if (item === undefined) throw new Error(`The log names ${path}, which is not there`);
    return item;
  }

  #mustGetFile(path: string): FileItem {
    const item = this.#mustGet(path);
    if (item.type !== 'file') throw new Error(`${path} is no file`);
    return item;
  }

  #mustGetFolder(path: string): FolderItem {
    const item = this.#mustGet(path);
    if (item.type !== 'folder') throw new Error(`${path} is no folder`);
    return item;
  }
}

export function applyNames(names: Map<string, Item>, change: NameChange): void {
  for (const [name, item] of change) {
    if (item === undefined) names.delete(name);
    else names.set(name, item);
  }
}

export interface DoneChange {
  readonly change: DataChange;
  /** How many bytes of a write reached the disk. */
  readonly bytes: number;
  /** The length of the file is there, the bytes are not. */
  readonly isZero: boolean;
}

export function applyChanges(before: Uint8Array, changes: readonly DoneChange[]): Uint8Array {
  let size = before.length;
  let content: Buffer = Buffer.from(before);
  for (const { change, bytes, isZero } of changes) {
    if (change.kind === 'truncate') {
      size = change.size;
      content = resized(content, size);
      continue;
    }
    const written = change.bytes.subarray(0, Math.min(bytes, change.bytes.length));
    size = Math.max(size, change.position + written.length);
    content = resized(content, size);
    if (isZero) content.fill(0, change.position, change.position + written.length);
    else content.set(written, change.position);
  }
  return content;
}

function resized(content: Buffer, size: number): Buffer {
  if (size <= content.length) return content.subarray(0, size);
  return Buffer.concat([content], size); // the rest is zero
}
