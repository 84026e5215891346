/**
 * Threads that compress frames, or read them, prove them, or write files of them, or hash files. Tasks are given to them in turn, and answers collected in the same order. The thread
 * that does so need not return to its event loop: whoever reads or writes blobs is synchronous.
 */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MessagePort, Worker } from 'node:worker_threads';
import type { FrameCompression, FrameKind } from '../codec/frame.ts';
import type { PackKeys } from '../codec/keys.ts';
import { invariant } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import type { BlobKind, FilePlace, FilesToHash } from '../model/store.ts';
import type { PackedFiles } from './packed-files.ts';
import type { SharedPackParts } from './shared-pack.ts';

export interface EncodeTask {
  readonly do: 'encode';
  readonly kind: BlobKind;
  /** Goes to the thread, and comes back with the frame. */
  readonly memory: ArrayBuffer;
  /** Where the raw bytes are in it. */
  readonly start: number;
  readonly end: number;
  readonly blobCount: number;
  readonly compression: FrameCompression;
}

export interface EncodedFrame {
  readonly memory: ArrayBuffer;
  /** Length of the frame, which is at the start of the memory. */
  readonly bytes: number;
}

export interface DecodeTask {
  readonly do: 'decode';
  /** Path of the pack, and where the frame is in it. */
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
  /** Which frame of the pack it must be, where that is known. */
  readonly number?: number;
  /** What opens the pack, where the repository is encrypted. */
  readonly keys?: PackKeys;
}

export interface CheckedFrame {
  readonly kind: FrameKind;
  readonly blobs: readonly Uint8Array[];
  /** The hash of each blob, as computed from its bytes: 32 bytes each. Undefined where that has not been done. */
  readonly hashes?: Uint8Array;
}

/** Files to be put in place, of blobs in these frames. */
export interface FilesOfFrames {
  readonly frames: readonly DecodeTask[];
  readonly files: readonly StoredFile[];
  /** What names blobs, where the repository is encrypted. */
  readonly idKey?: Uint8Array;
}

export interface FileTask extends Omit<FilesOfFrames, 'files'> {
  readonly do: 'place';
  readonly files: PackedFiles;
}

export interface StoredFile {
  readonly place: FilePlace;
  readonly size: number;
  readonly hash: BlobId | undefined;
  readonly content: Uint8Array | readonly StoredPiece[];
}

/** Bytes of a file: so many zeros, or a blob. */
export type StoredPiece =
  | { readonly bytes: number; readonly frame?: undefined }
  | {
      readonly bytes: number;
      /** Which of the task's frames. */
      readonly frame: number;
      readonly position: number;
      readonly id: BlobId;
    };

/** A pack of which every thread proves what no other has taken. What is found is noted in the memory that they share. */
export interface ProveTask extends SharedPackParts {
  readonly do: 'prove';
  readonly idKey?: Uint8Array;
}

/** Files to be hashed; see `FilesToHash`. */
export interface HashTask extends FilesToHash {
  readonly do: 'hash';
}

export interface HashedFiles {
  readonly hashes: Uint8Array;
}

export interface FilesDone {
  /** Numbers of the files that are not in place: whoever asked does them, and learns what is wrong. */
  readonly failed: readonly number[];
}

/** `problem`: what went wrong in the thread. */
export type FrameAnswer<T> = T | { readonly problem: string };

/** What one task after another is asked of. */
interface TaskKinds {
  encode: { task: EncodeTask; result: EncodedFrame };
  decode: { task: DecodeTask; result: CheckedFrame };
  place: { task: FileTask; result: FilesDone };
  prove: { task: ProveTask; result: Record<string, never> };
  hash: { task: HashTask; result: HashedFiles };
}

/** The thread that asks keeps no more than about four busy. */
const threadsMax = 4;
const tasksPerThread = 2;
/** MB. A thread's own objects are few; the bytes of frames are not among them. Without a limit its heap takes 30 MB more. */
const threadMemory = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** A frame takes milliseconds; whoever takes so long is dead. */
const frameMs = 120_000;
/** It is waited for in pieces: while a process is stopped the clock goes on, and then no more than one of them is over. */
const waitMs = 1000;

const require = createRequire(import.meta.url);

let loaded: typeof import('node:worker_threads') | undefined;

/** It takes 2 ms to load, and most runs start no thread; to ask for it again takes 35 µs. */
function workerThreads(): typeof import('node:worker_threads') {
  loaded ??= require('node:worker_threads') as typeof import('node:worker_threads');
  return loaded;
}

/** On a single core threads would only take turns. */
export function threadsWorthStarting({ besides = 0 } = {}): number {
  const cores = availableParallelism();
  return cores < 2 ? 0 : Math.min(cores - besides, threadsMax);
}

interface FrameThread {
  readonly worker: Worker;
  readonly port: MessagePort;
  /** Counts its answers; then 1 once it takes tasks; then counts the files it has come to; then 1 once it is to stop at the next. */
  readonly answered: Int32Array;
  collected: number;
  /** What it ended with. */
  problem: unknown;
}

export class FrameThreads<K extends keyof TaskKinds> {
  readonly #threads: readonly FrameThread[];
  readonly #tasksAhead: number;
  #submitted = 0;
  #collected = 0;
  readonly #answerMs: number;

  /**
   * `tasksAhead`: how many a thread has before it. A thread that has neither answered nor got anywhere for `answerMs` is taken for dead.
   */
  constructor(count: number, { tasksAhead = tasksPerThread, answerMs = frameMs } = {}) {
    this.#threads = startThreads(count);
    this.#tasksAhead = tasksAhead;
    this.#answerMs = answerMs;
  }

  get count(): number {
    return this.#threads.length;
  }

  /** Whether they take tasks. They may never do: whoever has tasks does them alone until then. */
  get areReady(): boolean {
    return this.#threads.length > 0 && this.#threads.every(({ answered }) => Atomics.load(answered, 1) === 1);
  }

  get isFull(): boolean {
    return this.#submitted - this.#collected >= this.#threads.length * this.#tasksAhead;
  }

  /** Whether the oldest answer can be collected without waiting. */
  get isOldestReady(): boolean {
    if (this.#submitted === this.#collected) return false;
    const { answered, collected } = this.#threadOf(this.#collected);
    return Atomics.load(answered, 0) > collected;
  }

  submit(task: TaskKinds[K]['task']): void {
    const { port } = this.#threadOf(this.#submitted++);
    port.postMessage(task, task.do === 'encode' ? [task.memory] : []);
  }

  /** The answer to the oldest task. Waits for it. */
  collect(): FrameAnswer<TaskKinds[K]['result']> {
    const thread = this.#threadOf(this.#collected++);
    awaitAnswer(thread, this.#answerMs);
    thread.collected++;
    const answer: FrameAnswer<TaskKinds[K]['result']> | undefined = workerThreads().receiveMessageOnPort(
      thread.port,
    )?.message;
    invariant(answer !== undefined, 'a thread that counts an answer has sent one');
    return answer;
  }

  /** A task of which each does a part, when it comes to it. Answers, which say nothing, are not waited for. */
  tellAll(task: TaskKinds[K]['task']): void {
    while (this.isOldestReady) this.collect();
    for (const _ of this.#threads) this.submit(task);
  }

  /** Waits until `count`, which threads raise in their tasks, is no longer `known`. */
  awaitChange(count: Int32Array, known: number): void {
    const stepsDone = (): number =>
      this.#threads.reduce((sum, { answered }) => sum + Atomics.load(answered, 2), 0);
    if (awaitCount(count, known, this.#answerMs, stepsDone)) return;
    throw noAnswer(this.#answerMs, this.#threads.find(({ problem }) => problem !== undefined)?.problem);
  }

  /** They answer as soon as they have done the file that they are at. */
  stop(): void {
    for (const { answered } of this.#threads) Atomics.store(answered, 3, 1);
  }

  async end(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #threadOf(number: number): FrameThread {
    const thread = this.#threads[number % this.#threads.length];
    invariant(thread !== undefined, 'a thread for each number');
    return thread;
  }
}

function awaitAnswer(thread: FrameThread, limitMs: number): void {
  const { answered, collected } = thread;
  if (awaitCount(answered, collected, limitMs, () => Atomics.load(answered, 2))) return;
  throw noAnswer(limitMs, thread.problem);
}

function noAnswer(limitMs: number, cause: unknown): Error {
  return new Error(`Internal error: a thread has not answered for ${limitMs / 1000} s.`, { cause });
}

/**
 * Waits until the count has left `collected`; false when that takes too long after the last step that was seen. Being woken is not
 * enough: a thread that is stopped after it has counted an answer wakes whoever waits for the next one.
 */
export function awaitCount(
  count: Int32Array,
  collected: number,
  limitMs: number,
  stepsDone: () => number = () => 0,
): boolean {
  let steps = stepsDone();
  for (let waitedMs = 0; waitedMs < limitMs; ) {
    if (Atomics.load(count, 0) !== collected) return true;
    const pieceMs = Math.min(waitMs, limitMs);
    if (Atomics.wait(count, 0, collected, pieceMs) === 'timed-out') waitedMs += pieceMs;
    if (stepsDone() === steps) continue;
    steps = stepsDone();
    waitedMs = 0;
  }
  return Atomics.load(count, 0) !== collected;
}

/** Fewer where the system refuses one, or whoever started this process has forbidden them: they only save time. */
function startThreads(count: number): FrameThread[] {
  const threads: FrameThread[] = [];
  try {
    while (threads.length < count) threads.push(startThread());
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  return threads;
}

function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_ACCESS_DENIED' || code === 'ERR_WORKER_INIT_FAILED';
}

function startThread(): FrameThread {
  const answered = new SharedArrayBuffer(16);
  const { MessageChannel, Worker } = workerThreads();
  const { port1: port, port2 } = new MessageChannel();
  const worker = new Worker(programPath(), {
    resourceLimits: threadMemory,
    workerData: { answered, port: port2 },
    transferList: [port2],
    execArgv: [], // some options of the process are none for a thread, as --input-type
  });
  const thread = { worker, port, answered: new Int32Array(answered), collected: 0, problem: undefined };
  // Without this the whole process would end with it.
  worker.on('error', (error) => Object.assign(thread, { problem: error }));
  worker.unref();
  return thread;
}

/** Beside this module, in the form that runs: TypeScript, JavaScript or a bundle. */
function programPath(): string {
  const self = fileURLToPath(import.meta.url);
  return join(dirname(self), `frame-thread${extname(self)}`);
}
