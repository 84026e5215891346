/** What is done to a copy in the staging folder. It is opened for writing: a read-only connection leaves its `-wal` and `-shm` behind. */
import { existsSync, rmSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { messageOf } from '../model/errors.ts';
import { sidecarsOf } from '../model/sqlite-names.ts';
import { Refusal } from './refusal.ts';
import type { OnCopied } from './result.ts';

export interface CopyFacts {
  readonly bytes: number;
  readonly pageSize: number;
  readonly userVersion: number;
  readonly applicationId: number;
  readonly check: 'ok' | 'not-checkable';
  /** Why it is not checkable. */
  readonly note: string | undefined;
}

/** Rolls back what a hot journal undoes, brings in what a log holds, and leaves one file. */
export function recoverCopy(copyPath: string): void {
  // The first read recovers, and closing the only connection brings the log in.
  withCopy(copyPath, (database) => {
    waitForNoDisk(database);
    database.pragma('user_version');
  });
  // A journal that is still there has nothing to undo: its header is zeros (PERSIST mode, exclusive locking).
  rmSync(`${copyPath}-journal`, { force: true });
}

/** Checks that the copy is one sound file; `onCopied` hears of it before. @throws Refusal `broken` when it is not. */
export function inspectCopy(copyPath: string, onCopied: OnCopied): CopyFacts {
  const { size: bytes } = statSync(copyPath);
  const facts = withCopy(copyPath, (database) => {
    const userVersion = pragmaNumber(database, 'user_version');
    const applicationId = pragmaNumber(database, 'application_id');
    const pageSize = pragmaNumber(database, 'page_size');
    onCopied({ kind: 'copied', copyPath, bytes, pageSize });
    return { bytes, pageSize, userVersion, applicationId, ...quickCheck(database) };
  });
  const sidecar = sidecarsOf(copyPath).find((path) => existsSync(path));
  if (sidecar !== undefined) throw new Refusal('broken', 'its copy could not be made into one file');
  return facts;
}

/** Nobody wants the copy after a crash. What has a schema that we cannot read is brought in more slowly. */
function waitForNoDisk(database: Database.Database): void {
  try {
    database.pragma('synchronous = OFF');
  } catch (error) {
    if (!isAboutSchema(error)) throw error;
  }
}

function withCopy<T>(copyPath: string, work: (database: Database.Database) => T): T {
  const database = new Database(copyPath, { fileMustExist: true, timeout: 0 });
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function pragmaNumber(database: Database.Database, name: string): number {
  return Number(database.pragma(name, { simple: true }));
}

/** Reading the copy through a mapping saves a third of the check. Nobody else makes it shorter. */
const mappedBytesMax = 1024 * 1024 * 1024;

function quickCheck(database: Database.Database): Pick<CopyFacts, 'check' | 'note'> {
  try {
    database.pragma(`mmap_size = ${mappedBytesMax}`);
    const rows = database.prepare('PRAGMA quick_check(10)').pluck().all().map(String);
    const finding = rows.find((row) => row !== 'ok');
    if (finding === undefined) return { check: 'ok', note: undefined };
    if (!needsMore.test(finding)) throw new Refusal('broken', `it is damaged: ${firstOf(finding)}`);
    return notCheckable(finding);
  } catch (error) {
    if (isAboutSchema(error)) return notCheckable(messageOf(error));
    throw error;
  }
}

/** A finding is a heading and up to ten lines: one is enough to know. */
function firstOf(finding: string): string {
  const lines = finding.split('\n').filter((line) => !line.startsWith('***'));
  return lines.length > 1 ? `${lines[0]}, and more` : (lines[0] ?? finding);
}

function notCheckable(why: string): Pick<CopyFacts, 'check' | 'note'> {
  return { check: 'not-checkable', note: `could not be checked: ${why}` };
}

/** The schema needs an extension's module, function, collation or tokenizer. */
const needsMore = /no such (?:module|function|collation sequence|tokenizer)/i;
/** What SQLite says of syntax that is newer than itself; of damage, it says something else in its place. */
const newerSyntax = /^malformed database schema .* near ".*": syntax error/s;

/** Whether the check could not be run, which is different from finding damage: that has codes of its own. */
function isAboutSchema(error: unknown): boolean {
  if (!(error instanceof Database.SqliteError)) return false;
  return error.code.startsWith('SQLITE_ERROR') || newerSyntax.test(error.message);
}
