/** better-sqlite3, loaded when a database is first opened: it costs 10 ms. */
import { createRequire } from 'node:module';
import type BetterSqlite3 from 'better-sqlite3';

export type Database = BetterSqlite3.Database;
export type Statement = BetterSqlite3.Statement<unknown[]>;

const require = createRequire(import.meta.url);

export function openDatabase(path: string, options: BetterSqlite3.Options = {}): Database {
  const Sqlite = require('better-sqlite3') as typeof BetterSqlite3;
  return new Sqlite(path, options);
}

/** SQLite's own code (`SQLITE_BUSY`, …), or undefined for any other error. */
export function sqliteCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined;
}

/** Whether the database file itself is of no use any more. */
export function isBrokenDatabase(error: unknown): boolean {
  const code = sqliteCodeOf(error) ?? '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_IOERR');
}
