/** Files that have other times than when they were stored, compared by threads: no byte of them comes to whoever asks. */
import type { FileComparer, FileToCompare } from '../model/store.ts';
import { FrameThreads, threadsWorthStarting } from './frame-threads.ts';
import type { RepositoryLayout } from './layout.ts';

/** Whoever asks has much else to do in between. */
const tasksAhead = 6;

export class ThreadComparer implements FileComparer {
  readonly #layout: RepositoryLayout;
  #threads: FrameThreads<'compare'> | undefined;
  /** How many files threads have, in the order of their answers. */
  readonly #running: number[] = [];

  constructor(layout: RepositoryLayout) {
    this.#layout = layout;
  }

  start(): void {
    const count = threadsWorthStarting();
    if (count > 0) this.#threads ??= new FrameThreads(count, { tasksAhead });
  }

  get hasRoom(): boolean {
    return this.#threads?.areReady === true && !this.#threads.isFull;
  }

  compare(files: readonly FileToCompare[]): void {
    const { keyring } = this.#layout;
    this.#threads?.submit({ do: 'compare', files, ...(keyring && { idKey: keyring.keys.idKey }) });
    this.#running.push(files.length);
  }

  collect(): ReadonlySet<number> {
    const count = this.#running.shift() ?? 0;
    const answer = this.#threads?.collect();
    // What a thread cannot do is done by whoever asks, who learns what is wrong.
    return new Set(answer !== undefined && 'failed' in answer ? answer.failed : Array(count).keys());
  }

  async close(): Promise<void> {
    await this.#threads?.end();
  }
}
