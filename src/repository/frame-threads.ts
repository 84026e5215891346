/** Threads that compress frames, and the queue before them. */
import { availableParallelism } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createQueueMemory, FrameQueue, type RawFrame } from './frame-queue.ts';

/** The thread that reads, cuts and hashes feeds no more than about four that compress. */
const threadsMax = 4;
const slotsPerThread = 3;

/** A frame takes milliseconds; whoever takes so long is dead. */
const answerMs = 120_000;

/** On a single core threads would only take turns. */
export function threadsWorthStarting(): number {
  const cores = availableParallelism();
  return cores < 2 ? 0 : Math.min(cores, threadsMax);
}

export class FrameThreads {
  readonly #queue: FrameQueue;
  readonly #workers: readonly Worker[];
  #failure: unknown;

  constructor(count: number) {
    const memory = createQueueMemory(count * slotsPerThread);
    this.#queue = new FrameQueue(memory);
    this.#workers = Array.from({ length: count }, () => {
      const worker = new Worker(programPath(), { workerData: memory });
      worker.unref();
      worker.on('error', (error) => {
        this.#failure ??= error;
      });
      return worker;
    });
  }

  get isFull(): boolean {
    return this.#queue.isFull;
  }

  get isEmpty(): boolean {
    return this.#queue.isEmpty;
  }

  get isOldestReady(): boolean {
    return this.#queue.isOldestReady;
  }

  submit(frame: RawFrame): void {
    this.#queue.submit(frame);
  }

  /** The oldest frame, compressed, valid until the next `submit`. */
  collect(): Buffer {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#queue.collect(answerMs);
  }

  async end(): Promise<void> {
    this.#queue.end();
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** Beside this module, in the form that runs: TypeScript, JavaScript or a bundle. */
function programPath(): string {
  const self = fileURLToPath(import.meta.url);
  return join(dirname(self), `frame-thread${extname(self)}`);
}
