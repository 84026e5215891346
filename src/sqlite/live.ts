/**
 * Capture through SQLite itself: a read-only connection and one read transaction, while others write.
 *
 * In WAL mode the transaction pins a snapshot that writers do not disturb, and the backup interface copies it. (Without
 * the transaction, `backup()` starts over at every foreign commit, for ever under a busy writer.)
 *
 * In rollback mode the transaction's SHARED lock keeps writers from committing, so it has to be short: the file is copied
 * as it is, which takes a fifth of the time the backup interface takes (see docs/decisions/0005-sqlite-capture.md).
 */
import { closeSync, openSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type ByteString, byteStringToBytes, fsPath, isUtf8, textOf } from '../model/paths.ts';
import { copyDescriptor } from './copy.ts';
import type { CaptureTask } from './result.ts';
import { mayUseLog } from './survey.ts';

/** How long SQLite itself waits for a lock. Each attempt waits that long. */
const lockWaitMs = 500;

/** Between two steps the child hears whether its parent is still there. 500 to 100,000 pages take the same time in all. */
const pagesPerStep = 500;

/** Copies the database to `task.copyPath`. Throws what SQLite throws; nothing of it stays open. */
export async function captureLive(task: CaptureTask): Promise<void> {
  // Opened before the connection and closed after it: closing it would drop the connection's locks.
  const fd = openSync(fsPath(task.source), 'r');
  try {
    const database = new Database(openableName(task), {
      readonly: true,
      fileMustExist: true,
      timeout: lockWaitMs,
    });
    try {
      await copyInOneTransaction(database, fd, task);
    } finally {
      database.close();
    }
  } finally {
    closeSync(fd);
  }
}

async function copyInOneTransaction(database: Database.Database, fd: number, task: CaptureTask) {
  database.exec('BEGIN');
  // Any read starts the transaction. This one does not look at the schema, which a newer SQLite may have written.
  database.pragma('user_version');
  if (mayUseLog(fd, task.source)) {
    await database.backup(task.copyPath, { progress: () => pagesPerStep });
  } else {
    copyDescriptor(fd, task.copyPath);
  }
  database.exec('COMMIT');
}

/**
 * The database's name as better-sqlite3 takes it: UTF-8, and trimmed at its ends. Other names are reached through a
 * symbolic link, which SQLite resolves, so that it finds the right `-wal` and `-journal`.
 */
function openableName(task: CaptureTask): string {
  const text = textOf(task.source);
  if (process.platform === 'win32' || (isUtf8(task.source) && text.trim() === text)) return text;
  const link = join(task.folder, 'source');
  makeLink(task.source, link);
  return link;
}

function makeLink(target: ByteString, link: string): void {
  symlinkSync(byteStringToBytes(target), link);
}
