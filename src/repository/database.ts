/** The index and the locks are SQLite databases: opening them, transactions, and their errors as ours. */
import { closeSync, existsSync, openSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { createPrivateFile } from '../io/files.ts';
import { ExuviaError, errnoOf, FileSystemError, LockedError, messageOf } from '../model/errors.ts';

export type Database = BetterSqlite3.Database;
export type Statement = BetterSqlite3.Statement<unknown[]>;

/** Makes the file first, so that nobody else can read it from its first byte; SQLite gives its companions the same mode. */
export function openPrivateDatabase(path: string, options: BetterSqlite3.Options = {}): Database {
  if (!existsSync(path)) makePrivateFile(path);
  return openDatabase(path, options);
}

function makePrivateFile(path: string): void {
  try {
    closeSync(createPrivateFile(path));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw new FileSystemError('create', path, error); // else another process was quicker
  }
}

export function openDatabase(path: string, options: BetterSqlite3.Options = {}): Database {
  return new BetterSqlite3(path, options);
}

/** SQLite's own code (`SQLITE_BUSY`, …), or undefined for any other error. */
export function sqliteCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined;
}

/** Runs `work` in one transaction that may write. @throws FileSystemError and others that name the file */
export function inTransaction<T>(database: Database, work: () => T): T {
  try {
    return database.transaction(work).immediate();
  } catch (error) {
    throw namedError(database.name, error);
  }
}

/** An error of SQLite as one of ours; any other as it is. */
export function namedError(path: string, error: unknown): unknown {
  const code = sqliteCodeOf(error);
  if (code === undefined) return error;
  if (code === 'SQLITE_FULL')
    return new FileSystemError('write', path, Object.assign(new Error(), { code: 'ENOSPC' }));
  if (code.startsWith('SQLITE_BUSY')) return new LockedError(path, 'another process is writing to the index');
  if (code.startsWith('SQLITE_IOERR')) {
    return new FileSystemError('use', path, Object.assign(new Error(), { code: 'EIO' }));
  }
  if (code.startsWith('SQLITE_CANTOPEN')) return new FileSystemError('open', path, reasonNotToOpen(path));
  if (code.startsWith('SQLITE_READONLY')) {
    return new FileSystemError('write', path, Object.assign(new Error(), { code: 'EACCES' }));
  }
  return new ExuviaError(`Cannot use the index ${path}: ${messageOf(error)}`, {
    code: 'ERR_INDEX',
    hint: 'Delete the folder "local" of the repository; it is made anew.',
    cause: error,
  });
}

/** SQLite does not say why; the system does. */
function reasonNotToOpen(path: string): unknown {
  try {
    closeSync(openSync(path, 'r+'));
  } catch (error) {
    return error;
  }
  return Object.assign(new Error(), { code: 'EACCES' }); // the file opens: its journal could not be made
}

/** Nothing can be written where the index is: the disk is full, broken or read-only. */
export function isLocalTrouble(error: unknown): error is FileSystemError {
  return (
    error instanceof FileSystemError && ['ENOSPC', 'EDQUOT', 'EIO', 'EACCES', 'EROFS'].includes(error.errno)
  );
}

/** Whether the database file itself is of no use any more. */
export function isBrokenDatabase(error: unknown): boolean {
  const code = sqliteCodeOf(error) ?? '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}
