/** Lets the system write a file to disk while the run goes on, so that making it durable at its end takes no time. */
import { close, fsync, openSync } from 'node:fs';
import { withPath } from './files.ts';

/**
 * Of one file, which is opened once more for it: a system tells each opening once that bytes were lost, and whoever makes the file durable
 * has to be told too.
 */
export class BackgroundSync {
  readonly #path: string;
  #state: 'none' | 'running' | 'done' = 'none';
  /** What the last one failed with. */
  error: unknown;

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

  /** Not to be called while one is running. */
  begin(): void {
    const fd = withPath('open', this.#path, () => openSync(this.#path, 'r+'));
    this.#state = 'running';
    fsync(fd, (error) => {
      close(fd, (closeError) => {
        this.#state = 'done';
        this.error ??= error ?? closeError ?? undefined;
      });
    });
  }
}
