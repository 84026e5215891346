/**
 * The same bytes as GzipWriter, compressed in worker threads. The first pieces are compressed in this thread: starting
 * threads costs more than a small archive.
 *
 * Each piece has a place: a kernel's memory, which all threads share. It is filled here, compressed by whoever takes it and written from
 * here, so that nothing is copied and no message is sent; words of shared memory say how many pieces there are, how many of them are taken,
 * and which are done. This thread takes one as well where it would wait otherwise.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { invariant } from '../../model/errors.ts';
import { GzipTrailer, gzipHeader } from './gzip.ts';
import { compiledKernel, deflateEnd, PieceCutter, PieceKernel } from './pieces.ts';

const threadsMax = 8;
const inlinePiecesDefault = 8;
const manyBytes = 64 * 1024 * 1024;
/** This thread is one of them. */
const placesPerThread = 3;
/** To wake a thread that sleeps takes up to half a millisecond where cores are those of a virtual machine. A single piece waits, or is done here. */
const piecesToWakeFor = 2;
/** MB. A thread has few objects of its own: the memory of kernels is not among them. Without a limit its heap grows at leisure. */
const threadMemory = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** A piece takes milliseconds; a thread that takes so long is dead. Waited for in parts: while a process is stopped the clock goes on. */
const waitMs = 1000;
const waitsMax = 120;
/** Between looks at whether a thread has failed. */
const lookMs = 20;

// Of the queue, in words of shared memory: pieces are numbered, and each is taken by raising the second.
const sentAt = 0;
const takenAt = 1;
const wordsOfQueue = 2;

// Of each place.
const isDoneAt = 0;
const bytesAt = 1; // of the piece, then of the result
const dictionaryBytesAt = 2;
const wordsPerPlace = 3;

/** What a worker runs. Text, not a module, so that it works alike from the sources, the library and the bundled command. */
const workerSource = `
const { module, memories, places, queue } = require('node:worker_threads').workerData;
const kernels = [];
for (;;) {
  const taken = Atomics.load(queue, ${takenAt});
  if (taken === Atomics.load(queue, ${sentAt})) Atomics.wait(queue, ${sentAt}, taken);
  else if (Atomics.compareExchange(queue, ${takenAt}, taken, taken + 1) === taken) compress(taken % places.length);
}
function compress(place) {
  const memory = memories[place];
  const words = places[place];
  kernels[place] ??= new WebAssembly.Instance(module, { env: { memory } }).exports;
  words[${bytesAt}] = kernels[place].compress(words[${dictionaryBytesAt}], words[${bytesAt}]);
  Atomics.store(words, ${isDoneAt}, 1);
  Atomics.notify(words, ${isDoneAt});
}
`;

interface Place {
  readonly kernel: PieceKernel;
  readonly words: Int32Array;
}

export interface ParallelGzipOptions {
  /** Threads besides this one, by default one less than there are cores, at most 8. */
  readonly threads?: number;
  /** About so many will be written: with many, threads start at once. */
  readonly expectedBytes?: number;
  /** Pieces of 1 MiB that are compressed in this thread before others are started; by default 8, or none where it is said that there will be many. */
  readonly inlinePieces?: number;
}

export class ParallelGzipWriter implements AsyncDisposable {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #threads: number;
  readonly #inlinePieces: number;
  readonly #trailer = new GzipTrailer();
  readonly #cutter: PieceCutter;
  readonly #workers: Worker[] = [];
  /** Pieces take them in turn; the one that is filled is that of the next piece. */
  readonly #places: Place[] = [newPlace()];
  readonly #queue = new Int32Array(new SharedArrayBuffer(4 * wordsOfQueue));
  #inlineCount = 0;
  #sentCount = 0;
  #writtenCount = 0;
  #failure: { readonly error: unknown } | undefined;

  /** `write` gets bytes that are valid during the call only; it is called during calls only. */
  constructor(write: (bytes: Uint8Array) => void, options: ParallelGzipOptions = {}) {
    this.#write = write;
    this.#threads = options.threads ?? Math.min(availableParallelism() - 1, threadsMax);
    const isMuch = (options.expectedBytes ?? 0) >= manyBytes;
    this.#inlinePieces = options.inlinePieces ?? (isMuch ? 0 : inlinePiecesDefault);
    this.#cutter = new PieceCutter(this.#place(0).kernel.window, (_, ...sizes) => this.#take(...sizes));
    write(gzipHeader);
  }

  /** Compresses a piece that no thread has taken yet, while who writes would wait for something else. False where there is none. */
  readonly doSome = (): boolean => this.#compressOne();

  /** Copies the bytes. Waits for the threads where they have all that they can hold. */
  write(bytes: Uint8Array): void {
    this.#trailer.add(bytes);
    this.#cutter.write(bytes);
  }

  /** To be awaited about once a MiB. @throws what a thread or the receiver of the result threw. */
  drained(): Promise<void> | undefined {
    const waitingMax = Math.max(0, this.#places.length - 2);
    const isWaiting = (): boolean => this.#sentCount - this.#writtenCount > waitingMax;
    if (isWaiting()) {
      if (!this.#compressOne()) this.#awaitOldestFor(lookMs);
      this.#writeResults();
    }
    return isWaiting() || this.#failure !== undefined ? this.#untilWaiting(waitingMax) : undefined;
  }

  async finish(): Promise<void> {
    this.#cutter.flush();
    await this.#untilWaiting(0);
    this.#write(deflateEnd);
    this.#write(this.#trailer.bytes());
  }

  /** Ends the threads; what is not written yet is dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    const workers = this.#workers.splice(0);
    for (const worker of workers) {
      worker.removeAllListeners();
      worker.on('error', () => {}); // one that fails as well: the first has been told
    }
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  /** The piece in the window is complete. Returns the window for the next. */
  #take(bytes: number, dictionaryBytes: number): Uint8Array {
    const { kernel, words } = this.#place(this.#sentCount);
    if (this.#failure !== undefined) return kernel.window;
    if (this.#inlineCount < this.#inlinePieces || this.#threads === 0) {
      this.#inlineCount++;
      this.#write(kernel.compress(bytes, dictionaryBytes));
      return kernel.window;
    }
    if (this.#workers.length === 0) this.#startWorkers();
    words[bytesAt] = bytes;
    words[dictionaryBytesAt] = dictionaryBytes;
    Atomics.store(words, isDoneAt, 0);
    Atomics.store(this.#queue, sentAt, ++this.#sentCount);
    if (this.#sentCount - Atomics.load(this.#queue, takenAt) >= piecesToWakeFor)
      Atomics.notify(this.#queue, sentAt, 1);
    this.#writeResults();
    while (this.#sentCount - this.#writtenCount === this.#places.length) this.#makeRoom();
    return this.#place(this.#sentCount).kernel.window;
  }

  #place(piece: number): Place {
    const place = this.#places[piece % this.#places.length];
    invariant(place !== undefined, 'a place for each piece');
    return place;
  }

  #startWorkers(): void {
    while (this.#places.length < placesPerThread * (this.#threads + 1)) this.#places.push(newPlace());
    const workerData = {
      module: compiledKernel(),
      memories: this.#places.map(({ kernel }) => kernel.memory),
      places: this.#places.map(({ words }) => words),
      queue: this.#queue,
    };
    for (let index = 0; index < this.#threads; index++) {
      const worker = new Worker(workerSource, { eval: true, workerData, resourceLimits: threadMemory });
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', () => this.#fail(new Error('A compression thread ended early')));
      this.#workers.push(worker);
    }
  }

  /** A piece that no thread has taken yet is compressed here; where there is none the oldest is waited for. */
  #makeRoom(): void {
    if (!this.#compressOne()) this.#awaitOldest();
    this.#writeResults();
  }

  /** False where all pieces are taken. */
  #compressOne(): boolean {
    const queue = this.#queue;
    for (;;) {
      const taken = Atomics.load(queue, takenAt);
      if (taken === this.#sentCount) return false;
      if (Atomics.compareExchange(queue, takenAt, taken, taken + 1) !== taken) continue;
      const { kernel, words } = this.#place(taken);
      words[bytesAt] = kernel.compress(words[bytesAt] ?? 0, words[dictionaryBytesAt] ?? 0).length;
      Atomics.store(words, isDoneAt, 1);
      return true;
    }
  }

  #awaitOldest(): void {
    const { words } = this.#place(this.#writtenCount);
    for (let waits = 0; Atomics.load(words, isDoneAt) === 0; waits++) {
      if (waits === waitsMax) throw new Error('Internal error: a compression thread does not answer.');
      Atomics.wait(words, isDoneAt, 0, waitMs);
    }
  }

  #awaitOldestFor(ms: number): void {
    Atomics.wait(this.#place(this.#writtenCount).words, isDoneAt, 0, ms);
  }

  /** Those that are there, in order. */
  #writeResults(): void {
    while (this.#writtenCount < this.#sentCount) {
      const { kernel, words } = this.#place(this.#writtenCount);
      if (Atomics.load(words, isDoneAt) === 0) return;
      this.#writtenCount++;
      try {
        if (this.#failure === undefined) this.#write(kernel.result(words[bytesAt] ?? 0));
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
  }

  async #untilWaiting(piecesMax: number): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#sentCount - this.#writtenCount <= piecesMax) return;
      if (!this.#compressOne()) this.#awaitOldestFor(lookMs);
      this.#writeResults();
      await new Promise(setImmediate); // a thread's end is told there
    }
  }
}

function newPlace(): Place {
  return { kernel: new PieceKernel(), words: new Int32Array(new SharedArrayBuffer(4 * wordsPerPlace)) };
}
