/**
 * Errors that a caller or a user can act on. Each has a stable `code`, a `hint` that says what to do, and a `kind`
 * that the command line turns into an exit code. A bug is not one of these: see `invariant`.
 */
import { constants } from 'node:os';

export type ErrorKind =
  | 'failed'
  | 'usage'
  | 'damage'
  | 'no-repository'
  | 'locked'
  | 'wrong-key'
  | 'interrupted';

export class ExuviaError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(message: string, options: { code: string; kind?: ErrorKind; hint?: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.kind = options.kind ?? 'failed';
    this.hint = options.hint;
  }
}

/** The caller asked for something that cannot be meant: an unknown name, a malformed value, two options that exclude each other. */
export class UsageError extends ExuviaError {
  constructor(message: string, hint?: string) {
    super(message, { code: 'ERR_USAGE', kind: 'usage', ...(hint === undefined ? {} : { hint }) });
  }
}

export class NoRepositoryError extends ExuviaError {
  constructor(
    path: string,
    detail = 'there is no repository',
    hint = 'Run exuvia backup create to make one, or name another with --repository.',
  ) {
    super(`Cannot open repository ${path}: ${detail}`, {
      code: 'ERR_NO_REPOSITORY',
      kind: 'no-repository',
      hint,
    });
  }

  /** A file has the name that the repository should have. */
  static ofFile(path: string): NoRepositoryError {
    return new NoRepositoryError(path, 'it is a file, not a folder', 'Name a folder with --repository.');
  }
}

/** None of the keys at hand opens the repository or the archive. */
export class WrongKeyError extends ExuviaError {
  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { code: 'ERR_WRONG_KEY', kind: 'wrong-key', hint, cause });
  }
}

export class RepositoryFormatError extends ExuviaError {
  /** Then it may be that a bit has changed, and no newer version made it. */
  readonly isChecksumWrong: boolean;

  constructor(path: string, detail: string, options: { readonly isChecksumWrong: boolean }) {
    const doubt = ' If none made it, its wrong checksum tells damage: run exuvia backup check --repair.';
    super(`Cannot open repository ${path}: ${detail}`, {
      code: 'ERR_REPOSITORY_FORMAT',
      hint: `Install a newer version of exuvia.${options.isChecksumWrong ? doubt : ''}`,
    });
    this.isChecksumWrong = options.isChecksumWrong;
  }
}

export class LockedError extends ExuviaError {
  constructor(path: string, detail: string) {
    super(`Cannot lock repository ${path}: ${detail}`, {
      code: 'ERR_LOCKED',
      kind: 'locked',
      hint: 'Wait for the other run to end, or give --lock-wait a longer time.',
    });
  }
}

/** Stored bytes are not what was written. `place` says which file, frame or blob. */
export class DamageError extends ExuviaError {
  readonly place: string;
  /** What is wrong there. */
  readonly detail: string;

  constructor(place: string, detail: string, cause?: unknown, hint = damageHint) {
    super(`Damaged ${place}: ${detail}`, { code: 'ERR_DAMAGE', kind: 'damage', hint, cause });
    this.place = place;
    this.detail = detail;
  }
}

const damageHint =
  'Copy the repository somewhere safe; other snapshots and files are not affected by this place.';

/** Of the file that makes a folder a repository. */
export class ParametersDamageError extends DamageError {
  constructor(path: string, detail: string, cause?: unknown) {
    super(
      path,
      detail,
      cause,
      'Run exuvia backup check --repair: it writes this file anew, and no snapshot is affected.',
    );
  }
}

/** An archive from outside cannot be used: not an archive, cut short, or with an entry that is refused. */
export class ArchiveError extends ExuviaError {
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { code: 'ERR_ARCHIVE', ...options });
  }
}

export class InterruptedError extends ExuviaError {
  constructor(message = 'Interrupted; what was stored so far is kept and the next run uses it') {
    super(message, { code: 'ERR_INTERRUPTED', kind: 'interrupted' });
  }
}

/** The operating system refused: says what was done to which path, and what would help. */
export class FileSystemError extends ExuviaError {
  readonly errno: string;

  constructor(action: string, path: string, cause: unknown) {
    const errno = errnoOf(cause) ?? 'unknown';
    const hint = hints[errno];
    super(`Cannot ${action} ${path}: ${reasons[errno] ?? messageOf(cause)}`, {
      code: `ERR_FS_${errno}`,
      ...(hint === undefined ? {} : { hint }),
      cause,
    });
    this.errno = errno;
  }
}

/** Whether what was stored cannot be read: it is damaged, or the system refuses. */
export function tellsUnreadable(error: unknown): error is DamageError | FileSystemError {
  return error instanceof DamageError || error instanceof FileSystemError;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder',
  EEXIST: 'it exists already',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'a symbolic link is in the way',
  EIO: 'the device reports an input/output error',
  ENOTEMPTY: 'the folder is not empty',
};

const hints: Readonly<Record<string, string>> = {
  EACCES: 'Check the permissions, or run as the user who owns it.',
  EPERM: 'Check the permissions, or run as the user who owns it.',
  ENOSPC: 'Free some space and run the command again; nothing that was stored before is affected.',
  EDQUOT: 'Free some space and run the command again; nothing that was stored before is affected.',
  EROFS: 'Mount the file system writable, or choose another place.',
  EIO: 'Check the disk; run exuvia backup list afterwards to see that the snapshots are readable.',
};

export function errnoOf(error: unknown): string | undefined {
  const { code, errno } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (errno === -constants.errno.EDQUOT) return 'EDQUOT'; // Node has no name for it, and its code is not one word
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** Why it failed, in words: for an error of the operating system without its call and path. */
export function reasonOf(error: unknown): string {
  return reasons[errnoOf(error) ?? ''] ?? messageOf(error);
}

/** An error that a user can do something about, as one of ours; undefined for a bug. */
export function knownErrorOf(error: unknown): ExuviaError | undefined {
  if (error instanceof ExuviaError) return error;
  const { path, syscall } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (errnoOf(error) === undefined || path === undefined) return undefined;
  return new FileSystemError(actions[syscall ?? ''] ?? 'use', path, error);
}

const actions: Readonly<Record<string, string>> = {
  scandir: 'read folder',
  opendir: 'read folder',
  open: 'open',
  stat: 'look at',
  lstat: 'look at',
  readlink: 'read link',
  mkdir: 'create folder',
  unlink: 'remove',
  rmdir: 'remove',
};

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A condition that only a bug can break. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Internal error: ${message}. Please report this.`);
}
