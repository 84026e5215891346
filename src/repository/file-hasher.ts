/** Files hashed by threads: no byte of them comes to whoever asks. */
import { idBytes } from '../model/ids.ts';
import { type FileHasher, type FilesToHash, stampBytes } from '../model/store.ts';
import { FrameThreads, threadsWorthStarting } from './frame-threads.ts';

/** Whoever asks has much else to do in between. */
const tasksAhead = 8;

export class ThreadHasher implements FileHasher, AsyncDisposable {
  #threads: FrameThreads<'hash'> | undefined;
  /** How many files threads have, in the order of their answers. */
  readonly #running: number[] = [];

  start(): void {
    const count = threadsWorthStarting();
    if (count > 0) this.#threads ??= new FrameThreads(count, { tasksAhead });
  }

  get hasRoom(): boolean {
    return this.#threads?.areReady === true && !this.#threads.isFull;
  }

  hash({ paths, stamps }: FilesToHash): void {
    this.#threads?.submit({ do: 'hash', paths, stamps });
    this.#running.push(stamps.length / stampBytes);
  }

  collect(): Uint8Array {
    const count = this.#running.shift() ?? 0;
    const answer = this.#threads?.collect();
    // What a thread cannot do is done by whoever asks.
    return answer !== undefined && 'hashes' in answer ? answer.hashes : new Uint8Array(idBytes * count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads?.end();
  }
}
