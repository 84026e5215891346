/** Lets the system write a file to disk while the run goes on, so that making it durable at its end takes no time. */
import { close, fsync, openSync } from 'node:fs';
import { errnoOf } from '../model/errors.ts';

/**
 * Of one file, which is opened once more for it: a system tells each opening once that bytes were lost, and whoever makes the file durable
 * has to be told too. It only saves time: whoever needs the file to be durable syncs it where this has not been done.
 */
export class BackgroundSync {
  readonly #path: string;
  #state: 'none' | 'running' | 'done' = 'none';
  #error: unknown;

  constructor(path: string) {
    this.#path = path;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Whether what was written before the last `begin` is on the disk, or has failed to get there. */
  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** What the first that failed has failed with. */
  get error(): unknown {
    return this.#error;
  }

  /** Not to be called while one is running. Does nothing where the file cannot be opened once more. */
  begin(): void {
    this.#state = 'none';
    const fd = this.#openOrNot();
    if (fd === undefined) return;
    this.#state = 'running';
    fsync(fd, (error) => {
      close(fd, (closeError) => {
        this.#state = 'done';
        this.#error ??= error ?? closeError ?? undefined;
      });
    });
  }

  #openOrNot(): number | undefined {
    try {
      return openSync(this.#path, 'r+');
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return undefined; // too many are open, or another program has it
    }
  }
}
