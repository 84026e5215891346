/**
 * Backs up one source: walks it beside what is known of it, reads only what changed, and builds its tree. One bad file is
 * a finding; the run goes on.
 */
import { type BigIntStats, readlinkSync } from 'node:fs';
import { decodeNode, encodeNode } from '../codec/node-codec.ts';
import { monotonicMs } from '../model/clock.ts';
import { InterruptedError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { type ByteString, byteStringFromLatin1, fsPath, type PathKey } from '../model/paths.ts';
import type { Progress } from '../model/progress.ts';
import type { PathFilter } from '../model/selection.ts';
import type { SkippedPath, UnreadableFile } from '../model/snapshot.ts';
import type { BlobStore, FileCache, FileHasher, KnownFile } from '../model/store.ts';
import type { FileNode, TreeNode } from '../model/tree.ts';
import { TreeBuilder } from '../tree/tree.ts';
import { type WalkedEntry, walkSource } from '../walker/source-walk.ts';
import { FilesAhead } from './files-ahead.ts';
import { Findings } from './findings.ts';
import { fingerprintOf, isRacy } from './fingerprint.ts';
import { KnownFiles, knownPlace } from './known-files.ts';
import { isEntangled, KnownLeaves, type PresentLeaf } from './known-leaves.ts';
import { type CaptureFile, commonFields, FileStorer } from './store-file.ts';

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
  readonly capture: CaptureFile;
  /** Reads beside the walk what may be as it was stored. */
  readonly hasher?: FileHasher | undefined;
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
  readonly #leaves: KnownLeaves;
  readonly #ahead: FilesAhead;
  /** Entries that may turn out to be a leaf that is known. */
  #group: WalkedEntry[] = [];
  /** When its first was looked at. */
  #groupSinceMs = 0;
  /** The known leaf that the group may be, or the beginning of. */
  #groupLeaf: PresentLeaf | undefined;
  readonly #findings: Findings;
  readonly #files: FileStorer;
  readonly #users = new Set<number>();
  readonly #groups = new Set<number>();
  #owner: Partial<Pick<BigIntStats, 'uid' | 'gid'>> = {};
  readonly #capturedDatabases = new Set<PathKey>();
  readonly #counts = { files: 0, directories: 0, links: 0, totalBytes: 0 };
  #yieldedMs = 0;

  constructor(request: ArchiveRequest, context: ArchiveContext) {
    this.#request = request;
    this.#context = context;
    const { blobs, cache, force } = context;
    const { isWhole } = request;
    const leaves = new KnownLeaves(blobs, cache, request.cacheName, { isWhole, force });
    this.#leaves = leaves;
    this.#tree = new TreeBuilder(blobs, (leaf) => leaves.built(leaf));
    this.#findings = new Findings(context.progress, request.path);
    const breathe = async (): Promise<void> => {
      if (this.#isTimeToBreathe) await this.#breathe();
    };
    this.#files = new FileStorer({ ...context, breathe }, this.#findings);
    const known = new KnownFiles(cache, request.cacheName, isWhole);
    this.#known = known;
    const hasher = force ? undefined : context.hasher;
    this.#ahead = new FilesAhead({ hasher, known, blobs, nowMs: context.nowMs });
  }

  async run(): Promise<ArchivedSource> {
    const walk = walkSource(this.#request.path, this.#request.filter, this.#findings);
    for (const entry of this.#ahead.entries(walk)) {
      this.#noteOwner(entry.stat);
      if (this.#group.length === 0) this.#beginGroup(entry.key);
      this.#group.push(entry);
      const leaf = this.#groupLeaf;
      if (leaf === undefined || isEntangled(entry)) await this.#addGroup();
      else if (leaf.isLast) {
        if (this.#group.length > leaf.entries) await this.#addGroup(); // something follows
      } else if (entry.key === leaf.lastKey && this.#takeLeaf(leaf)) {
        if (this.#isTimeToBreathe) await this.#breathe();
      } else if (entry.key === leaf.lastKey || this.#group.length >= leaf.entries) await this.#addGroup();
    }
    if (!this.#takeLastLeaf()) await this.#addGroup();
    this.#known.finish();
    const root = this.#tree.finish();
    this.#leaves.finish();
    return {
      root,
      entries: this.#tree.entries,
      ...this.#counts,
      readBytes: this.#files.readBytes,
      skipped: this.#findings.skippedPaths,
      unreadable: this.#findings.unreadableFiles,
      users: this.#users,
      groups: this.#groups,
      schemas: this.#files.schemas,
    };
  }

  get #isTimeToBreathe(): boolean {
    return monotonicMs() - this.#yieldedMs >= yieldEveryMs;
  }

  /** Lets signals and the progress bar have their turn. */
  async #breathe(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#yieldedMs = monotonicMs();
    if (this.#context.signal?.aborted) throw new InterruptedError();
  }

  /** Most are of one owner: large numbers are turned into small ones when it is another. */
  #noteOwner({ uid, gid }: BigIntStats): void {
    if (uid === this.#owner.uid && gid === this.#owner.gid) return;
    this.#owner = { uid, gid };
    this.#users.add(Number(uid));
    this.#groups.add(Number(gid));
  }

  #beginGroup(first: PathKey): void {
    this.#groupSinceMs = this.#ahead.sinceMs ?? this.#context.nowMs();
    this.#groupLeaf = this.#tree.isBetweenLeaves ? this.#leaves.leafOf(first) : undefined;
  }

  /** Takes the leaf for the group, when it is that. */
  #takeLeaf(leaf: PresentLeaf): boolean {
    const [first] = this.#group;
    if (first === undefined || !this.#leaves.isSame(leaf, this.#group)) return false;
    this.#known.skip(leaf.after, first.key, leaf.lastKey);
    this.#ahead.drop(this.#group);
    this.#tree.addLeaf(leaf);
    this.#leaves.taken(leaf);
    this.#countGroup();
    this.#group = [];
    return true;
  }

  /** Nothing follows the group: takes the leaf that ended so for it, when it is that. */
  #takeLastLeaf(): boolean {
    const leaf = this.#groupLeaf;
    if (leaf?.isLast !== true || this.#group.at(-1)?.key !== leaf.lastKey || !this.#takeLeaf(leaf))
      return false;
    this.#known.skipRest();
    return true;
  }

  #countGroup(): void {
    let bytes = 0;
    let files = 0;
    for (const { type, stat } of this.#group) {
      if (type === 'directory') this.#counts.directories++;
      else if (type === 'symlink') this.#counts.links++;
      else {
        files++;
        bytes += Number(stat.size);
      }
    }
    this.#counts.files += files;
    this.#counts.totalBytes += bytes;
    this.#context.progress.advance({ files, bytes });
  }

  async #addGroup(): Promise<void> {
    const group = this.#group;
    const sinceMs = this.#groupSinceMs;
    this.#group = [];
    for (const [at, entry] of group.entries()) {
      this.#ahead.begin(group, at, sinceMs);
      const { entries } = this.#tree;
      if (this.#isTimeToBreathe) await this.#breathe();
      this.#leaves.adding(entry);
      // A folder's mode may have changed in the very tick in which it was looked at. Of files, who reads them knows more.
      if (entry.type !== 'file' && isRacy(entry.stat, [], sinceMs)) this.#leaves.doubt();
      const adding = this.#addEntry(entry);
      if (adding !== undefined) await adding; // to wait for what is done takes as long as to read a small file
      if (this.#tree.entries === entries) this.#leaves.notAdded(this.#tree.isBetweenLeaves);
    }
  }

  /** Undefined where it is done. */
  #addEntry(entry: WalkedEntry): Promise<void> | undefined {
    const { stat } = entry;
    if (entry.type === 'file') return this.#addFile(entry);
    if (entry.type === 'symlink') this.#addLink(entry);
    else {
      this.#counts.directories++;
      this.#tree.add(entry.key, { type: 'directory', ...commonFields(stat) });
    }
    return undefined;
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
      this.#findings.failed(entry.key, error);
    }
  }

  #addFile(entry: WalkedEntry): Promise<void> | undefined {
    const ahead = this.#ahead.take(entry);
    if (entry.sidecarOf !== undefined && this.#isCoveredSidecar(entry)) {
      if (ahead?.known !== undefined) this.#known.forget(entry.key);
      this.#findings.skipped(entry.key, 'sidecar');
      return undefined;
    }
    const fingerprint = ahead?.fingerprint ?? fingerprintOf(entry.stat, entry.sidecars);
    const known = ahead === undefined ? this.#known.find(entry.key) : ahead.known;
    if (known !== undefined && !this.#context.force && fingerprint.equals(known.fingerprint)) {
      this.#addKnown(entry, known.node);
      return undefined;
    }
    if (ahead?.stored !== undefined) {
      const { node, startedMs } = ahead.stored;
      if (node !== undefined) this.#addStored(entry, node, fingerprint, startedMs);
      return undefined;
    }
    const hashed = ahead?.hashed;
    if (hashed !== undefined && this.#ahead.isAsStored(hashed)) {
      this.#addStored(entry, this.#files.keep(entry, hashed.previous), fingerprint, hashed.sinceMs);
      return undefined;
    }
    const previous = storedBefore(entry, known);
    const startedMs = this.#context.nowMs();
    const node = this.#files.storeSmall(entry, previous);
    if (node === undefined) return this.#addInSteps(entry, previous, fingerprint);
    if (previous !== undefined) this.#ahead.noteRead(previous, node);
    this.#addStored(entry, node, fingerprint, startedMs);
    return undefined;
  }

  async #addInSteps(
    entry: WalkedEntry,
    previous: FileNode | undefined,
    fingerprint: Uint8Array,
  ): Promise<void> {
    const startedMs = this.#context.nowMs();
    const node = await this.#files.store(entry, previous, () => this.#storeMeanwhile());
    if (node === undefined) return;
    if (previous !== undefined) this.#ahead.noteRead(previous, node);
    this.#addStored(entry, node, fingerprint, startedMs);
  }

  /** While a database is captured, which is mostly waiting for the child, files that come next are stored. */
  async #storeMeanwhile(): Promise<void> {
    if (this.#context.force) return;
    await this.#ahead.storeMeanwhile(async (entry, known) => {
      const startedMs = this.#context.nowMs();
      const previous = storedBefore(entry, known);
      const stored = await this.#files.storeAhead(entry, previous);
      if (previous !== undefined && stored?.node !== undefined) this.#ahead.noteRead(previous, stored.node);
      return stored && { ...stored, startedMs };
    });
  }

  #addStored(entry: WalkedEntry, node: FileNode, fingerprint: Uint8Array, startedMs: number): void {
    const encoded = encodeNode(node);
    this.#countFile(entry, node);
    const trusted =
      node.state !== 'changed' && node.state !== 'raw' && !isRacy(entry.stat, entry.sidecars, startedMs);
    if (!trusted) this.#leaves.doubt();
    this.#tree.addEncoded(entry.key, encoded);
    // An untrusted file is remembered with a fingerprint that nothing has: its node still tells how it was stored.
    this.#known.remember(entry.key, trusted ? fingerprint : Buffer.alloc(0), encoded);
  }

  #isCoveredSidecar(entry: WalkedEntry): boolean {
    const database = entry.sidecarOf as PathKey;
    if (this.#capturedDatabases.has(database)) return true;
    return entry.key.endsWith('-shm') && this.#files.rawDatabases.has(database); // shared memory, which means nothing later
  }

  #addKnown(entry: WalkedEntry, known: Uint8Array): void {
    const encoded = entry.stat.nlink > 1n ? this.#inPresentGroup(entry, known) : known;
    this.#tree.addEncoded(entry.key, encoded);
    this.#counts.files++;
    if (entry.sidecars.length === 0) {
      this.#counts.totalBytes += Number(entry.stat.size);
    } else {
      const node = asFile(decodeNode(encoded, () => knownPlace(entry.key)));
      if (node?.state === 'captured') this.#capturedDatabases.add(entry.key);
      this.#counts.totalBytes += node?.size ?? 0;
    }
    this.#context.progress.advance({ files: 1, bytes: Number(entry.stat.size) });
  }

  /** The first name of its file may be another than last time, when that could not be read or was left out. */
  #inPresentGroup(entry: WalkedEntry, known: Uint8Array): Uint8Array {
    const hardLink = this.#files.hardLinkKey(entry.key, entry.stat);
    const node = asFile(decodeNode(known, () => knownPlace(entry.key)));
    return node === undefined || node.hardLink === hardLink ? known : encodeNode({ ...node, hardLink });
  }

  #countFile(entry: WalkedEntry, node: FileNode): void {
    this.#counts.files++;
    this.#counts.totalBytes += node.size;
    if (node.state === 'captured') this.#capturedDatabases.add(entry.key);
    this.#context.progress.advance({ files: 1 });
  }
}

function storedBefore(entry: WalkedEntry, known: KnownFile | undefined): FileNode | undefined {
  return known && asFile(decodeNode(known.node, () => knownPlace(entry.key)));
}

function asFile(node: TreeNode): FileNode | undefined {
  return node.type === 'file' ? node : undefined;
}
