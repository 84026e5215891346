import type { ByteString } from '../model/paths.ts';

/**
 * What became of one database.
 * - `captured`: `copyPath` is a single clean file that holds one transaction's state, page for page where the source
 *   has it. `live` was read through SQLite under its locks, `staged` from a plain copy that was proven stable.
 *   `not-checkable`: SQLite could not check it here because it needs an extension; `note` names it.
 * - `not-a-database`: an empty file, or one that does not begin as a database does.
 * - `failed`: nothing was kept; `retryable` says whether a later attempt may succeed.
 */
export type CaptureResult =
  | {
      readonly kind: 'captured';
      readonly copyPath: string;
      readonly bytes: number;
      readonly pageSize: number;
      readonly userVersion: number;
      readonly applicationId: number;
      readonly method: CaptureMethod;
      readonly check: 'ok' | 'not-checkable';
      readonly note?: string;
    }
  | { readonly kind: 'not-a-database' }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryable: boolean };

/**
 * A copy that is complete and about to be checked: what it is used for meanwhile counts only once the result says `captured`. Comes once
 * for each attempt.
 */
export interface UncheckedCopy {
  readonly kind: 'copied';
  readonly copyPath: string;
  readonly bytes: number;
  readonly pageSize: number;
}

export type OnCopied = (copy: UncheckedCopy) => void;

export type CaptureMethod = 'live' | 'staged';

/** One line of JSON on the child's standard input. Paths never go into its arguments, which anyone can list. */
export interface CaptureRequest {
  /** The database's path: its bytes in base64. */
  readonly path: string;
  /** An empty private folder, as text; the child writes nowhere else. */
  readonly folder: string;
}

/** What is captured, and the folder that copies of it are made in. */
export interface CaptureSource {
  readonly source: ByteString;
  readonly folder: string;
}

/** Where one attempt reads from and writes to. */
export interface CaptureTask extends CaptureSource {
  readonly copyPath: string;
}

/** Comes last, instead of a request, where the copy is to stay. */
export const leaveRequest = 'leave';
