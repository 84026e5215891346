/**
 * Files whose times have changed and whose bytes may not have: once many of them turn out to be as they were, threads hash the next
 * ones while the walk goes on. The walk is some entries ahead then, and what is known of files is asked for there.
 *
 * And files that come soon after a database: they are stored while its copy is made.
 */
import { decodeNode, hashOfContent } from '../codec/node-codec.ts';
import { asBuffer, idBytes } from '../model/ids.ts';
import type { ByteString } from '../model/paths.ts';
import type { BlobWriter, FileHasher, KnownFile } from '../model/store.ts';
import type { FileContent, FileNode } from '../model/tree.ts';
import type { WalkedEntry } from '../walker/source-walk.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type KnownFiles, knownPlace } from './known-files.ts';

/** So much that was read in vain takes longer than threads to start. */
const startBytes = 8 * 1024 * 1024;
/** The same once they are there. */
const restartBytes = 1024 * 1024;
const entriesAhead = 2000;
const taskFilesMax = 200;
const taskBytesMax = 4_000_000;
/** A larger file is read where an interruption is heard in the middle of it. */
const fileBytesMax = 64n * 1024n * 1024n;
/** Of those that come after a database: so many are looked at, and so much of them is stored. */
const entriesMeanwhile = 200;
const bytesMeanwhile = 64n * 1024n * 1024n;
/** The walk goes on so far: those have been seen when the copy is there. */
const walkedMeanwhile = 2000;
/** Where fewer of the entries than one in so many have changed times, nothing is gained by being ahead. */
const entriesPerFileMax = 20;

/** What was found out of a file ahead of the walk. */
export interface FileAhead {
  readonly fingerprint: Buffer;
  readonly known: KnownFile | undefined;
  /** As it was stored, and where its hash is, when threads have it. */
  hashed: HashedFile | undefined;
  /** What has been stored of it. */
  stored: StoredAhead | undefined;
}

export interface StoredAhead {
  /** Undefined where there was nothing to be stored, which has been told. */
  readonly node: FileNode | undefined;
  readonly startedMs: number;
}

/** Stores a file, or leaves it to whoever comes to it. */
export type StoreAhead = (
  entry: WalkedEntry,
  known: KnownFile | undefined,
) => Promise<StoredAhead | undefined>;

interface HashedFile {
  readonly previous: FileNode;
  /** When it was looked at, or a moment before. */
  readonly sinceMs: number;
  readonly task: HashTask;
  readonly number: number;
}

interface HashTask {
  readonly paths: ByteString[];
  readonly stamps: Buffer[];
  bytes: number;
  /** Once threads have it. */
  hashes: (() => Uint8Array) | undefined;
}

interface WaitingEntry {
  readonly entry: WalkedEntry;
  readonly sinceMs: number;
}

export interface AheadContext {
  /** Without one, every file is read by whoever walks. */
  readonly hasher: FileHasher | undefined;
  readonly known: KnownFiles;
  readonly blobs: BlobWriter;
  readonly nowMs: () => number;
}

export class FilesAhead {
  readonly #context: AheadContext;
  /** Bytes that were read and are as they were stored. */
  #equalBytes = 0;
  /** Whether threads are on their way, for `begin` to make use of. */
  #isStarting = false;
  #isAhead = false;
  /** When the entry that was given last was looked at, where that was not just now. */
  sinceMs: number | undefined;
  #waiting: WaitingEntry[] = [];
  #at = 0;
  #walk: Iterator<WalkedEntry> | undefined;
  /** Given by the walk, and still to be added after the one that is being added. */
  #group: readonly WalkedEntry[] = [];
  #groupAt = 0;
  readonly #files = new Map<WalkedEntry, FileAhead>();
  #open = emptyTask();

  constructor(context: AheadContext) {
    this.#context = context;
  }

  /** A file was read that had been stored before. */
  noteRead(before: FileNode, { content, size }: FileNode): void {
    const { hasher } = this.#context;
    if (hasher === undefined || this.#isAhead || this.#isStarting || content.kind === 'pages') return;
    const hash = hashOfContent(content);
    if (hash === undefined || hash !== hashOfContent(before.content)) return;
    this.#equalBytes += size;
    if (this.#equalBytes < startBytes) return;
    this.#isStarting = hasher.start();
  }

  /** To be told what is still to be added of what the walk has given: once threads run, they begin with that, and with what waits. */
  begin(entries: readonly WalkedEntry[], from: number, sinceMs: number): void {
    this.#group = entries;
    this.#groupAt = from + 1;
    if (!this.#isStarting || this.#context.hasher?.hasRoom !== true) return;
    this.#isStarting = false;
    this.#isAhead = true;
    for (let at = from; at < entries.length; at++) {
      const entry = entries[at];
      if (entry !== undefined) this.#consider({ entry, sinceMs });
    }
    for (const waiting of this.#waiting.slice(this.#at)) this.#consider(waiting);
    this.#submitRest();
  }

  /** Stores files that come soon, for who has to wait. Always the same ones, however long that is; none any more once threads are on their way. */
  async storeMeanwhile(store: StoreAhead): Promise<void> {
    if (this.#isAhead || this.#isStarting) return;
    let left = bytesMeanwhile;
    for (const entry of this.#nextEntries(entriesMeanwhile)) {
      const file = this.#lookAt(entry);
      const { size } = entry.stat;
      if (file === undefined || size > left || !isPlain(entry)) continue;
      file.stored = await store(entry, file.known);
      if (file.stored !== undefined) left -= size;
      if (this.#isStarting) break; // most of what comes is as it was stored: threads see to that, beside one database after another
    }
    Array.from(this.#walkOn(walkedMeanwhile));
  }

  *#nextEntries(count: number): Generator<WalkedEntry> {
    yield* this.#group.slice(this.#groupAt, this.#groupAt + count);
    if (this.#group.length - this.#groupAt > count) return; // what is known is asked for in order
    for (const { entry } of this.#waiting.slice(this.#at, this.#at + count)) yield entry;
    yield* this.#walkOn(count);
  }

  /** Until so many are waiting. */
  *#walkOn(count: number): Generator<WalkedEntry> {
    this.#waiting = this.#waiting.slice(this.#at);
    this.#at = 0;
    const sinceMs = this.#context.nowMs();
    while (this.#walk !== undefined && this.#waiting.length < count) {
      const entry = nextOf(this.#walk);
      if (entry === undefined) return;
      this.#waiting.push({ entry, sinceMs });
      yield entry;
    }
  }

  /** A file that has changed and was not looked at yet. */
  #lookAt(entry: WalkedEntry): FileAhead | undefined {
    if (entry.type !== 'file' || this.#files.has(entry)) return undefined;
    const fingerprint = fingerprintOf(entry.stat, entry.sidecars);
    const known = this.#context.known.find(entry.key);
    const file: FileAhead = { fingerprint, known, hashed: undefined, stored: undefined };
    this.#files.set(entry, file);
    return known !== undefined && fingerprint.equals(known.fingerprint) ? undefined : file;
  }

  /** The same entries in the same order. */
  *entries(entries: Iterable<WalkedEntry>): Generator<WalkedEntry> {
    const walk = entries[Symbol.iterator]();
    this.#walk = walk;
    for (;;) {
      if (this.#isAhead && this.#waiting.length - this.#at <= entriesAhead / 2) this.#lookAhead(walk);
      const waiting = this.#waiting[this.#at];
      this.sinceMs = waiting?.sinceMs;
      if (waiting !== undefined) this.#at++;
      const entry = waiting?.entry ?? nextOf(walk);
      if (entry === undefined) return;
      // Before it is added, threads may have room for those that follow, of which what is known is asked for then.
      if (waiting === undefined && this.#isAhead) this.#lookAt(entry);
      yield entry;
    }
  }

  /** Undefined for a file that the walk has come to without having looked at it ahead. */
  take(entry: WalkedEntry): FileAhead | undefined {
    if (this.#files.size === 0) return undefined;
    const file = this.#files.get(entry);
    this.#files.delete(entry);
    return file;
  }

  /** Nobody will ask for these. */
  drop(entries: readonly WalkedEntry[]): void {
    if (this.#files.size > 0) for (const entry of entries) this.#files.delete(entry);
  }

  /** Whether its bytes are those that were stored. Waits for the thread that has it. */
  isAsStored({ task, number, previous }: HashedFile): boolean {
    const hash = task.hashes?.().subarray(idBytes * number, idBytes * (number + 1));
    return hash !== undefined && this.#textOf(hash, previous.content) === hashOfContent(previous.content);
  }

  #textOf(hash: Uint8Array, { kind }: FileContent): string {
    return kind === 'blob' ? this.#context.blobs.idOfHash(hash) : asBuffer(hash).toString('hex');
  }

  #lookAhead(walk: Iterator<WalkedEntry>): void {
    this.#waiting = this.#waiting.slice(this.#at);
    this.#at = 0;
    const sinceMs = this.#context.nowMs();
    let looked = 0;
    let taken = 0;
    while (this.#waiting.length < entriesAhead && this.#context.hasher?.hasRoom === true) {
      const entry = nextOf(walk);
      if (entry === undefined) break;
      this.#waiting.push({ entry, sinceMs });
      looked++;
      if (this.#consider({ entry, sinceMs })) taken++;
    }
    this.#submitRest();
    if (looked > entriesAhead / 2 && taken * entriesPerFileMax < looked) {
      this.#isAhead = false;
      this.#equalBytes = startBytes - restartBytes;
    }
  }

  /** Whether threads are given it. */
  #consider({ entry, sinceMs }: WaitingEntry): boolean {
    const file = this.#lookAt(entry);
    const previous = file?.known && comparable(entry, file.known);
    if (file === undefined || previous === undefined) return false;
    const task = this.#open;
    file.hashed = { previous, sinceMs, task, number: task.paths.length };
    task.paths.push(entry.path);
    task.stamps.push(file.fingerprint);
    task.bytes += previous.size;
    if (task.paths.length >= taskFilesMax || task.bytes >= taskBytesMax) this.#submit();
    return true;
  }

  #submitRest(): void {
    if (this.#open.paths.length > 0) this.#submit();
  }

  #submit(): void {
    const task = this.#open;
    const files = { paths: task.paths.join('\0'), stamps: Buffer.concat(task.stamps) };
    task.hashes = this.#context.hasher?.hash(files);
    this.#open = emptyTask();
  }
}

/** Neither a database by its name, nor what lies beside one, nor a file of several names. */
function isPlain({ stat, sidecars, sidecarOf, isDatabaseName }: WalkedEntry): boolean {
  return !isDatabaseName && sidecars.length === 0 && sidecarOf === undefined && stat.nlink === 1n;
}

/** As it was stored, when the file may have the same bytes and these are worth hashing. */
function comparable(entry: WalkedEntry, known: KnownFile): FileNode | undefined {
  const { stat, sidecars, sidecarOf, isDatabaseName } = entry;
  if (isDatabaseName || sidecars.length > 0 || sidecarOf !== undefined || stat.size > fileBytesMax)
    return undefined;
  const node = decodeNode(known.node, () => knownPlace(entry.key));
  if (node.type !== 'file' || node.state !== 'stable' || BigInt(node.size) !== stat.size) return undefined;
  return node.content.kind === 'inline' || node.content.kind === 'pages' ? undefined : node;
}

function emptyTask(): HashTask {
  return { paths: [], stamps: [], bytes: 0, hashes: undefined };
}

function nextOf<T>(items: Iterator<T>): T | undefined {
  const next = items.next();
  return next.done === true ? undefined : next.value;
}
