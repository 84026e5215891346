/**
 * A language model on loopback, so that a real OpenClaw converses without a network. It has a thread of its own: tests wait
 * for commands without an event loop.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface StubModel {
  /** For OpenClaw's `--custom-base-url`. */
  readonly url: string;
  /** How many answers were given. */
  readonly answers: number;
  close(): Promise<void>;
}

export interface StubModelTask {
  readonly sentences: number;
  readonly pieceDelayMs: number;
  /** One shared number. */
  readonly answers: Int32Array<SharedArrayBuffer>;
}

/** Each answer is "Answer N." and `sentences` sentences more, sent in pieces with `pieceDelayMs` between them. */
export async function startStubModel({ sentences = 40, pieceDelayMs = 0 } = {}): Promise<StubModel> {
  const answers = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const task: StubModelTask = { sentences, pieceDelayMs, answers };
  const worker = new Worker(new URL('./stub-model-worker.ts', import.meta.url), { workerData: task });
  const [port] = (await once(worker, 'message')) as [number];
  return {
    url: `http://127.0.0.1:${port}/v1`,
    get answers() {
      return Atomics.load(answers, 0);
    },
    async close() {
      await worker.terminate();
    },
  };
}
