/**
 * What a restore would do, found by reading the target's metadata and writing nothing. Executed by execute.ts; printed by
 * `--dry-run`.
 */
import { type BigIntStats, readlinkSync } from 'node:fs';
import { ExuviaError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import {
  type ByteString,
  baseName,
  childKey,
  displayKey,
  fsPath,
  type PathKey,
  parentKey,
  rootKey,
  textOf,
} from '../model/paths.ts';
import type { EntryType } from '../model/selection.ts';
import { databaseOfSidecar, sidecarsOf } from '../model/sqlite-names.ts';
import type { TreeReader } from '../model/store.ts';
import type { DirectoryNode, FileNode, SymlinkNode, TreeEntry } from '../model/tree.ts';
import { hasContent } from './same-content.ts';
import { hasSameTimes, modeLimitOf, namesIn, statOf, typeOf } from './target-entries.ts';
import { targetPath } from './target-path.ts';
import { isTemporaryName } from './temporary-names.ts';
import { wantedEntries } from './wanted-entries.ts';

/** What to do with a file of the target that is not what the snapshot has. */
export type ConflictPolicy = 'overwrite' | 'keep' | 'newer' | 'fail';

export interface RestoreRequest {
  /** The id of the blob with this hash, where `tree` is stored. */
  readonly idOfHash: (hash: Uint8Array) => BlobId;
  readonly tree: TreeReader;
  /** Absolute path of the folder (or single file) that the root entry becomes. */
  readonly target: ByteString;
  readonly wanted: (key: PathKey, type: EntryType) => boolean;
  /** Whether something in this folder may be wanted; without it, in any. */
  readonly mayHold?: (folder: PathKey) => boolean;
  readonly conflict: ConflictPolicy;
  readonly deleteExtra: boolean;
  /** Whether something the snapshot does not have may be removed. */
  readonly mayDelete: (key: PathKey, type: EntryType) => boolean;
  readonly nowMs: number;
}

/** A temporary file that nobody wrote to for so long belongs to no restore that is still at work. */
const leftoverQuietMs = 10 * 60_000;

export type RestoreAction =
  | {
      readonly kind: 'make-folder';
      readonly key: PathKey;
      readonly node: DirectoryNode;
      readonly exists: boolean;
      /** False for a folder that is only on the way: one that is there is left as it is. */
      readonly isWanted: boolean;
      readonly modeLimit: number;
    }
  | {
      readonly kind: 'write-file';
      readonly key: PathKey;
      readonly node: FileNode;
      readonly replaces: boolean;
      readonly modeLimit: number;
    }
  | {
      readonly kind: 'write-link';
      readonly key: PathKey;
      readonly node: SymlinkNode;
      readonly replaces: boolean;
    }
  | {
      readonly kind: 'set-attributes';
      readonly key: PathKey;
      readonly node: FileNode;
      readonly modeLimit: number;
    }
  | {
      readonly kind: 'remove';
      readonly key: PathKey;
      readonly reason: 'extra' | 'empty' | 'sidecar' | 'type' | 'leftover';
    }
  | {
      readonly kind: 'keep';
      readonly key: PathKey;
      readonly reason: 'unchanged' | 'policy';
      /** Of an unchanged file of a hard link group: what is written of the group is linked to it. */
      readonly hardLink?: PathKey;
    };

export interface RestorePlan {
  readonly target: ByteString;
  readonly actions: readonly RestoreAction[];
  readonly totals: RestoreTotals;
}

export interface RestoreTotals {
  readonly newFiles: number;
  readonly replacedFiles: number;
  readonly unchangedFiles: number;
  readonly keptFiles: number;
  readonly removed: number;
  readonly links: number;
  readonly folders: number;
  readonly writeBytes: number;
}

/** @throws ExuviaError with policy 'fail' when something in the target differs */
export function planRestore(request: RestoreRequest): RestorePlan {
  return new Planner(request).run();
}

class Planner {
  readonly #request: RestoreRequest;
  readonly #actions: RestoreAction[] = [];
  readonly #madeFolders = new Set<PathKey>();
  /** Where what is not among them is removed. */
  readonly #wantedKeys = new Set<PathKey>();
  readonly #conflicts: PathKey[] = [];

  constructor(request: RestoreRequest) {
    this.#request = request;
  }

  run(): RestorePlan {
    const { tree, wanted, mayHold = () => true } = this.#request;
    for (const entry of wantedEntries(tree, { wanted, mayHold })) this.#planEntry(entry);
    if (this.#conflicts.length > 0) throw this.#conflictError();
    this.#planLeftovers();
    if (this.#request.deleteExtra) this.#planRemovals();
    return { target: this.#request.target, actions: this.#actions, totals: totalsOf(this.#actions) };
  }

  #planEntry(entry: TreeEntry): void {
    const { key, node } = entry;
    const isNewParent = this.#planParents(key);
    if (this.#isBelowKept(key)) return;
    if (this.#request.deleteExtra) this.#wantedKeys.add(key);
    const present = isNewParent ? undefined : statOf(targetPath(this.#request.target, key));
    if (node.type === 'directory') this.#planFolder(key, node, present);
    else if (present?.isDirectory()) this.#planOverFolder(entry);
    else if (node.type === 'file') this.#planFile(key, node, present);
    else this.#planLink(key, node, present);
  }

  /** Folders above a wanted entry that are not wanted themselves. Returns whether the parent is yet to be made. */
  #planParents(key: PathKey): boolean {
    const parent = parentKey(key);
    if (parent === undefined) return false;
    // Most entries are in the folder that the one before them is in.
    if (this.#last?.parent !== parent) this.#last = { parent, isNew: this.#planParent(parent) };
    return this.#last.isNew;
  }

  #last: { readonly parent: PathKey; readonly isNew: boolean } | undefined;

  #planParent(parent: PathKey): boolean {
    if (this.#madeFolders.has(parent)) return this.#isNew(parent);
    const entry = this.#request.tree.getEntry(parent);
    if (entry?.node.type === 'directory') {
      this.#planParents(parent);
      this.#planFolder(parent, entry.node, statOf(targetPath(this.#request.target, parent)));
    }
    return this.#isNew(parent);
  }

  readonly #newFolders = new Set<PathKey>();
  /** Things that stay although the snapshot has a folder there: nothing can be put below them. */
  readonly #keptInstead = new Set<PathKey>();

  #isBelowKept(key: PathKey): boolean {
    if (this.#keptInstead.size === 0) return false;
    for (let at = parentKey(key); at !== undefined; at = parentKey(at))
      if (this.#keptInstead.has(at)) return true;
    return false;
  }

  #isNew(folder: PathKey): boolean {
    return this.#newFolders.has(folder);
  }

  #planFolder(key: PathKey, node: DirectoryNode, present: BigIntStats | undefined): void {
    if (this.#madeFolders.has(key)) return;
    const exists = present?.isDirectory() === true;
    if (present !== undefined && !exists) {
      if (!this.#mayReplace(key, present, node.mtimeNs)) {
        this.#keptInstead.add(key);
        return;
      }
      this.#actions.push({ kind: 'remove', key, reason: 'type' });
    }
    this.#madeFolders.add(key);
    if (!exists) this.#newFolders.add(key);
    this.#actions.push({
      kind: 'make-folder',
      key,
      node,
      exists,
      isWanted: this.#request.wanted(key, 'directory'),
      modeLimit: exists && present !== undefined ? modeLimitOf(present) : 0o777,
    });
  }

  /** A folder stands where the snapshot has a file or link: it goes only when it may be deleted and is asked for. */
  #planOverFolder(entry: TreeEntry): void {
    if (!this.#request.deleteExtra || !this.#planExtra(entry.key)) {
      this.#conflicts.push(entry.key);
      return;
    }
    if (entry.node.type === 'file') this.#planFile(entry.key, entry.node, undefined);
    else if (entry.node.type === 'symlink') this.#planLink(entry.key, entry.node, undefined);
  }

  /**
   * The same times and the same bytes. Times alone are no proof: those of a database stand still while its changes wait in
   * the log, and anybody can set them.
   */
  #isSameFile(node: FileNode, present: BigIntStats, path: ByteString): boolean {
    if (!present.isFile() || present.size !== BigInt(node.size) || !hasSameTimes(node, present)) return false;
    return hasContent(path, node.content, this.#request.idOfHash);
  }

  #planFile(key: PathKey, node: FileNode, present: BigIntStats | undefined): void {
    if (
      present !== undefined &&
      this.#isSameFile(node, present, targetPath(this.#request.target, key)) &&
      !this.#hasSidecar(key, node) &&
      this.#isLinkedAsStored(node, present)
    ) {
      this.#planUnchanged(key, node, present);
      return;
    }
    this.#noteOfGroup(node, undefined);
    if (present !== undefined && !this.#mayReplace(key, present, node.mtimeNs)) return;
    this.#planSidecars(key, node);
    const modeLimit = present?.isFile() ? modeLimitOf(present) : 0o777;
    this.#actions.push({ kind: 'write-file', key, node, replaces: present !== undefined, modeLimit });
  }

  #planUnchanged(key: PathKey, node: FileNode, present: BigIntStats): void {
    this.#noteOfGroup(node, present.ino);
    const modeLimit = modeLimitOf(present);
    const isExact = Number(present.mode & 0o777n) === (node.mode & 0o777 & modeLimit);
    const group = node.hardLink === undefined ? {} : { hardLink: node.hardLink };
    if (isExact) this.#actions.push({ kind: 'keep', key, reason: 'unchanged', ...group });
    else this.#actions.push({ kind: 'set-attributes', key, node, modeLimit });
  }

  /** Of each hard link group the inode of its first file, when that one stays as it is. */
  readonly #groupInodes = new Map<PathKey, bigint | undefined>();

  #noteOfGroup({ hardLink }: FileNode, inode: bigint | undefined): void {
    if (hardLink !== undefined && !this.#groupInodes.has(hardLink)) this.#groupInodes.set(hardLink, inode);
  }

  /** A restore that was killed between two names of a file leaves them apart: the next one links them again. */
  #isLinkedAsStored({ hardLink }: FileNode, present: BigIntStats): boolean {
    if (hardLink === undefined || this.#request.conflict !== 'overwrite') return true;
    return !this.#groupInodes.has(hardLink) || this.#groupInodes.get(hardLink) === present.ino;
  }

  #planLink(key: PathKey, node: SymlinkNode, present: BigIntStats | undefined): void {
    if (present?.isSymbolicLink()) {
      const target = readlinkSync(fsPath(targetPath(this.#request.target, key)), { encoding: 'latin1' });
      if (target === node.linkTarget) {
        this.#actions.push({ kind: 'keep', key, reason: 'unchanged' });
        return;
      }
    }
    if (present !== undefined && !this.#mayReplace(key, present, node.mtimeNs)) return;
    this.#actions.push({ kind: 'write-link', key, node, replaces: present !== undefined });
  }

  #mayReplace(key: PathKey, present: BigIntStats, mtimeNs: bigint): boolean {
    const { conflict } = this.#request;
    if (conflict === 'overwrite' || (conflict === 'newer' && mtimeNs > present.mtimeNs)) return true;
    if (conflict === 'fail') this.#conflicts.push(key);
    else this.#actions.push({ kind: 'keep', key, reason: 'policy' });
    return false;
  }

  #hasSidecar(key: PathKey, node: FileNode): boolean {
    return node.state === 'captured' && this.#presentSidecars(key).length > 0;
  }

  /**
   * What SQLite left beside the old database would be replayed into the new one. It goes before the new file comes: a crash
   * between the two leaves the old database without its last transactions, which the snapshot taken before has.
   */
  #planSidecars(key: PathKey, node: FileNode): void {
    if (node.state !== 'captured') return;
    for (const sidecar of this.#presentSidecars(key)) {
      this.#actions.push({ kind: 'remove', key: sidecar, reason: 'sidecar' });
    }
  }

  #presentSidecars(key: PathKey): PathKey[] {
    const parent = parentKey(key);
    if (parent === undefined) return [];
    return sidecarsOf(baseName(key))
      .map((name) => childKey(parent, name as ByteString))
      .filter((sidecar) => statOf(targetPath(this.#request.target, sidecar))?.isFile());
  }

  /** What a killed restore left on the way to its place. */
  #planLeftovers(): void {
    for (const folder of this.#madeFolders) {
      if (this.#newFolders.has(folder)) continue;
      for (const name of namesIn(targetPath(this.#request.target, folder)).filter(isTemporaryName)) {
        const key = childKey(folder, name);
        const stat = statOf(targetPath(this.#request.target, key));
        const quietMs = stat === undefined ? 0 : this.#request.nowMs - Number(stat.ctimeMs);
        if (quietMs > leftoverQuietMs) this.#actions.push({ kind: 'remove', key, reason: 'leftover' });
      }
    }
  }

  /** What is in the folders that are restored and not in the snapshot. */
  #planRemovals(): void {
    const removed = new Set(
      this.#actions.flatMap((action) => (action.kind === 'remove' ? [action.key] : [])),
    );
    for (const folder of this.#madeFolders) {
      if (!this.#newFolders.has(folder) && this.#request.wanted(folder, 'directory'))
        this.#planRemovalsIn(folder, removed);
    }
  }

  #planRemovalsIn(folder: PathKey, removed: ReadonlySet<PathKey>): void {
    for (const name of namesIn(targetPath(this.#request.target, folder))) {
      const key = childKey(folder, name);
      if (this.#wantedKeys.has(key) || this.#request.tree.getEntry(key) !== undefined || removed.has(key))
        continue;
      this.#planExtra(key);
    }
  }

  /**
   * Removes what the snapshot does not have, entry by entry: a folder goes only when all that is in it may go. Returns
   * whether it does.
   */
  #planExtra(key: PathKey): boolean {
    const stat = statOf(targetPath(this.#request.target, key));
    if (stat === undefined) return true;
    const type = typeOf(stat);
    if (!this.#request.mayDelete(key, type) || this.#belongsToDatabase(key)) return false;
    if (type === 'directory') {
      const names = namesIn(targetPath(this.#request.target, key));
      const gone = names.map((name) => this.#planExtra(childKey(key, name)));
      if (gone.includes(false)) return false;
    }
    this.#actions.push({ kind: 'remove', key, reason: type === 'directory' ? 'empty' : 'extra' });
    return true;
  }

  /** A log or journal of a database that is there: it goes with its database, or when that is replaced. */
  #belongsToDatabase(key: PathKey): boolean {
    const database = databaseOfSidecar(baseName(key));
    const parent = parentKey(key);
    if (database === undefined || parent === undefined) return false;
    return statOf(targetPath(this.#request.target, childKey(parent, database as ByteString))) !== undefined;
  }

  #conflictError(): ExuviaError {
    const [first = rootKey] = this.#conflicts;
    const more = this.#conflicts.length > 1 ? ` and ${this.#conflicts.length - 1} more` : '';
    return new ExuviaError(
      `Cannot restore ${displayKey(first) || textOf(this.#request.target)}${more}: something else is in its place`,
      {
        code: 'ERR_CONFLICT',
        hint: 'With --conflict overwrite files are replaced, with --delete also folders that stand where files belong.',
      },
    );
  }
}

function totalsOf(actions: readonly RestoreAction[]): RestoreTotals {
  const count = (test: (action: RestoreAction) => boolean): number => actions.filter(test).length;
  return {
    newFiles: count((action) => action.kind === 'write-file' && !action.replaces),
    replacedFiles: count((action) => action.kind === 'write-file' && action.replaces),
    unchangedFiles: count((action) => action.kind === 'keep' && action.reason === 'unchanged'),
    keptFiles: count((action) => action.kind === 'keep' && action.reason === 'policy'),
    removed: count((action) => action.kind === 'remove' && action.reason !== 'type'),
    links: count((action) => action.kind === 'write-link'),
    folders: count((action) => action.kind === 'make-folder' && !action.exists),
    writeBytes: actions.reduce(
      (sum, action) => sum + (action.kind === 'write-file' ? action.node.size : 0),
      0,
    ),
  };
}
