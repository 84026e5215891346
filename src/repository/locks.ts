/**
 * Locks between processes are SQLite's file locks on a small database that is never written: the kernel frees them the
 * moment a process dies, however it dies, and taking one needs no free byte on the disk. So there is no stale lock and no
 * unlock command.
 *
 * Backups and readers share; what deletes packs is alone.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { removeFile, removeStranger } from '../io/files.ts';
import { ExuviaError, LockedError, messageOf } from '../model/errors.ts';
import { type Database, isBrokenDatabase, openPrivateDatabase, sqliteCodeOf } from './database.ts';
import type { RepositoryLayout } from './layout.ts';

export type LockMode = 'shared' | 'exclusive';

export class RepositoryLock implements Disposable {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** One process at a time removes packs; backups and readers go on beside it. @throws LockedError */
  static acquireMaintenance(layout: RepositoryLayout, waitMs: number): RepositoryLock {
    return RepositoryLock.acquire({ ...layout, locks: layout.maintenanceLock }, 'exclusive', waitMs);
  }

  /** @throws LockedError when it cannot be had within `waitMs`. */
  static acquire(layout: RepositoryLayout, mode: LockMode, waitMs: number): RepositoryLock {
    const lock = RepositoryLock.tryAcquire(layout, mode, waitMs);
    if (lock !== undefined) return lock;
    throw RepositoryLock.refusal(layout, waitMs);
  }

  /** Makes the files that locks need, so that they are there when the disk is full. */
  static prepare(layout: RepositoryLayout): void {
    for (const path of [layout.locks, layout.maintenanceLock]) openPrivateDatabase(path).close();
  }

  /** The error that names who holds the lock. */
  static refusal(layout: RepositoryLayout, waitMs: number): LockedError {
    return new LockedError(layout.root, `${holderText(layout)} is using it (waited ${waitMs / 1000} s)`);
  }

  static tryAcquire(layout: RepositoryLayout, mode: LockMode, waitMs: number): RepositoryLock | undefined {
    try {
      return RepositoryLock.#tryOnce(layout, mode, waitMs);
    } catch (error) {
      // Nothing is in the file that could be lost: a damaged one is made anew.
      const isBroken = isBrokenDatabase(error instanceof ExuviaError ? error.cause : error);
      if (!isBroken && !removeStranger(layout.locks)) throw error;
      removeFile(layout.locks);
      return RepositoryLock.#tryOnce(layout, mode, waitMs);
    }
  }

  static #tryOnce(layout: RepositoryLayout, mode: LockMode, waitMs: number): RepositoryLock | undefined {
    let database: Database;
    try {
      database = openLockDatabase(layout, mode, waitMs);
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
      throw lockFileError(layout, error);
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function openLockDatabase(layout: RepositoryLayout, mode: LockMode, waitMs: number): Database {
  try {
    const database = openPrivateDatabase(layout.locks, { timeout: waitMs });
    // In rollback mode (the default) a SHARED lock holds off EXCLUSIVE; in WAL mode readers and a writer would both pass.
    if (mode === 'shared') return database; // which only reads: the two below take 0.4 ms
    database.pragma('synchronous = OFF'); // nothing is ever written to it
    // SQLite prepares the first page of an empty file when it is locked: in memory, so that no journal needs an inode.
    database.pragma('journal_mode = MEMORY');
    return database;
  } catch (error) {
    throw lockFileError(layout, error);
  }
}

function lockFileError({ root }: RepositoryLayout, error: unknown): ExuviaError {
  return new ExuviaError(`Cannot lock repository ${root}: ${messageOf(error)}`, {
    code: 'ERR_LOCK_FILE',
    hint: 'Check that the folder "local" inside it can be written.',
    cause: error,
  });
}

/** Who else is at work: those who hold the lock, where the system tells, or the processes that keep temporary folders. */
function holderText(layout: RepositoryLayout): string {
  const holding = lockHolders(layout.locks);
  const pids = holding.length > 0 ? holding : livingHolders(layout);
  return pids.length > 0 ? pids.map(processText).join(', ') : 'another process';
}

/** Linux lists every file lock with its process and the file's inode. */
function lockHolders(path: string): number[] {
  try {
    const inode = String(statSync(path).ino);
    const lines = readFileSync('/proc/locks', 'latin1').split('\n');
    // 1: POSIX  ADVISORY  READ 4711 fe:00:1234567 1073741826 1073742335
    const pids = lines
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[5]?.split(':')[2] === inode && fields[1] !== '->')
      .map((fields) => Number(fields[4]));
    return [...new Set(pids)].filter((pid) => pid > 0 && pid !== process.pid);
  } catch {
    return []; // Another system: the message is less exact, nothing else.
  }
}

function processText(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const command = words.slice(words.findIndex(isProgramName) + 1);
    const named = command.slice(0, 2).filter((word) => /^[a-z-]+$/.test(word));
    return named.length > 0 ? `process ${pid} (exuvia ${named.join(' ')})` : `process ${pid}`;
  } catch {
    return `process ${pid}`;
  }
}

/** The name it is installed under, or the file itself. */
function isProgramName(word: string): boolean {
  return /^(exuvia|launcher\.cjs)$/.test(basename(word));
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

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
