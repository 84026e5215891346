/** What a run could not take of a source, and why. */
import { errnoOf, FileSystemError, messageOf } from '../model/errors.ts';
import { type ByteString, displayKey, type PathKey, rootKey, textOf } from '../model/paths.ts';
import type { Progress } from '../model/progress.ts';
import type { SkipReason } from '../model/selection.ts';
import type { SkippedPath, UnreadableFile } from '../model/snapshot.ts';
import type { WalkReport } from '../walker/source-walk.ts';
import { pathFields } from './path-fields.ts';

export class Findings implements WalkReport {
  readonly skippedPaths: SkippedPath[] = [];
  readonly unreadableFiles: UnreadableFile[] = [];
  readonly #progress: Progress;
  readonly #source: ByteString;

  constructor(progress: Progress, source: ByteString) {
    this.#progress = progress;
    this.#source = source;
  }

  skipped(key: PathKey, reason: SkipReason, detail?: string): void {
    this.skippedPaths.push({ ...pathFields(key), reason, ...(detail === undefined ? {} : { detail }) });
  }

  unreadable(key: PathKey, error: unknown): void {
    const reason = errnoOf(error) === undefined ? messageOf(error) : readReason(error);
    this.unreadableFiles.push({ ...pathFields(key), reason });
    this.#progress.warn(`Cannot read ${this.#nameOf(key)}: ${reason}`);
  }

  /** What is gone by now is no failure. */
  failed(key: PathKey, error: unknown): void {
    if (errnoOf(error) === 'ENOENT') this.skipped(key, 'vanished');
    else this.unreadable(key, error);
  }

  /** Something is stored of it, but not as it should be; or nothing, without anything having failed. */
  incomplete(key: PathKey, reason: string, isToldAtOnce: boolean): void {
    this.unreadableFiles.push({ ...pathFields(key), reason });
    if (isToldAtOnce) this.#progress.warn(`${this.#nameOf(key)}: ${reason}`);
  }

  /** Relative to the source; the source itself by its whole path. */
  #nameOf(key: PathKey): string {
    return key === rootKey ? textOf(this.#source) : displayKey(key);
  }
}

function readReason(error: unknown): string {
  return new FileSystemError('read', '', error).message.replace(/^Cannot read : /, '');
}
