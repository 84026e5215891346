/** Folders that a restore makes, and what is due to them at its end: names that came or went made durable, modes and times. */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  utimesSync,
} from 'node:fs';
import { makePrivateFolder, syncFoldersAbove } from '../io/files.ts';
import { timeOf } from '../io/placed-file.ts';
import { errnoOf } from '../model/errors.ts';
import { type ByteString, fsPath, type PathKey, parentKey, rootKey, textOf } from '../model/paths.ts';
import { attributesOf } from './attributes.ts';
import type { RestoreAction } from './plan.ts';
import type { SafeFolders } from './safe-folders.ts';

type FolderAction = RestoreAction & { readonly kind: 'make-folder' };
type Report = (key: PathKey, error: unknown) => void;

export class WrittenFolders {
  readonly #folders: SafeFolders;
  readonly #target: ByteString;
  readonly #setOwner: boolean;
  readonly #made: FolderAction[] = [];
  /** Those in which names came or went. */
  readonly #changed = new Set<PathKey>();
  #isTargetNew = false;

  constructor(folders: SafeFolders, target: ByteString, setOwner: boolean) {
    this.#folders = folders;
    this.#target = target;
    this.#setOwner = setOwner;
  }

  make(action: FolderAction): void {
    const { key, exists, isWanted } = action;
    if (!exists) {
      const path = this.#folders.pathOf(key);
      if (key === rootKey) makePrivateFolder(textOf(path));
      else makeIfMissing(path);
    }
    if (!exists || isWanted) this.#made.push(action);
  }

  /** To be called when the name `key` has come or gone. */
  noteChange(key: PathKey): void {
    const folder = parentKey(key);
    if (folder === undefined) this.#isTargetNew = true;
    else this.#changed.add(folder);
  }

  /** The folder itself is gone. */
  forget(key: PathKey): void {
    this.#changed.delete(key);
  }

  /** Modes and times come last, deepest first: writing into a folder changes its time. */
  finish(report: Report): void {
    this.#sync(report);
    for (const action of this.#made.reverse()) attempt(action.key, report, () => this.#setAttributes(action));
  }

  /** What is reported as restored must not be undone by a power cut. */
  #sync(report: Report): void {
    // Windows has no such call.
    const changed = process.platform === 'win32' ? [] : this.#changed;
    for (const key of changed) attempt(key, report, () => syncFolderAt(this.#folders.pathOf(key)));
    if (this.#isTargetNew) syncFoldersAbove(textOf(this.#target));
  }

  #setAttributes({ key, node, modeLimit }: FolderAction): void {
    this.#folders.useFolder(key, (folder) => {
      const path = fsPath(folder);
      const { owner, mode, mtime } = attributesOf(node, { modeLimit, setOwner: this.#setOwner });
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
      chmodSync(path, mode);
      utimesSync(path, timeOf(mtime), timeOf(mtime));
    });
  }
}

function attempt(key: PathKey, report: Report, work: () => void): void {
  try {
    work();
  } catch (error) {
    report(key, error);
  }
}

function syncFolderAt(path: ByteString): void {
  const fd = openSync(fsPath(path), constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function makeIfMissing(path: ByteString): void {
  try {
    mkdirSync(fsPath(path), { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}
