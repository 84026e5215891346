/**
 * Carries out a plan. Each file is old or new at any moment, never half; what fails is a finding and the rest goes on; the
 * same restore can be run again.
 */
import {
  closeSync,
  constants,
  lchownSync,
  linkSync,
  lutimesSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { provenPieces } from '../codec/proven-pieces.ts';
import { removeFile } from '../io/files.ts';
import { placeFile, setFileAttributes, timeOf } from '../io/placed-file.ts';
import { DamageError, ExuviaError, errnoOf, InterruptedError, reasonOf } from '../model/errors.ts';
import {
  type ByteString,
  baseName,
  displayKey,
  fsPath,
  type PathKey,
  parentKey,
  rootKey,
} from '../model/paths.ts';
import { gathered } from '../model/pieces.ts';
import type { Progress } from '../model/progress.ts';
import { sidecarsOf } from '../model/sqlite-names.ts';
import type { ContentReader, FileAttributes, FilePlace } from '../model/store.ts';
import type { FileNode, TreeNode } from '../model/tree.ts';
import { wholeHashOf } from '../tree/content.ts';
import { attributesOf, secondsOf } from './attributes.ts';
import type { RestoreAction, RestorePlan } from './plan.ts';
import { SafeFolders } from './safe-folders.ts';
import { checkSpace } from './target-space.ts';
import { temporaryName } from './temporary-names.ts';
import { WrittenFolders } from './written-folders.ts';

export interface ExecuteOptions {
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Part of temporary names that nothing else uses. */
  readonly unique: string;
  readonly setOwner: boolean;
}

export interface RestoreResult {
  readonly filesWritten: number;
  readonly bytesWritten: number;
  readonly removed: number;
  readonly failures: readonly RestoreFailure[];
}

export interface RestoreFailure {
  readonly path: string;
  readonly reason: string;
  /** The stored bytes are damaged, as opposed to a target that cannot be written. */
  readonly isDamage: boolean;
}

type FileAction = RestoreAction & { readonly kind: 'write-file' };

const yieldEveryMs = 50;
const expectedFiles = 500;

export async function executeRestore(
  plan: RestorePlan,
  content: ContentReader,
  options: ExecuteOptions,
): Promise<RestoreResult> {
  checkSpace(plan);
  using folders = new SafeFolders(plan.target);
  return await new Executor(plan, content, options, folders).run();
}

class Executor {
  readonly #plan: RestorePlan;
  readonly #content: ContentReader;
  readonly #options: ExecuteOptions;
  readonly #folders: SafeFolders;
  readonly #failures: RestoreFailure[] = [];
  readonly #written: WrittenFolders;
  /** Hard link groups: the first file written of each. */
  readonly #linked = new Map<PathKey, PathKey>();
  /** Whether files are put in place by the store. */
  #isOrdering = false;
  readonly #counts = { filesWritten: 0, bytesWritten: 0, removed: 0 };
  #temporaryCount = 0;

  constructor(plan: RestorePlan, content: ContentReader, options: ExecuteOptions, folders: SafeFolders) {
    this.#plan = plan;
    this.#content = content;
    this.#options = options;
    this.#folders = folders;
    this.#written = new WrittenFolders(folders, plan.target, options.setOwner);
  }

  async run(): Promise<RestoreResult> {
    try {
      await this.#executeAll();
      await this.#finishOrders();
    } finally {
      // Also after a failure or an interruption: what threads have begun is theirs until it is done.
      if (this.#isInterrupted) this.#content.orders?.stop();
      while (this.#content.orders?.finishSome() === true);
    }
    const report = (key: PathKey, error: unknown): void =>
      void this.#failures.push({ path: displayKey(key), reason: reasonOf(error), isDamage: false });
    this.#written.finish(report);
    if (this.#isInterrupted) {
      throw new InterruptedError(
        'Interrupted; each file is old or new, and the restore can be run again (with --conflict overwrite for --target)',
      );
    }
    return { ...this.#counts, failures: this.#failures };
  }

  async #executeAll(): Promise<void> {
    const { writeBytes } = this.#plan.totals;
    this.#isOrdering = this.#folders.canHold && this.#content.orders?.expect(writeBytes) === true;
    this.#expectFrom(0);
    for (const [index, action] of this.#plan.actions.entries()) {
      if (index % expectedFiles === 0) this.#expectFrom(index + expectedFiles);
      // What the snapshot does not have goes when all that it has is there.
      if (isRemovalOfExtra(action)) await this.#finishOrders();
      if (!(await this.#goesOn())) return;
      if (action.kind === 'write-file' && this.#isOrdered(action)) continue;
      this.#attempt(action.key, () => {
        this.#execute(action);
        if (changesNames(action)) this.#written.noteChange(action.key);
      });
    }
  }

  #yieldedMs = performance.now();

  /** False when the restore is to end; signals are heard here. */
  async #goesOn(): Promise<boolean> {
    if (performance.now() - this.#yieldedMs > yieldEveryMs) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#yieldedMs = performance.now();
    }
    return !this.#isInterrupted;
  }

  get #isInterrupted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  async #finishOrders(): Promise<void> {
    while ((await this.#goesOn()) && this.#content.orders?.finishSome() === true);
  }

  #expectFrom(index: number): void {
    if (this.#isOrdering) return;
    const next = this.#plan.actions.slice(index, index + expectedFiles);
    this.#content.expectContents?.(next.flatMap((one) => (one.kind === 'write-file' ? [one.node] : [])));
  }

  #attempt<T>(key: PathKey, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (errnoOf(error) === undefined && !(error instanceof ExuviaError)) throw error;
      const reason = reasonOf(error);
      this.#failures.push({ path: displayKey(key), reason, isDamage: error instanceof DamageError });
      this.#options.progress.warn(`Cannot restore ${displayKey(key)}: ${reason}`);
      return undefined;
    }
  }

  #execute(action: RestoreAction): void {
    switch (action.kind) {
      case 'make-folder':
        this.#written.make(action);
        return;
      case 'write-file':
        this.#writeFile(action);
        return;
      case 'write-link':
        this.#writeLink(action);
        return;
      case 'set-attributes':
        this.#noteFirst(action.node.hardLink, action.key);
        this.#setAttributes(action.key, action.node, action.modeLimit);
        return;
      case 'remove':
        this.#remove(action.key, action.reason);
        this.#counts.removed++;
        return;
      case 'keep':
        this.#noteFirst(action.hardLink, action.key);
        return;
    }
  }

  #noteFirst(group: PathKey | undefined, key: PathKey): void {
    if (group !== undefined && !this.#linked.has(group)) this.#linked.set(group, key);
  }

  /** A folder goes only when it is empty: what came into it since the plan was made stays. */
  #remove(key: PathKey, reason: string): void {
    const path = fsPath(this.#folders.pathOf(key));
    if (reason !== 'empty') removeFile(path);
    else {
      rmdirSync(path);
      this.#written.forget(key);
    }
  }

  /**
   * Whether the store puts the file in place, now or later, beside this. Names of one file are made here, one after another; a database
   * that replaces one is written here, because the log of that one is gone already; and only where a folder can be held does its path
   * stay safe meanwhile.
   */
  #isOrdered(action: FileAction): boolean {
    const { key, node } = action;
    if (!this.#isOrdering || node.hardLink !== undefined) return false;
    if (node.state === 'captured' && action.replaces) return false;
    const folder = parentKey(key) ?? rootKey;
    const open = (): FilePlace => {
      const place = this.#placeOf(action);
      this.#folders.hold(folder);
      return place;
    };
    const done = (isInPlace: boolean): void => {
      this.#attempt(key, () => this.#finishFile(action, isInPlace));
      this.#folders.letGo(folder);
    };
    const order = { folder, open: () => this.#attempt(key, open), done };
    return this.#content.orders?.take(node, order) === true;
  }

  #finishFile(action: FileAction, isInPlace: boolean): void {
    if (!isInPlace && this.#isInterrupted) return;
    if (!isInPlace) this.#writeFile(action);
    else {
      this.#options.progress.advance({ bytes: action.node.size });
      this.#countFile(action.node.size);
    }
    this.#written.noteChange(action.key);
  }

  #writeFile(action: FileAction): void {
    const { node } = action;
    const place = this.#placeOf(action);
    const isLink = this.#linkToFirst(action.key, node, place);
    if (!isLink) {
      const whole = { size: node.size, hash: wholeHashOf(node.content) };
      placeFile(
        place,
        this.#counted(provenPieces(gathered(this.#content.readContent(node), node.size), whole)),
      );
    }
    this.#countFile(isLink ? 0 : node.size);
  }

  *#counted(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
    for (const piece of pieces) {
      yield piece;
      this.#options.progress.advance({ bytes: piece.length });
    }
  }

  #countFile(bytes: number): void {
    this.#counts.filesWritten++;
    this.#counts.bytesWritten += bytes;
    this.#options.progress.advance({ files: 1 });
  }

  #placeOf({ key, node, modeLimit }: FileAction): FilePlace {
    const path = this.#folders.pathOf(key);
    return {
      path,
      temporary: this.#temporaryFor(key, path),
      // Also those that came since the plan was made: a foreign log would be replayed into the restored database.
      obsolete: node.state === 'captured' ? (sidecarsOf(path) as ByteString[]) : [],
      attributes: this.#attributesOf(node, modeLimit),
    };
  }

  #attributesOf(node: TreeNode, modeLimit: number): FileAttributes {
    return attributesOf(node, { modeLimit, setOwner: this.#options.setOwner });
  }

  /** For the second and later names of a file: true when it could be linked. */
  #linkToFirst(key: PathKey, node: FileNode, { path, temporary, obsolete }: FilePlace): boolean {
    if (node.hardLink === undefined) return false;
    const first = this.#linked.get(node.hardLink);
    if (first === undefined) {
      this.#linked.set(node.hardLink, key);
      return false;
    }
    try {
      linkSync(fsPath(this.#folders.pathOf(first)), fsPath(temporary));
    } catch {
      return false; // No hard links here, or the first one failed: a copy of its own will do.
    }
    renameSync(fsPath(temporary), fsPath(path));
    removeFile(fsPath(temporary)); // rename does nothing when both are names of one file
    for (const one of obsolete) removeFile(fsPath(one));
    return true;
  }

  #writeLink(action: RestoreAction & { kind: 'write-link' }): void {
    const path = this.#folders.pathOf(action.key);
    const temporary = this.#temporaryFor(action.key, path);
    symlinkSync(fsPath(action.node.linkTarget), fsPath(temporary));
    if (this.#options.setOwner) lchownSync(fsPath(temporary), action.node.uid, action.node.gid);
    const time = timeOf(secondsOf(action.node));
    lutimesSync(fsPath(temporary), time, time);
    renameSync(fsPath(temporary), fsPath(path));
  }

  #setAttributes(key: PathKey, node: FileNode, modeLimit: number): void {
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    const fd = openSync(fsPath(this.#folders.pathOf(key)), flags);
    try {
      setFileAttributes(fd, this.#attributesOf(node, modeLimit));
    } finally {
      closeSync(fd);
    }
  }

  #temporaryFor(key: PathKey, path: ByteString): ByteString {
    const name = temporaryName(this.#options.unique, this.#temporaryCount++);
    if (parentKey(key) === undefined) return `${dirname(path)}/${name}` as ByteString;
    return (path.slice(0, path.length - baseName(key).length) + name) as ByteString;
  }
}

function changesNames(action: RestoreAction): boolean {
  if (action.kind === 'make-folder') return !action.exists;
  return action.kind !== 'keep' && action.kind !== 'set-attributes';
}

function isRemovalOfExtra(action: RestoreAction): boolean {
  return action.kind === 'remove' && (action.reason === 'extra' || action.reason === 'empty');
}
