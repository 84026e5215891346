/** Files hashed by threads: no byte of them comes to whoever asks. */
import { invariant } from '../model/errors.ts';
import { idBytes } from '../model/ids.ts';
import { type FileHasher, type FilesToHash, stampBytes } from '../model/store.ts';
import { FrameThreads, threadsWorthStarting } from './frame-threads.ts';

/** Whoever asks has much else to do in between. */
const tasksAhead = 8;

interface Answer {
  readonly files: number;
  hashes: Uint8Array | undefined;
}

export class ThreadHasher implements FileHasher, AsyncDisposable {
  #threads: FrameThreads<'hash'> | undefined;
  /** What threads have, in the order of their answers. */
  readonly #running: Answer[] = [];

  start(): boolean {
    const count = threadsWorthStarting({ besides: 1 }); // whoever asks is busy too
    if (count > 0) this.#threads ??= new FrameThreads(count, { tasksAhead });
    return count > 0;
  }

  get hasRoom(): boolean {
    while (this.#threads?.isOldestReady === true) this.#collect(); // nobody may ever ask for it
    return this.#threads?.areReady === true && !this.#threads.isFull;
  }

  hash({ paths, stamps }: FilesToHash): () => Uint8Array {
    const answer: Answer = { files: stamps.length / stampBytes, hashes: undefined };
    this.#threads?.submit({ do: 'hash', paths, stamps });
    this.#running.push(answer);
    return () => {
      while (answer.hashes === undefined) this.#collect();
      return answer.hashes;
    };
  }

  #collect(): void {
    const answer = this.#running.shift();
    invariant(answer !== undefined, 'an answer to each task');
    const found = this.#threads?.collect();
    // What a thread cannot do is done by whoever asks.
    const isDone = found !== undefined && 'hashes' in found;
    answer.hashes = isDone ? found.hashes : new Uint8Array(idBytes * answer.files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads?.end();
  }
}
