/**
 * Locks between processes are SQLite's file locks on a small database that is never written: the kernel frees them the
 * moment a process dies, however it dies, and taking one needs no free byte on the disk. So there is no stale lock and no
 * unlock command.
 *
 * Backups and readers share; what deletes packs is alone.
 */
import { readdirSync } from 'node:fs';
import { ExuviaError, LockedError } from '../model/errors.ts';
import { type Database, openPrivateDatabase, sqliteCodeOf } from './database.ts';
import type { RepositoryLayout } from './layout.ts';

export type LockMode = 'shared' | 'exclusive';

export class RepositoryLock implements Disposable {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** @throws LockedError when it cannot be had within `waitMs`. */
  static acquire(layout: RepositoryLayout, mode: LockMode, waitMs: number): RepositoryLock {
    const lock = RepositoryLock.tryAcquire(layout, mode, waitMs);
    if (lock !== undefined) return lock;
    throw new LockedError(layout.root, `${holderText(layout)} is using it (waited ${waitMs / 1000} s)`);
  }

  static tryAcquire(layout: RepositoryLayout, mode: LockMode, waitMs: number): RepositoryLock | undefined {
    let database: Database;
    try {
      database = openLockDatabase(layout, waitMs);
    } catch (error) {
      if (error instanceof ExuviaError && sqliteCodeOf(error.cause)?.startsWith('SQLITE_BUSY'))
        return undefined;
      throw error;
    }
    try {
      if (mode === 'exclusive') {
        database.exec('BEGIN EXCLUSIVE');
      } else {
        database.exec('BEGIN');
        database.prepare('SELECT count(*) FROM sqlite_schema').get(); // BEGIN alone takes no lock
      }
      return new RepositoryLock(database);
    } catch (error) {
      database.close();
      if (sqliteCodeOf(error)?.startsWith('SQLITE_BUSY')) return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function openLockDatabase(layout: RepositoryLayout, waitMs: number): Database {
  try {
    const database = openPrivateDatabase(layout.locks, { timeout: waitMs });
    // In rollback mode (the default) a SHARED lock holds off EXCLUSIVE; in WAL mode readers and a writer would both pass.
    database.pragma('synchronous = OFF'); // nothing is ever written to it
    return database;
  } catch (error) {
    throw new ExuviaError(`Cannot lock repository ${layout.root}: ${(error as Error).message}`, {
      code: 'ERR_LOCK_FILE',
      hint: 'Check that the folder "local" inside it can be written.',
      cause: error,
    });
  }
}

/** Who else is at work, by the temporary folders that running processes keep: `<pid>-<random>`. */
function holderText(layout: RepositoryLayout): string {
  const pids = livingHolders(layout);
  return pids.length > 0 ? `process ${pids.join(', ')}` : 'another process';
}

export function livingHolders(layout: RepositoryLayout): number[] {
  let names: string[];
  try {
    names = readdirSync(layout.temporary);
  } catch {
    return []; // No folder of temporary files: nobody writes.
  }
  const pids = names.map((name) => Number.parseInt(name, 10)).filter((pid) => pid > 0 && pid !== process.pid);
  return [...new Set(pids)].filter(isAlive);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
