/**
 * The same bytes as GzipWriter, compressed in worker threads. The first pieces are compressed in this thread: starting
 * threads costs more than a small archive.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { GzipTrailer, gzipHeader } from './gzip.ts';
import { compiledKernel, createPieceCompressor, deflateEnd, PieceCutter, windowBytesMax } from './pieces.ts';

const threadsMax = 8;
const inlinePiecesDefault = 8;
/** MB. A thread has few objects of its own: pieces and the kernel's memory are not among them. Without a limit its heap grows at leisure. */
const threadMemory = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/**
 * What a worker runs. Text, not a module, so that it works alike from the sources, the library and the bundled command.
 * One buffer goes back and forth: the window comes in it and the result returns in it, which is at most 1.6 % larger than
 * the piece and so never larger than a full window.
 */
const workerSource = `
const { parentPort, workerData } = require('node:worker_threads');
const kernel = new WebAssembly.Instance(workerData).exports;
const memory = new Uint8Array(kernel.memory.buffer);
parentPort.on('message', ({ piece, buffer, bytes, dictionaryBytes }) => {
  memory.set(new Uint8Array(buffer, 0, bytes), kernel.dictionaryEnd() - dictionaryBytes);
  const length = kernel.compress(dictionaryBytes, bytes - dictionaryBytes);
  new Uint8Array(buffer).set(memory.subarray(kernel.outputStart(), kernel.outputStart() + length));
  parentPort.postMessage({ piece, buffer, bytes: length }, [buffer]);
});
`;

interface Result {
  readonly piece: number;
  readonly buffer: ArrayBuffer;
  readonly bytes: number;
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
  readonly #compressHere = createPieceCompressor();
  readonly #trailer = new GzipTrailer();
  readonly #cutter: PieceCutter;
  readonly #workers: Worker[] = [];
  readonly #freeBuffers: ArrayBuffer[] = [];
  readonly #results = new Map<number, Result>();
  #sentCount = 0;
  #writtenCount = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake = (): void => {};

  /** `write` gets bytes that are valid during the call only; it may be called during any call and between them. */
  constructor(write: (bytes: Uint8Array) => void, options: ParallelGzipOptions = {}) {
    this.#write = write;
    this.#threads = options.threads ?? Math.min(availableParallelism(), threadsMax);
    this.#inlinePieces = options.inlinePieces ?? inlinePiecesDefault;
    this.#cutter = new PieceCutter(this.#freeMemory(), (...window) => this.#take(...window));
    write(gzipHeader);
  }

  /** Copies the bytes. Await `drained()` about once a MiB, so that memory stays bounded. */
  write(bytes: Uint8Array): void {
    this.#trailer.add(bytes);
    this.#cutter.write(bytes);
  }

  /** @throws what a thread or the receiver of the result threw. */
  drained(): Promise<void> | undefined {
    const isFull = this.#sentCount - this.#writtenCount > 2 * this.#threads;
    return isFull || this.#failure !== undefined ? this.#untilWaiting(2 * this.#threads) : undefined;
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
    for (const worker of workers) worker.removeAllListeners();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #take(memory: Uint8Array, bytes: number, dictionaryBytes: number): Uint8Array {
    if (this.#sentCount < this.#inlinePieces) {
      this.#sentCount++;
      this.#writtenCount++;
      this.#write(this.#compressHere(memory.subarray(0, bytes), dictionaryBytes));
      return memory;
    }
    if (this.#workers.length === 0) this.#startWorkers();
    const { buffer } = memory;
    const piece = this.#sentCount++;
    const worker = this.#workers[piece % this.#threads];
    worker?.postMessage({ piece, buffer, bytes, dictionaryBytes }, [buffer as ArrayBuffer]);
    return this.#freeMemory();
  }

  #freeMemory(): Uint8Array {
    return new Uint8Array(this.#freeBuffers.pop() ?? new ArrayBuffer(windowBytesMax));
  }

  #startWorkers(): void {
    for (let index = 0; index < this.#threads; index++) {
      const worker = new Worker(workerSource, {
        eval: true,
        workerData: compiledKernel(),
        resourceLimits: threadMemory,
      });
      worker.on('message', (result: Result) => this.#receive(result));
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', () => this.#fail(new Error('A compression thread ended early')));
      this.#workers.push(worker);
    }
  }

  /** Writes the results that are next in order. */
  #receive(received: Result): void {
    this.#results.set(received.piece, received);
    try {
      for (let next = received; next.piece === this.#writtenCount && this.#failure === undefined; ) {
        this.#results.delete(next.piece);
        this.#writtenCount++;
        this.#write(new Uint8Array(next.buffer, 0, next.bytes));
        this.#freeBuffers.push(next.buffer);
        next = this.#results.get(this.#writtenCount) ?? next;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  async #untilWaiting(piecesMax: number): Promise<void> {
    while (this.#failure === undefined && this.#sentCount - this.#writtenCount > piecesMax) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
