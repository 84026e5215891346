/**
 * Capture through SQLite itself: a read-only connection and one read transaction, while others write. Its locks make plain copies of
 * the files a consistent state; the backup interface takes five times as long (see docs/decisions/0005-sqlite-capture.md).
 *
 * In rollback mode the transaction's SHARED lock keeps writers from committing, so it has to be short.
 *
 * In WAL mode writers go on, and nothing comes into the file that was not in the log when the transaction began: a checkpoint stops at
 * the oldest reader, or does not begin. So the file with the log as long as it is then is the state of some commit since, if the log was not begun
 * anew meanwhile, which its header tells; where it was, the backup interface copies the state that the transaction pins.
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { errnoOf } from '../model/errors.ts';
import { type ByteString, byteStringToBytes, fsPath, isUtf8, textOf } from '../model/paths.ts';
import { copyDescriptor } from './copy.ts';
import { recoverCopy } from './inspect.ts';
import { Refusal } from './refusal.ts';
import type { CaptureTask } from './result.ts';
import { mayUseLog, sidecarPath } from './survey.ts';

/** How long SQLite itself waits for a lock. Each attempt waits that long. */
const lockWaitMs = 500;

/**
 * Of the backup interface: between two steps the child hears whether its parent is still there, as it does not while it copies plainly. 500 to
 * 100,000 pages take the same time in all.
 */
const pagesPerStep = 500;

/** To bring a log into the copy takes as long as to copy four times as much. */
const fileToLogMin = 4;

/** Of the log: its salts are others each time that it begins anew. */
const logHeaderBytes = 32;

/** A pipe of that name must not make us wait for somebody to write to it. */
const readFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Copies the database to `task.copyPath`. Throws what SQLite throws; nothing of it stays open. */
export async function captureLive(task: CaptureTask): Promise<void> {
  // Opened before the connection and closed after it: closing one would drop the connection's locks.
  const file = openSync(fsPath(task.source), readFlags);
  const log = openOrNot(sidecarPath(task.source, '-wal'));
  try {
    const database = new Database(openableName(task), {
      readonly: true,
      fileMustExist: true,
      timeout: lockWaitMs,
    });
    try {
      await copyInOneTransaction(database, file, log, task);
    } finally {
      database.close();
    }
  } finally {
    closeSync(file);
    if (log !== undefined) closeSync(log);
  }
  if (existsSync(`${task.copyPath}-wal`)) recoverCopy(task.copyPath);
}

async function copyInOneTransaction(
  database: Database.Database,
  file: number,
  log: number | undefined,
  task: CaptureTask,
): Promise<void> {
  database.exec('BEGIN');
  // Any read starts the transaction. This one does not look at the schema, which a newer SQLite may have written.
  database.pragma('user_version');
  if (!isAt(fstatSync(file, { bigint: true }), task.source))
    throw new Refusal('busy', 'another file took its place while it was opened');
  if (!mayUseLog(file, task.source)) copyDescriptor(file, task.copyPath);
  else if (log === undefined || !copyWithLog(file, log, task))
    await database.backup(task.copyPath, { progress: () => pagesPerStep });
  database.exec('COMMIT');
}

/**
 * @internal `copy` is that of the tests. False, and nothing is left of it, where the log is another by now, was begun anew, or is so long
 * that the backup interface is faster.
 */
export function copyWithLog(
  file: number,
  log: number,
  { source, copyPath }: CaptureTask,
  copy = copyDescriptor,
): boolean {
  const found = fstatSync(log, { bigint: true });
  if (!found.isFile() || !isAt(found, sidecarPath(source, '-wal'))) return false;
  // All that the transaction sees is in so much of it.
  const logBytes = Number(found.size);
  if (logBytes * fileToLogMin > fstatSync(file).size) return false;
  const header = readLogHeader(log);
  copy(file, copyPath);
  // What comes into an empty log now, the transaction does not see, and it stays in the log.
  if (logBytes === 0) return true;
  copy(log, `${copyPath}-wal`, logBytes);
  if (readLogHeader(log).equals(header)) return true;
  for (const copied of [copyPath, `${copyPath}-wal`]) rmSync(copied, { force: true });
  return false;
}

/** Whether what was opened still has its name: SQLite has opened what had it a moment later. */
function isAt({ dev, ino }: BigIntStats, path: ByteString): boolean {
  const there = statSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
  return there?.ino === ino && there.dev === dev;
}

function readLogHeader(log: number): Buffer {
  const header = Buffer.alloc(logHeaderBytes);
  return header.subarray(0, readSync(log, header, 0, logHeaderBytes, 0));
}

function openOrNot(path: ByteString): number | undefined {
  try {
    return openSync(fsPath(path), readFlags);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined; // then SQLite finds none either, or says why it cannot be read
  }
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
