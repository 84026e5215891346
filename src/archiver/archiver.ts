/**
 * Backs up one source: walks it beside what is known of it, reads only what changed, and builds its tree. One bad file is
 * a finding; the run goes on.
 */
import type { BigIntStats } from 'node:fs';
import { readlinkSync } from 'node:fs';
import { decodeNode, encodeNode } from '../codec/node-codec.ts';
import { errnoOf, FileSystemError, InterruptedError, invariant, messageOf } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import {
  type ByteString,
  byteStringFromLatin1,
  byteStringOf,
  displayKey,
  fsPath,
  type PathKey,
} from '../model/paths.ts';
import type { Progress } from '../model/progress.ts';
import type { PathFilter } from '../model/selection.ts';
import type { SkippedPath, UnreadableFile } from '../model/snapshot.ts';
import type { BlobStore, FileCache } from '../model/store.ts';
import type { FileNode, FileState, TreeNode } from '../model/tree.ts';
import type { CaptureResult } from '../sqlite/capture.ts';
import { TreeBuilder } from '../tree/tree.ts';
import { type WalkedEntry, type WalkReport, walkSource } from '../walker/source-walk.ts';
import { fingerprintOf, isRacy } from './fingerprint.ts';
import { KnownFiles } from './known-files.ts';
import { pathFields } from './path-fields.ts';
import { withSource } from './read-file.ts';
import { type Steps, type StoredContent, storeContent, storePages } from './store-content.ts';

export interface ArchiveRequest {
  /** Absolute path, links resolved. */
  readonly path: ByteString;
  readonly filter: PathFilter;
  /** Whether files that are known but not met are gone (not when only a part of the source is looked at). */
  readonly isWhole: boolean;
  /** Name of the source in the file cache. */
  readonly cacheName: string;
}

export interface ArchiveContext {
  readonly blobs: BlobStore;
  readonly cache: FileCache;
  /** Takes a consistent copy of a live database. */
  readonly capture: (path: ByteString) => Promise<CaptureResult>;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  readonly nowMs: () => number;
  /** Reads everything again, whatever is known. */
  readonly force: boolean;
}

export interface ArchivedSource {
  readonly root: BlobId | null;
  readonly entries: number;
  readonly files: number;
  readonly directories: number;
  readonly links: number;
  readonly totalBytes: number;
  readonly readBytes: number;
  readonly skipped: readonly SkippedPath[];
  readonly unreadable: readonly UnreadableFile[];
  readonly users: ReadonlySet<number>;
  readonly groups: ReadonlySet<number>;
  /** `user_version` of each captured database, by path. */
  readonly schemas: Readonly<Record<string, number>>;
}

/** The least that SQLite makes a database of: one page. */
const databaseBytesMin = 512n;
const readAttemptsMax = 3;
const yieldEveryMs = 50;

export async function archiveSource(
  request: ArchiveRequest,
  context: ArchiveContext,
): Promise<ArchivedSource> {
  return await new SourceArchiver(request, context).run();
}

class SourceArchiver {
  readonly #request: ArchiveRequest;
  readonly #context: ArchiveContext;
  readonly #tree: TreeBuilder;
  readonly #known: KnownFiles;
  readonly #skipped: SkippedPath[] = [];
  readonly #unreadable: UnreadableFile[] = [];
  readonly #users = new Set<number>();
  readonly #groups = new Set<number>();
  readonly #hardLinks = new Map<string, PathKey>();
  readonly #capturedDatabases = new Set<PathKey>();
  readonly #schemas: Record<string, number> = {};
  readonly #counts = { files: 0, directories: 0, links: 0, totalBytes: 0, readBytes: 0 };
  #yieldedMs = 0;

  constructor(request: ArchiveRequest, context: ArchiveContext) {
    this.#request = request;
    this.#context = context;
    this.#tree = new TreeBuilder(context.blobs);
    this.#known = new KnownFiles(context.cache, request.cacheName, request.isWhole);
  }

  async run(): Promise<ArchivedSource> {
    const report: WalkReport = {
      skipped: (key, reason, detail) => {
        this.#skipped.push({ ...pathFields(key), reason, ...(detail === undefined ? {} : { detail }) });
      },
      unreadable: (key, error) => this.#addUnreadable(key, error),
    };
    for (const entry of walkSource(this.#request.path, this.#request.filter, report)) {
      await this.#breathe();
      await this.#addEntry(entry);
    }
    this.#known.finish();
    return {
      root: this.#tree.finish(),
      entries: this.#tree.entries,
      ...this.#counts,
      skipped: this.#skipped,
      unreadable: this.#unreadable,
      users: this.#users,
      groups: this.#groups,
      schemas: this.#schemas,
    };
  }

  /** Lets signals and the progress bar have their turn. */
  async #breathe(): Promise<void> {
    const now = performance.now();
    if (now - this.#yieldedMs < yieldEveryMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#yieldedMs = performance.now();
    if (this.#context.signal?.aborted) throw new InterruptedError();
  }

  async #addEntry(entry: WalkedEntry): Promise<void> {
    const { stat } = entry;
    this.#users.add(Number(stat.uid));
    this.#groups.add(Number(stat.gid));
    if (entry.type === 'directory') {
      this.#counts.directories++;
      this.#tree.add(entry.key, { type: 'directory', ...commonFields(stat) });
    } else if (entry.type === 'symlink') this.#addLink(entry);
    else await this.#addFile(entry);
  }

  #addLink(entry: WalkedEntry): void {
    try {
      const target = readlinkSync(fsPath(entry.path), { encoding: 'latin1' });
      this.#tree.add(entry.key, {
        type: 'symlink',
        ...commonFields(entry.stat),
        linkTarget: byteStringFromLatin1(target),
      });
      this.#counts.links++;
    } catch (error) {
      this.#addFailure(entry.key, error);
    }
  }

  async #addFile(entry: WalkedEntry): Promise<void> {
    if (entry.sidecarOf !== undefined && this.#isCoveredSidecar(entry)) {
      this.#skipped.push({ ...pathFields(entry.key), reason: 'sidecar' });
      return;
    }
    const fingerprint = fingerprintOf(entry.stat, entry.sidecars);
    const known = this.#known.find(entry.key);
    if (known !== undefined && !this.#context.force && fingerprint.equals(known.fingerprint)) {
      this.#addKnown(entry, known.node);
      return;
    }
    const previous = known && asFile(decodeNode(known.node, `known file ${displayKey(entry.key)}`));
    const startedMs = this.#context.nowMs();
    const node = await this.#storeFile(entry, previous);
    if (node === undefined) return;
    const encoded = encodeNode(node);
    this.#countFile(entry, node);
    this.#tree.addEncoded(entry.key, encoded);
    const trusted =
      node.state !== 'changed' && node.state !== 'raw' && !isRacy(entry.stat, entry.sidecars, startedMs);
    // An untrusted file is remembered with a fingerprint that nothing has: its node still tells how it was stored.
    this.#known.remember(entry.key, trusted ? fingerprint : Buffer.alloc(0), encoded);
  }

  #isCoveredSidecar(entry: WalkedEntry): boolean {
    const database = entry.sidecarOf as PathKey;
    if (this.#capturedDatabases.has(database)) return true;
    return entry.key.endsWith('-shm') && this.#rawDatabases.has(database); // shared memory, which means nothing later
  }

  #addKnown(entry: WalkedEntry, known: Uint8Array): void {
    const encoded = entry.stat.nlink > 1n ? this.#inPresentGroup(entry, known) : known;
    this.#tree.addEncoded(entry.key, encoded);
    this.#counts.files++;
    if (entry.sidecars.length === 0) {
      this.#counts.totalBytes += Number(entry.stat.size);
    } else {
      const node = asFile(decodeNode(encoded, `known file ${displayKey(entry.key)}`));
      if (node?.state === 'captured') this.#capturedDatabases.add(entry.key);
      this.#counts.totalBytes += node?.size ?? 0;
    }
    this.#context.progress.advance({ files: 1, bytes: Number(entry.stat.size) });
  }

  /** The first name of its file may be another than last time, when that could not be read or was left out. */
  #inPresentGroup(entry: WalkedEntry, known: Uint8Array): Uint8Array {
    const hardLink = this.#hardLinkKey(entry);
    const node = asFile(decodeNode(known, `known file ${displayKey(entry.key)}`));
    return node === undefined || node.hardLink === hardLink ? known : encodeNode({ ...node, hardLink });
  }

  #countFile(entry: WalkedEntry, node: FileNode): void {
    this.#counts.files++;
    this.#counts.totalBytes += node.size;
    if (node.state === 'captured') this.#capturedDatabases.add(entry.key);
    this.#context.progress.advance({ files: 1, path: displayKey(entry.key) });
  }

  /** Undefined when the file is gone or cannot be read; that is reported. */
  async #storeFile(entry: WalkedEntry, previous: FileNode | undefined): Promise<FileNode | undefined> {
    if (entry.stat.size > limits.fileBytesMax) {
      const reason = `it has ${entry.stat.size} bytes, at most ${limits.fileBytesMax} are stored`;
      this.#unreadable.push({ ...pathFields(entry.key), reason });
      return undefined;
    }
    try {
      const isNamedDatabase = entry.isDatabaseName || entry.sidecars.length > 0;
      if (!isNamedDatabase || entry.stat.size < databaseBytesMin) {
        const stored = await this.#storePlain(entry, previous, true);
        if (stored !== 'database') return stored;
      }
      const captured = await this.#storeDatabase(entry, previous);
      if (captured !== undefined) return captured;
      return asNode(await this.#storePlain(entry, previous, false));
    } catch (error) {
      if (errnoOf(error) === undefined || error instanceof FileSystemError) throw error;
      this.#addFailure(entry.key, error);
      return undefined;
    }
  }

  readonly #rawDatabases = new Set<PathKey>();

  async #storeDatabase(entry: WalkedEntry, previous: FileNode | undefined): Promise<FileNode | undefined> {
    const result = await this.#context.capture(entry.path);
    if (result.kind === 'not-a-database') return undefined;
    if (result.kind === 'failed') {
      this.#rawDatabases.add(entry.key);
      const reason = `it could not be captured as a database (${result.reason}); its files are stored as they are`;
      this.#unreadable.push({ ...pathFields(entry.key), reason });
      this.#context.progress.warn(`${displayKey(entry.key)}: ${reason}`);
      return undefined;
    }
    this.#schemas[displayKey(entry.key)] = result.userVersion;
    const { blobs } = this.#context;
    const stored = await withSource(byteStringOf(result.copyPath), (source) =>
      this.#inSteps(storePages(blobs, source.read, result.bytes, result.pageSize, previous, this.#onBytes)),
    );
    return stored && this.#fileNode(entry, stored, 'captured');
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
        const stored = await this.#inSteps(
          storeContent(blobs, source.read, size, previous?.content, this.#onBytes),
        );
        return { stored, stable: source.isUnchanged() && stored.size === size, stat: source.stat };
      });
      if (read === undefined) {
        this.#skipped.push({
          ...pathFields(entry.key),
          reason: 'vanished',
          detail: 'it is no longer a file',
        });
        return undefined;
      }
      if (read === 'database') return read;
      const isLast = attempt >= readAttemptsMax || read.stored.size > limits.packBytesTarget;
      if (!read.stable && !isLast) continue;
      const isRaw = this.#rawDatabases.has(entry.key);
      const state: FileState = isRaw ? 'raw' : read.stable ? 'stable' : 'changed';
      return this.#fileNode({ ...entry, stat: read.stat }, read.stored, state);
    }
  }

  async #inSteps<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      await this.#breathe();
    }
  }

  readonly #onBytes = (bytes: number): void => {
    this.#counts.readBytes += bytes;
    this.#context.progress.advance({ bytes });
  };

  #fileNode(entry: WalkedEntry, stored: StoredContent, state: FileState): FileNode {
    const hardLink = entry.stat.nlink > 1n ? this.#hardLinkKey(entry) : undefined;
    return {
      type: 'file',
      ...commonFields(entry.stat),
      size: stored.size,
      content: stored.content,
      state,
      ...(hardLink === undefined ? {} : { hardLink }),
    };
  }

  #hardLinkKey(entry: WalkedEntry): PathKey {
    const inode = `${entry.stat.dev}:${entry.stat.ino}`;
    const first = this.#hardLinks.get(inode) ?? entry.key;
    this.#hardLinks.set(inode, first);
    return first;
  }

  #addFailure(key: PathKey, error: unknown): void {
    if (errnoOf(error) === 'ENOENT') this.#skipped.push({ ...pathFields(key), reason: 'vanished' });
    else this.#addUnreadable(key, error);
  }

  #addUnreadable(key: PathKey, error: unknown): void {
    const reason = errnoOf(error) === undefined ? messageOf(error) : readReason(error);
    this.#unreadable.push({ ...pathFields(key), reason });
    this.#context.progress.warn(`Cannot read ${displayKey(key)}: ${reason}`);
  }
}

function readReason(error: unknown): string {
  return new FileSystemError('read', '', error).message.replace(/^Cannot read : /, '');
}

function commonFields(stat: BigIntStats): Pick<TreeNode, 'mode' | 'uid' | 'gid' | 'mtimeNs'> {
  return {
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeNs: stat.mtimeNs,
  };
}

/** What was not taken for a database again. */
function asNode(stored: FileNode | 'database' | undefined): FileNode | undefined {
  invariant(stored !== 'database', 'a file is asked once whether it is a database');
  return stored;
}

function asFile(node: TreeNode): FileNode | undefined {
  return node.type === 'file' ? node : undefined;
}
