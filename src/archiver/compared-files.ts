/**
 * Files whose times have changed and whose bytes may not have: once many of them turn out to be as they were, threads compare the next
 * ones while the walk goes on. The walk is some entries ahead then.
 */
import { decodeNode, hashOfContent } from '../codec/node-codec.ts';
import { invariant } from '../model/errors.ts';
import { displayKey, type PathKey } from '../model/paths.ts';
import type { FileCache, FileComparer, FileToCompare, KnownFile } from '../model/store.ts';
import type { FileNode } from '../model/tree.ts';
import type { WalkedEntry } from '../walker/source-walk.ts';
import { fingerprintOf } from './fingerprint.ts';

/** So much that was read in vain takes about as long as threads take to start. */
const startBytes = 8 * 1024 * 1024;
const entriesAhead = 2000;
const taskFilesMax = 100;
const taskBytesMax = 2_000_000n;
/** A larger file is read where an interruption is heard in the middle of it. */
const fileBytesMax = 64n * 1024n * 1024n;

interface WaitingEntry {
  readonly entry: WalkedEntry;
  /** When it was looked at, or a moment before. */
  readonly sinceMs: number;
}

interface ComparedFile {
  readonly node: FileNode;
  readonly sinceMs: number;
  readonly task: CompareTask;
  readonly number: number;
}

interface CompareTask {
  readonly files: FileToCompare[];
  bytes: bigint;
  /** Undefined until it is known. */
  failed: ReadonlySet<number> | undefined;
}

/** Takes no files. */
const noComparer: FileComparer = {
  hasRoom: false,
  start() {},
  compare: refuse,
  collect: refuse,
};

function refuse(): never {
  invariant(false, 'no files are given to a comparer that has no room');
}

export class ComparedFiles {
  readonly #comparer: FileComparer;
  readonly #cache: FileCache;
  readonly #source: string;
  readonly #nowMs: () => number;
  #equalBytes = 0;
  #isStarted = false;
  /** When the entry that was given last was looked at, where that was not just now. */
  sinceMs: number | undefined;
  #waiting: WaitingEntry[] = [];
  #at = 0;
  #known: Iterator<KnownFile> | undefined;
  #nextKnown: KnownFile | undefined;
  readonly #files = new WeakMap<WalkedEntry, ComparedFile>();
  #open = emptyTask();
  /** Those that threads have, in the order of their answers. */
  readonly #running: CompareTask[] = [];

  /** Without a comparer, every file is read by whoever walks. */
  constructor(comparer: FileComparer | undefined, cache: FileCache, source: string, nowMs: () => number) {
    this.#comparer = comparer ?? noComparer;
    this.#cache = cache;
    this.#source = source;
    this.#nowMs = nowMs;
  }

  /** A file was read that had been stored before. */
  noteRead(before: FileNode, node: FileNode): void {
    const hash = hashOfContent(node.content);
    if (hash === undefined || hash !== hashOfContent(before.content) || node.content.kind === 'pages') return;
    this.#equalBytes += node.size;
    if (this.#isStarted || this.#equalBytes < startBytes) return;
    this.#isStarted = true;
    this.#comparer.start();
  }

  /** The same entries in the same order. */
  *ahead(entries: Iterable<WalkedEntry>): Generator<WalkedEntry> {
    const walk = entries[Symbol.iterator]();
    for (let last: PathKey | undefined; ; ) {
      if (this.#isStarted) this.#lookAhead(walk, last);
      const waiting = this.#waiting[this.#at];
      if (waiting !== undefined) this.#at++;
      this.sinceMs = waiting?.sinceMs;
      const entry = waiting?.entry ?? nextOf(walk);
      if (entry === undefined) return;
      last = entry.key;
      yield entry;
    }
  }

  /** The node that the file was stored with, where it has been compared with that and is the same, and the time before it was. */
  storedFile(entry: WalkedEntry): { readonly node: FileNode; readonly sinceMs: number } | undefined {
    const file = this.#files.get(entry);
    if (file === undefined) return undefined;
    const { task, node, sinceMs, number } = file;
    while (task.failed === undefined) {
      if (this.#running.length > 0) this.#collect();
      else this.#submit();
    }
    return task.failed.has(number) ? undefined : { node, sinceMs };
  }

  #lookAhead(walk: Iterator<WalkedEntry>, last: PathKey | undefined): void {
    if (this.#at < this.#waiting.length && !this.#mayLook()) return;
    if (this.#at > entriesAhead) {
      this.#waiting = this.#waiting.slice(this.#at);
      this.#at = 0;
    }
    const sinceMs = this.#nowMs();
    while (this.#waiting.length - this.#at < entriesAhead && this.#comparer.hasRoom) {
      const entry = nextOf(walk);
      if (entry === undefined) break;
      this.#waiting.push({ entry, sinceMs });
      this.#consider({ entry, sinceMs }, last);
    }
  }

  /** Not at every entry: time is asked for each time. */
  #mayLook(): boolean {
    return this.#waiting.length - this.#at <= entriesAhead / 2 && this.#comparer.hasRoom;
  }

  #consider({ entry, sinceMs }: WaitingEntry, last: PathKey | undefined): void {
    const { type, stat, path, sidecars, sidecarOf, isDatabaseName } = entry;
    if (type !== 'file' || stat.nlink > 1n || stat.size > fileBytesMax) return;
    if (isDatabaseName || sidecars.length > 0 || sidecarOf !== undefined) return;
    const known = this.#knownOf(entry.key, last);
    if (known === undefined || fingerprintOf(stat, sidecars).equals(known.fingerprint)) return;
    const node = decodeNode(known.node, `known file ${displayKey(entry.key)}`);
    if (node.type !== 'file' || node.state !== 'stable' || BigInt(node.size) !== stat.size) return;
    if (node.content.kind === 'inline' || node.content.kind === 'pages') return;
    const task = this.#open;
    this.#files.set(entry, { node, sinceMs, task, number: task.files.length });
    const { size, mtimeNs, ctimeNs, ino } = stat;
    task.files.push({ path, content: node.content, stat: { size, mtimeNs, ctimeNs, ino } });
    task.bytes += size;
    if (task.files.length >= taskFilesMax || task.bytes >= taskBytesMax) this.#submit();
  }

  #submit(): void {
    this.#comparer.compare(this.#open.files);
    this.#running.push(this.#open);
    this.#open = emptyTask();
  }

  #collect(): void {
    const task = this.#running.shift();
    invariant(task !== undefined, 'an answer to each task');
    task.failed = this.#comparer.collect();
  }

  /** Keys come in order, here as in the walk; those up to `last` have been asked for already. */
  #knownOf(key: PathKey, last: PathKey | undefined): KnownFile | undefined {
    if (this.#known === undefined) {
      this.#known = this.#cache.known(this.#source, last)[Symbol.iterator]();
      this.#nextKnown = nextOf(this.#known);
    }
    while (this.#nextKnown !== undefined && this.#nextKnown.key < key) this.#nextKnown = nextOf(this.#known);
    return this.#nextKnown?.key === key ? this.#nextKnown : undefined;
  }
}

function emptyTask(): CompareTask {
  return { files: [], bytes: 0n, failed: undefined };
}

function nextOf<T>(items: Iterator<T>): T | undefined {
  const next = items.next();
  return next.done === true ? undefined : next.value;
}
