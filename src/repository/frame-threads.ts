/**
 * Threads that compress frames. Frames are given to them in turn, and collected in the same order. The thread that does so need
 * not return to its event loop: whoever writes blobs is synchronous.
 */
import { availableParallelism } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { invariant } from '../model/errors.ts';
import type { BlobKind } from '../model/store.ts';

export interface FrameTask {
  readonly kind: BlobKind;
  /** Goes to the thread, and comes back with the frame. */
  readonly memory: ArrayBuffer;
  /** Where the raw bytes are in it. */
  readonly start: number;
  readonly end: number;
  readonly blobCount: number;
  readonly level: number;
}

export type FrameAnswer =
  | { readonly memory: ArrayBuffer; readonly bytes: number }
  | { readonly memory: undefined; readonly problem: string };

/** The thread that reads, cuts and hashes feeds no more than about four that compress. */
const threadsMax = 4;
const tasksPerThread = 3;

/** A frame takes milliseconds; whoever takes so long is dead. */
const answerMs = 120_000;

/** On a single core threads would only take turns. */
export function threadsWorthStarting(): number {
  const cores = availableParallelism();
  return cores < 2 ? 0 : Math.min(cores, threadsMax);
}

interface FrameThread {
  readonly worker: Worker;
  readonly port: MessagePort;
  /** Counts its answers. */
  readonly answered: Int32Array;
  collected: number;
}

export class FrameThreads {
  readonly #threads: readonly FrameThread[];
  #submitted = 0;
  #collected = 0;

  constructor(count: number) {
    this.#threads = Array.from({ length: count }, () => startThread());
  }

  get isFull(): boolean {
    return this.#submitted - this.#collected >= this.#threads.length * tasksPerThread;
  }

  /** Whether the oldest frame can be collected without waiting. */
  get isOldestReady(): boolean {
    if (this.#submitted === this.#collected) return false;
    const { answered, collected } = this.#threadOf(this.#collected);
    return Atomics.load(answered, 0) > collected;
  }

  submit(task: FrameTask): void {
    this.#threadOf(this.#submitted++).port.postMessage(task, [task.memory]);
  }

  /** The oldest frame, in the memory that it was given in. Waits for it. */
  collect(): { readonly memory: ArrayBuffer; readonly frame: Uint8Array } {
    const thread = this.#threadOf(this.#collected++);
    if (Atomics.wait(thread.answered, 0, thread.collected, answerMs) === 'timed-out') {
      throw new Error(`Internal error: a compressing thread has not answered for ${answerMs / 1000} s.`);
    }
    thread.collected++;
    const answer: FrameAnswer | undefined = receiveMessageOnPort(thread.port)?.message;
    invariant(answer !== undefined, 'a thread that counts an answer has sent one');
    if (answer.memory === undefined) throw new Error(`Internal error while compressing: ${answer.problem}`);
    return { memory: answer.memory, frame: new Uint8Array(answer.memory, 0, answer.bytes) };
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

function startThread(): FrameThread {
  const answered = new SharedArrayBuffer(4);
  const { port1: port, port2 } = new MessageChannel();
  const worker = new Worker(programPath(), { workerData: { answered, port: port2 }, transferList: [port2] });
  worker.unref();
  return { worker, port, answered: new Int32Array(answered), collected: 0 };
}

/** Beside this module, in the form that runs: TypeScript, JavaScript or a bundle. */
function programPath(): string {
  const self = fileURLToPath(import.meta.url);
  return join(dirname(self), `frame-thread${extname(self)}`);
}
