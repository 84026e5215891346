/** What a run could not take of a source, and why. */
import { errnoOf, FileSystemError, messageOf } from '../model/errors.ts';
import { displayKey, type PathKey } from '../model/paths.ts';
import type { Progress } from '../model/progress.ts';
import type { SkipReason } from '../model/selection.ts';
import type { SkippedPath, UnreadableFile } from '../model/snapshot.ts';
import type { WalkReport } from '../walker/source-walk.ts';
import { pathFields } from './path-fields.ts';

export class Findings implements WalkReport {
  readonly skippedPaths: SkippedPath[] = [];
  readonly unreadableFiles: UnreadableFile[] = [];
  readonly #progress: Progress;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  skipped(key: PathKey, reason: SkipReason, detail?: string): void {
    this.skippedPaths.push({ ...pathFields(key), reason, ...(detail === undefined ? {} : { detail }) });
  }

  unreadable(key: PathKey, error: unknown): void {
    const reason = errnoOf(error) === undefined ? messageOf(error) : readReason(error);
    this.unreadableFiles.push({ ...pathFields(key), reason });
    this.#progress.warn(`Cannot read ${displayKey(key)}: ${reason}`);
  }

  /** What is gone by now is no failure. */
  failed(key: PathKey, error: unknown): void {
    if (errnoOf(error) === 'ENOENT') this.skipped(key, 'vanished');
    else this.unreadable(key, error);
  }

  /** Something is stored of it, but not as it should be; or nothing, without anything having failed. */
  incomplete(key: PathKey, reason: string, isToldAtOnce: boolean): void {
    this.unreadableFiles.push({ ...pathFields(key), reason });
    if (isToldAtOnce) this.#progress.warn(`${displayKey(key)}: ${reason}`);
  }
}

function readReason(error: unknown): string {
  return new FileSystemError('read', '', error).message.replace(/^Cannot read : /, '');
}
