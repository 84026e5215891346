/** One file of a source stored: a database by a consistent copy, anything else by its bytes, read again when it did not hold still. */
import type { BigIntStats } from 'node:fs';
import { errnoOf, FileSystemError, invariant, tellsUnreadable } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import { type ByteString, byteStringOf, displayKey, type PathKey } from '../model/paths.ts';
import type { Progress } from '../model/progress.ts';
import { isSqliteHeader } from '../model/sqlite-names.ts';
import type { BlobStore, FileCache } from '../model/store.ts';
import type { FileNode, FileState, TreeNode } from '../model/tree.ts';
import type { CaptureResult, OnCopied, UncheckedCopy } from '../sqlite/capture.ts';
import type { WalkedEntry } from '../walker/source-walk.ts';
import type { Findings } from './findings.ts';
import { type OpenSource, readSmall, withSource } from './read-file.ts';
import {
  hashContent,
  type PreviousPages,
  type Steps,
  type StoredContent,
  storePages,
  storeSmallBytes,
  withUnits,
} from './store-content.ts';
import { storeFileContent } from './store-grown.ts';

/** The least that SQLite makes a database of: one page. */
const databaseBytesMin = 512n;
const smallBytesMax = BigInt(limits.singleChunkBytesMax);
const smallBuffer = Buffer.allocUnsafe(limits.singleChunkBytesMax);
const readAttemptsMax = 3;
/** A smaller database is taken apart as quickly as it is read once more. */
const wholeHashBytesMin = 1024 * 1024;

/** Takes a consistent copy of a live database. */
export type CaptureFile = (path: ByteString, onCopied: OnCopied) => Promise<CaptureResult>;

export interface StoreContext {
  readonly blobs: BlobStore;
  readonly cache: Pick<FileCache, 'blockDigests' | 'rememberBlockDigests'>;
  readonly capture: CaptureFile;
  /** Whether nothing is believed of what is known. */
  readonly force: boolean;
  readonly progress: Progress;
  /** Lets others have their turn, in the middle of a large file too. */
  readonly breathe: () => Promise<void>;
}

export class FileStorer {
  /** `user_version` of each captured database, by path. */
  readonly schemas: Record<string, number> = {};
  /** Databases that could not be captured. */
  readonly rawDatabases = new Set<PathKey>();
  readBytes = 0;
  readonly #context: StoreContext;
  readonly #findings: Findings;
  readonly #hardLinks = new Map<string, PathKey>();

  constructor(context: StoreContext, findings: Findings) {
    this.#context = context;
    this.#findings = findings;
  }

  /**
   * A small file that holds still, at once: most files are that, and to wait for each takes as long as to read it. Undefined, and
   * nothing stored, for any other, and for what may be a database: `store` knows what to do with it.
   */
  storeSmall(entry: WalkedEntry, previous: FileNode | undefined): FileNode | undefined {
    if (entry.stat.size > smallBytesMax || entry.isDatabaseName || entry.sidecars.length > 0)
      return undefined;
    const bytes = readSmallOrNot(entry);
    if (bytes === undefined || (entry.stat.size >= databaseBytesMin && isSqliteHeader(bytes)))
      return undefined;
    const size = bytes.length;
    this.#onBytes(size);
    const content = storeSmallBytes(this.#context.blobs, bytes, previous?.content);
    const state = this.rawDatabases.has(entry.key) ? 'raw' : 'stable';
    return this.#fileNode(entry, entry.stat, { content, size }, state);
  }

  /** A file whose bytes are those that are stored. */
  keep(entry: WalkedEntry, { content, size }: FileNode): FileNode {
    this.#onBytes(size);
    return this.#fileNode(entry, entry.stat, { content, size }, 'stable');
  }

  /**
   * A file that the walk has not come to. Undefined where whoever comes to it is to store it: it may be a database, or cannot be read.
   */
  async storeAhead(
    entry: WalkedEntry,
    previous: FileNode | undefined,
  ): Promise<{ readonly node: FileNode | undefined } | undefined> {
    try {
      const node = this.storeSmall(entry, previous) ?? (await this.#storePlain(entry, previous, true));
      return node === 'database' ? undefined : { node };
    } catch (error) {
      if (errnoOf(error) === undefined || error instanceof FileSystemError) throw error;
      return undefined;
    }
  }

  /**
   * Undefined when the file is gone or cannot be read; that is reported. `meanwhile` is done while a database is captured, before any
   * of that is stored. It has come to its end afterwards in any case, and its failures are none of this file's.
   */
  async store(
    entry: WalkedEntry,
    previous: FileNode | undefined,
    meanwhile: () => Promise<void>,
  ): Promise<FileNode | undefined> {
    let aside: Promise<void> | undefined;
    try {
      return await this.#storeOrReport(entry, previous, () => (aside ??= meanwhile()));
    } finally {
      await aside;
    }
  }

  async #storeOrReport(
    entry: WalkedEntry,
    previous: FileNode | undefined,
    meanwhile: () => Promise<void>,
  ): Promise<FileNode | undefined> {
    if (entry.stat.size > limits.fileBytesMax) {
      const reason = `it has ${entry.stat.size} bytes, at most ${limits.fileBytesMax} are stored`;
      this.#findings.incomplete(entry.key, reason, false);
      return undefined;
    }
    try {
      const isNamedDatabase = entry.isDatabaseName || entry.sidecars.length > 0;
      if (!isNamedDatabase || entry.stat.size < databaseBytesMin) {
        const stored = await this.#storePlain(entry, previous, true);
        if (stored !== 'database') return stored;
      }
      const captured = await this.#storeDatabase(entry, previous, meanwhile);
      if (captured !== undefined) return captured;
      return asNode(await this.#storePlain(entry, previous, false));
    } catch (error) {
      if (errnoOf(error) === undefined || error instanceof FileSystemError) throw error;
      this.#findings.failed(entry.key, error);
      return undefined;
    }
  }

  async #storeDatabase(
    entry: WalkedEntry,
    previous: FileNode | undefined,
    meanwhile: () => Promise<void>,
  ): Promise<FileNode | undefined> {
    // The copy is stored while it is checked. What was stored of one that turns out to be damaged is referred to by nothing.
    let storing: Promise<StoredContent | undefined> | undefined;
    let before: PreviousPages | undefined = previous;
    const asked = Promise.withResolvers<void>();
    const aside = asked.promise.then(meanwhile).then(() => {
      before = this.#withUnits(previous);
      this.#context.blobs.expectWrites?.();
    });
    aside.catch(() => {}); // whoever waits for it is told
    const capturing = this.#context.capture(entry.path, (copy) => {
      storing = this.#storeEarly(copy, () => before, Promise.all([aside, storing]));
      storing.catch(() => {}); // the same
    });
    asked.resolve(); // the child is asked before anything else is done
    const result = await capturing;
    await aside;
    const early = await storing;
    if (result.kind === 'not-a-database') return undefined;
    if (result.kind === 'failed') {
      this.rawDatabases.add(entry.key);
      const reason = `it could not be captured as a database (${result.reason}); its files are stored as they are`;
      this.#findings.incomplete(entry.key, reason, true);
      return undefined;
    }
    this.schemas[displayKey(entry.key)] = result.userVersion;
    const stored = early ?? (await this.#storeCopy(result, () => before));
    return stored && this.#fileNode(entry, entry.stat, stored, 'captured');
  }

  /** What cannot be read is met again, and told, where it is wanted. */
  #withUnits(previous: FileNode | undefined): PreviousPages | undefined {
    try {
      const before = withUnits(this.#context.blobs, previous);
      if (this.#context.force || before?.content.kind !== 'pages') return before;
      return { ...before, digests: this.#context.cache.blockDigests?.(before.content.hash) };
    } catch (error) {
      if (!tellsUnreadable(error)) throw error;
      return previous;
    }
  }

  /** Undefined where the copy has been found damaged and removed already. Of a database that is copied once more, the first is done with first. */
  async #storeEarly(
    copy: UncheckedCopy,
    before: () => PreviousPages | undefined,
    earlier: Promise<unknown> | undefined,
  ): Promise<StoredContent | undefined> {
    try {
      return await this.#storeCopy(copy, before, earlier);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #storeCopy(
    { copyPath, bytes, pageSize }: Omit<UncheckedCopy, 'kind'>,
    before: () => PreviousPages | undefined,
    earlier?: Promise<unknown>,
  ): Promise<StoredContent | undefined> {
    const { blobs } = this.#context;
    await earlier;
    const previous = before();
    return await withSource(byteStringOf(copyPath), async (source) => {
      const mayBeAsBefore = previous?.size === bytes && bytes >= wholeHashBytesMin;
      // With digests of its blocks the pages of one that has not changed are told as fast, without another reading of one that has.
      if (mayBeAsBefore && previous.digests === undefined && (await this.#isCopyOf(source, previous))) {
        this.#onBytes(bytes);
        return { content: previous.content, size: bytes };
      }
      source.seek(0);
      const steps = storePages(blobs, source.read, bytes, pageSize, previous, this.#onBytes);
      const { digests, ...stored } = await this.#inSteps(steps);
      if (digests !== undefined) this.#rememberDigests(digests, stored, previous);
      blobs.expectWait?.(); // for the check
      return stored;
    });
  }

  #rememberDigests(digests: Uint8Array, now: StoredContent, before: PreviousPages | undefined): void {
    if (now.content.kind !== 'pages' || before?.content.kind !== 'pages') return;
    if (now.content.hash === before.content.hash && before.digests !== undefined) return;
    this.#context.cache.rememberBlockDigests?.(now.content.hash, digests, before.content.hash);
  }

  /** Of a database that was only opened and closed, nothing has to be cut and compared page by page. */
  async #isCopyOf({ read }: OpenSource, { content, size }: PreviousPages): Promise<boolean> {
    return content.kind === 'pages' && (await this.#inSteps(hashContent(read, size))) === content.hash;
  }

  /**
   * A file by its bytes. Any file whose first bytes are those of a database is one, unless its name has told so already
   * (`mayBeDatabase` false): such a file is opened in the capturing process only.
   */
  async #storePlain(
    entry: WalkedEntry,
    previous: FileNode | undefined,
    mayBeDatabase: boolean,
  ): Promise<FileNode | 'database' | undefined> {
    const { blobs } = this.#context;
    for (let attempt = 1; ; attempt++) {
      const read = await withSource(entry.path, async (source) => {
        const size = Number(source.stat.size);
        if (mayBeDatabase && source.stat.size >= databaseBytesMin && source.isDatabase()) return 'database';
        const stored = await this.#inSteps(storeFileContent(blobs, source, size, previous, this.#onBytes));
        return { stored, stable: source.isUnchanged() && stored.size === size, stat: source.stat };
      });
      if (read === undefined) {
        this.#findings.skipped(entry.key, 'vanished', 'it is no longer a file');
        return undefined;
      }
      if (read === 'database') return read;
      const isLast = attempt >= readAttemptsMax || read.stored.size > limits.packBytesTarget;
      if (!read.stable && !isLast) continue;
      const isRaw = this.rawDatabases.has(entry.key);
      const state: FileState = isRaw ? 'raw' : read.stable ? 'stable' : 'changed';
      return this.#fileNode(entry, read.stat, read.stored, state);
    }
  }

  async #inSteps<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      await this.#context.breathe();
    }
  }

  readonly #onBytes = (bytes: number): void => {
    this.readBytes += bytes;
    this.#context.progress.advance({ bytes });
  };

  #fileNode({ key }: WalkedEntry, stat: BigIntStats, stored: StoredContent, state: FileState): FileNode {
    const node = { type: 'file', ...commonFields(stat), ...stored, state } as const;
    return stat.nlink > 1n ? { ...node, hardLink: this.hardLinkKey(key, stat) } : node;
  }

  /** The first name that was met of a file that has several. */
  hardLinkKey(key: PathKey, stat: BigIntStats): PathKey {
    const inode = `${stat.dev}:${stat.ino}`;
    const first = this.#hardLinks.get(inode) ?? key;
    this.#hardLinks.set(inode, first);
    return first;
  }
}

export function commonFields(stat: BigIntStats): Pick<TreeNode, 'mode' | 'uid' | 'gid' | 'mtimeNs'> {
  return {
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeNs: stat.mtimeNs,
  };
}

/** Whatever is wrong with it, who tries again will be told. */
function readSmallOrNot({ path, stat }: WalkedEntry): Uint8Array | undefined {
  try {
    return readSmall(path, stat, smallBuffer);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

/** What was not taken for a database again. */
function asNode(stored: FileNode | 'database' | undefined): FileNode | undefined {
  invariant(stored !== 'database', 'a file is asked once whether it is a database');
  return stored;
}
