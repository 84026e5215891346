/**
 * The same bytes as GzipWriter, compressed in worker threads. The first pieces are compressed in this thread: starting
 * threads costs more than a small archive.
 *
 * Each piece has a place: a kernel's memory, which this thread and one other share. It is filled here, compressed there and written from
 * here, so that nothing is copied and no message is sent; a word of shared memory says whose turn it is.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { invariant } from '../../model/errors.ts';
import { GzipTrailer, gzipHeader } from './gzip.ts';
import { compiledKernel, deflateEnd, PieceCutter, PieceKernel } from './pieces.ts';

const threadsMax = 8;
const inlinePiecesDefault = 8;
const placesPerThread = 3;
/** MB. A thread has few objects of its own: the memory of kernels is not among them. Without a limit its heap grows at leisure. */
const threadMemory = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** A piece takes milliseconds; a thread that takes so long is dead. Waited for in parts: while a process is stopped the clock goes on. */
const waitMs = 1000;
const waitsMax = 120;
/** Between looks at whether a thread has failed. */
const lookMs = 20;

// Of each place, in words of shared memory.
const turnAt = 0; // whose turn it is
const bytesAt = 1; // of the piece, then of the result
const dictionaryBytesAt = 2;
const wordsPerPlace = 3;

const turns = { free: 0, piece: 1, result: 2 } as const;

/** What a worker runs. Text, not a module, so that it works alike from the sources, the library and the bundled command. */
const workerSource = `
const { module, memories, control } = require('node:worker_threads').workerData;
const kernels = memories.map((memory) => new WebAssembly.Instance(module, { env: { memory } }).exports);
for (let place = 0; ; place = (place + 1) % kernels.length) {
  const words = control[place];
  for (let turn; (turn = Atomics.load(words, ${turnAt})) !== ${turns.piece}; ) Atomics.wait(words, ${turnAt}, turn);
  words[${bytesAt}] = kernels[place].compress(words[${dictionaryBytesAt}], words[${bytesAt}]);
  Atomics.store(words, ${turnAt}, ${turns.result});
  Atomics.notify(words, ${turnAt});
}
`;

interface Place {
  readonly kernel: PieceKernel;
  readonly words: Int32Array;
}

export interface ParallelGzipOptions {
  /** Threads, by default one for each core, at most 8. */
  readonly threads?: number;
  /** Pieces of 1 MiB that are compressed in this thread before others are started; 8 by default. */
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
  #inlineCount = 0;
  #sentCount = 0;
  #writtenCount = 0;
  #failure: { readonly error: unknown } | undefined;

  /** `write` gets bytes that are valid during the call only; it is called during calls only. */
  constructor(write: (bytes: Uint8Array) => void, options: ParallelGzipOptions = {}) {
    this.#write = write;
    this.#threads = options.threads ?? Math.min(availableParallelism(), threadsMax);
    this.#inlinePieces = options.inlinePieces ?? inlinePiecesDefault;
    this.#cutter = new PieceCutter(this.#place(0).kernel.window, (_, ...sizes) => this.#take(...sizes));
    write(gzipHeader);
  }

  /** Copies the bytes. Waits for the threads where they have all that they can hold. */
  write(bytes: Uint8Array): void {
    this.#trailer.add(bytes);
    this.#cutter.write(bytes);
  }

  /** To be awaited about once a MiB. @throws what a thread or the receiver of the result threw. */
  drained(): Promise<void> | undefined {
    const waitingMax = Math.max(0, this.#places.length - 2);
    const isFull = this.#sentCount - this.#writtenCount > waitingMax;
    if (isFull) this.#awaitOldestFor(lookMs);
    const isWaiting = this.#sentCount - this.#writtenCount > waitingMax;
    return isWaiting || this.#failure !== undefined ? this.#untilWaiting(waitingMax) : undefined;
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
    if (this.#inlineCount < this.#inlinePieces) {
      this.#inlineCount++;
      this.#write(kernel.compress(bytes, dictionaryBytes));
      return kernel.window;
    }
    if (this.#workers.length === 0) this.#startWorkers();
    words[bytesAt] = bytes;
    words[dictionaryBytesAt] = dictionaryBytes;
    Atomics.store(words, turnAt, turns.piece);
    Atomics.notify(words, turnAt);
    this.#sentCount++;
    this.#writeResults();
    if (this.#sentCount - this.#writtenCount === this.#places.length) this.#awaitOldest();
    return this.#place(this.#sentCount).kernel.window;
  }

  #place(piece: number): Place {
    const place = this.#places[piece % this.#places.length];
    invariant(place !== undefined, 'a place for each piece');
    return place;
  }

  #startWorkers(): void {
    while (this.#places.length < placesPerThread * this.#threads) this.#places.push(newPlace());
    for (let index = 0; index < this.#threads; index++) {
      const places = this.#places.filter((_, place) => place % this.#threads === index);
      const worker = new Worker(workerSource, {
        eval: true,
        workerData: {
          module: compiledKernel(),
          memories: places.map(({ kernel }) => kernel.memory),
          control: places.map(({ words }) => words),
        },
        resourceLimits: threadMemory,
      });
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', () => this.#fail(new Error('A compression thread ended early')));
      this.#workers.push(worker);
    }
  }

  #awaitOldest(): void {
    const { words } = this.#place(this.#writtenCount);
    for (let waits = 0; Atomics.load(words, turnAt) === turns.piece; waits++) {
      if (waits === waitsMax) throw new Error('Internal error: a compression thread does not answer.');
      Atomics.wait(words, turnAt, turns.piece, waitMs);
    }
    this.#writeResults();
  }

  /** Those that are there, in order. */
  #writeResults(): void {
    while (this.#writtenCount < this.#sentCount) {
      const { kernel, words } = this.#place(this.#writtenCount);
      if (Atomics.load(words, turnAt) !== turns.result) return;
      this.#writtenCount++;
      Atomics.store(words, turnAt, turns.free);
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
      this.#awaitOldestFor(lookMs);
      await new Promise(setImmediate); // a thread's end is told there
    }
  }

  #awaitOldestFor(ms: number): void {
    Atomics.wait(this.#place(this.#writtenCount).words, turnAt, turns.piece, ms);
    this.#writeResults();
  }
}

function newPlace(): Place {
  return { kernel: new PieceKernel(), words: new Int32Array(new SharedArrayBuffer(4 * wordsPerPlace)) };
}
