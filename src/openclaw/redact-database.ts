/**
 * A database without its secrets: rows of tables that hold nothing else go, values with the name or the look of a secret become
 * marks, and what was free or deleted goes from the file. It is refused where it cannot be looked into.
 */
import { readFileSync } from 'node:fs';
import { zstdCompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { unzstdWhatIsThere } from '../codec/decode-now.ts';
import { messageOf } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import { cleanText, holdsKnown, holdsSecret } from './redact-text.ts';
import { isSecretTable } from './secret-tables.ts';
import { isSecretName, isSecretText, redactedMark } from './secrets.ts';

export interface RedactedTable {
  readonly table: string;
  /** Rows that were left out, and values that were replaced. */
  readonly rows: number;
  readonly values: number;
}

/** What stands in the way, for people. */
export class UnsureError extends Error {}

/** Changes the file at `path`. @throws UnsureError, and what SQLite throws for a file that it cannot read */
export function redactDatabase(path: string, known: readonly string[]): RedactedTable[] {
  const database = new Database(path, { fileMustExist: true });
  let redacted: RedactedTable[];
  try {
    database.pragma('journal_mode = DELETE');
    database.pragma('secure_delete = ON');
    redacted = database.transaction(() => {
      const tables = tablesOf(database);
      const changed = tables.flatMap((table) => redactTable(database, table, known));
      if (changed.length > 0) rebuildSearch(database, tables);
      return changed;
    })();
    database.exec('VACUUM');
  } finally {
    database.close();
  }
  if (holdsKnown(readFileSync(path), known))
    throw new UnsureError('a secret is still in it, where no table shows it');
  return redacted;
}

interface Table {
  readonly name: string;
  /** `search` for full-text search that holds its own texts, `index` for one of the texts of another table. */
  readonly kind: 'plain' | 'search' | 'index' | 'shadow';
  readonly isRowidTable: boolean;
}

interface ListedTable {
  readonly schema: string;
  readonly name: string;
  readonly type: 'table' | 'view' | 'virtual' | 'shadow';
  /** 1 for a table without row ids. */
  readonly wr: number;
}

/** @throws UnsureError for a virtual table of a kind that is not known: its texts may be anywhere */
function tablesOf(database: Database.Database): Table[] {
  const listed = (database.pragma('table_list') as ListedTable[]).filter(
    ({ schema, type, name }) => schema === 'main' && type !== 'view' && !name.startsWith('sqlite_'),
  );
  const searches = listed.filter(
    ({ name, type }) => type === 'virtual' && sqlOf(database, name).includes('using fts5'),
  );
  return listed.flatMap(({ name, type, wr }): Table[] => {
    const isRowidTable = wr === 0;
    if (type === 'table') return [{ name, kind: 'plain', isRowidTable }];
    if (type === 'shadow') {
      const isOfSearch = searches.some((search) => name.startsWith(`${search.name}_`));
      return isOfSearch ? [] : [{ name, kind: 'shadow', isRowidTable }];
    }
    if (!searches.some((search) => search.name === name)) return []; // what it holds is in its shadow tables
    return [
      { name, kind: /\bcontent\s*=/.test(sqlOf(database, name)) ? 'index' : 'search', isRowidTable: true },
    ];
  });
}

function sqlOf(database: Database.Database, name: string): string {
  const sql = database.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(name);
  return String(sql ?? '').toLowerCase();
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function redactTable(database: Database.Database, table: Table, known: readonly string[]): RedactedTable[] {
  const { name, kind } = table;
  if (kind === 'index') return [];
  if (kind === 'plain' && isSecretTable(name)) {
    const { changes } = database.prepare(`DELETE FROM ${quoted(name)}`).run();
    return changes === 0 ? [] : [{ table: name, rows: changes, values: 0 }];
  }
  let values = 0;
  for (const column of columnsOf(database, 'main', name))
    values += redactColumn(database, table, column, known);
  return values === 0 ? [] : [{ table: name, rows: 0, values }];
}

function redactColumn(
  database: Database.Database,
  { name, kind, isRowidTable }: Table,
  column: string,
  known: readonly string[],
): number {
  const keys = isRowidTable ? ['rowid'] : keysOf(database, name);
  const rows = database
    .prepare(`SELECT ${quoted(column)}, ${keys.join(', ')} FROM ${quoted(name)}`)
    .raw()
    .all();
  const where = keys.map((key) => `${key} IS ?`).join(' AND ');
  let values = 0;
  for (const [value, ...key] of rows as unknown[][]) {
    const clean = cleanCell(name, column, value, known);
    if (clean === undefined) continue;
    if (kind === 'shadow')
      throw new UnsureError(`table ${name} holds what looks like a secret, and is not for changing`);
    database.prepare(`UPDATE ${quoted(name)} SET ${quoted(column)} = ? WHERE ${where}`).run(clean, ...key);
    values++;
  }
  return values;
}

function keysOf(database: Database.Database, table: string): string[] {
  const columns = database.pragma(`table_info(${quoted(table)})`) as { name: string; pk: number }[];
  return columns.filter(({ pk }) => pk > 0).map(({ name }) => quoted(name));
}

/** What stands in its place; undefined where it may stay. */
function cleanCell(
  table: string,
  column: string,
  value: unknown,
  known: readonly string[],
): string | Buffer | undefined {
  if (typeof value === 'string') return cleanTextCell(column, value, known);
  if (!Buffer.isBuffer(value)) return undefined;
  const inner = uncompressed(value);
  if (inner !== undefined) {
    const clean = cleanTextCell(column, inner.toString('utf8'), known);
    return clean === undefined ? undefined : zstdCompressSync(Buffer.from(clean));
  }
  if (!holdsSecret(value, known)) return undefined;
  throw new UnsureError(`column ${column} of table ${table} holds bytes that look like a secret`);
}

function cleanTextCell(column: string, value: string, known: readonly string[]): string | undefined {
  if (!isSecretText(value)) return undefined;
  if (isSecretName(column)) return redactedMark;
  const { text, count } = cleanText(/^\s*[[{]/.test(value) ? 'x.jsonl' : 'x.txt', value, known);
  return count === 0 ? undefined : text;
}

/** Events of transcripts are stored compressed. */
function uncompressed(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 4 || bytes.readUInt32LE(0) !== 0xfd2fb528) return undefined;
  try {
    return unzstdWhatIsThere(bytes, { maxOutputLength: limits.transcriptEventBytesMax });
  } catch {
    return undefined; // it only begins like that: looked at as bytes
  }
}

/** What full-text search knows of the words is made anew from the texts as they are now. */
function rebuildSearch(database: Database.Database, tables: readonly Table[]): void {
  for (const { name, kind } of tables) {
    if (kind !== 'search' && kind !== 'index') continue;
    try {
      database.prepare(`INSERT INTO ${quoted(name)} (${quoted(name)}) VALUES ('rebuild')`).run();
    } catch (error) {
      throw new UnsureError(`the words that table ${name} knows cannot be made anew (${messageOf(error)})`);
    }
  }
}

/**
 * Puts the secrets of the database that is there now into a copy of a redacted one: rows of tables that are secret as a whole,
 * and values that stand as marks in rows of the same key. Returns the tables whose secrets are there now, and those without.
 */
export function keepSecretsOf(
  presentCopy: string,
  redactedCopy: string,
): { kept: string[]; missing: string[] } {
  const database = new Database(redactedCopy, { fileMustExist: true });
  try {
    database.pragma('trusted_schema = OFF'); // the archive may be anybody's
    database.prepare('ATTACH ? AS present').run(presentCopy);
    const found: { name: string; isKept: boolean }[] = [];
    database.transaction(() => {
      for (const { name, kind, isRowidTable } of tablesOf(database)) {
        if (kind !== 'plain') continue;
        const isThere =
          columnsOf(database, 'main', name).join() === columnsOf(database, 'present', name).join();
        if (isSecretTable(name)) {
          if (isEmpty(database, 'main', name) && isThere && !isEmpty(database, 'present', name)) {
            database.exec(`INSERT OR IGNORE INTO main.${quoted(name)} SELECT * FROM present.${quoted(name)}`);
            found.push({ name, isKept: true });
          }
        } else found.push(...fillMarks(database, name, isThere && isRowidTable));
      }
    })();
    return {
      kept: found.filter(({ isKept }) => isKept).map(({ name }) => name),
      missing: found.filter(({ isKept }) => !isKept).map(({ name }) => name),
    };
  } finally {
    database.close();
  }
}

function columnsOf(database: Database.Database, schema: 'main' | 'present', table: string): string[] {
  return (database.pragma(`${schema}.table_info(${quoted(table)})`) as { name: string }[]).map(
    ({ name }) => name,
  );
}

function isEmpty(database: Database.Database, schema: 'main' | 'present', table: string): boolean {
  return database.prepare(`SELECT 1 FROM ${schema}.${quoted(table)} LIMIT 1`).get() === undefined;
}

function fillMarks(
  database: Database.Database,
  table: string,
  isComparable: boolean,
): { name: string; isKept: boolean }[] {
  const [main, present] = [`main.${quoted(table)}`, `present.${quoted(table)}`];
  for (const column of isComparable ? columnsOf(database, 'main', table) : []) {
    const name = quoted(column);
    database
      .prepare(
        `UPDATE ${main} AS m SET ${name} = (SELECT p.${name} FROM ${present} p WHERE p.rowid = m.rowid)
         WHERE ${name} = ? AND EXISTS (SELECT 1 FROM ${present} p WHERE p.rowid = m.rowid)`,
      )
      .run(redactedMark);
  }
  const left = columnsOf(database, 'main', table).some(
    (column) =>
      database.prepare(`SELECT 1 FROM ${main} WHERE ${quoted(column)} = ? LIMIT 1`).get(redactedMark) !==
      undefined,
  );
  return left ? [{ name: table, isKept: false }] : [];
}
