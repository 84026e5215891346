/** The rows of a database in which a text is. */
import { createRequire } from 'node:module';
import { anyOf, keyOf, listTables, quoted, type Table, tablePairs } from './tables.ts';

export interface FoundRow {
  readonly table: string;
  /** `id=12` */
  readonly row: string;
  readonly column: string;
  readonly value: string;
}

export interface RowSearch {
  /** Lower case already when `ignoreCase`. */
  readonly text: string;
  readonly ignoreCase: boolean;
  readonly rowsMax: number;
}

type Database = import('better-sqlite3').Database;

const require = createRequire(import.meta.url);

/** Undefined when SQLite cannot read it. Tables that are made from others are left out: what is in them is in those too. */
export function searchRows(path: string, search: RowSearch): FoundRow[] | undefined {
  const BetterSqlite3 = require('better-sqlite3') as typeof import('better-sqlite3');
  const database = new BetterSqlite3(':memory:');
  try {
    database.pragma('trusted_schema = OFF');
    database.prepare('ATTACH ? AS a').run(path);
    database.pragma('query_only = ON');
    database.function('exuvia_lower', { deterministic: true }, (value) => String(value).toLowerCase());
    const tables = listTables(database, 'a');
    const found: FoundRow[] = [];
    for (const { after: table, derived } of tablePairs(tables, tables)) {
      if (table === undefined || derived || table.columns.length === 0) continue;
      found.push(...searchTable(database, table, { ...search, rowsMax: search.rowsMax - found.length }));
      if (found.length >= search.rowsMax) break;
    }
    return found;
  } catch (error) {
    if (error instanceof Error && String((error as { code?: unknown }).code).startsWith('SQLITE_'))
      return undefined;
    throw error;
  } finally {
    database.close();
  }
}

/** A value that is longer is not looked at: SQLite and JavaScript would each hold all of it. */
const valueBytesMax = 16 * 1024 * 1024;
/** What is kept of a value that is longer, around the text. */
const keptCharacters = 64 * 1024;

function searchTable(database: Database, table: Table, search: RowSearch): FoundRow[] {
  const { name, columns } = table;
  const key = keyOf(table);
  const short = (column: string): string =>
    `CASE WHEN octet_length(${quoted(column)}) <= ${valueBytesMax} THEN ${quoted(column)} END`;
  const text = (column: string): string => `CAST(${short(column)} AS TEXT)`;
  const has = (column: string): string =>
    `instr(${search.ignoreCase ? `exuvia_lower(${text(column)})` : text(column)}, :text) > 0`;
  const statement = database.prepare(
    `SELECT ${[...key.map(short), ...columns.map(text)].join(', ')} FROM a.${quoted(name)}
     WHERE ${anyOf(columns.map(has))} LIMIT :limit`,
  );
  const found: FoundRow[] = [];
  // Row by row: a few long values at a time are held, and not those of all rows.
  const rows = statement.raw().safeIntegers().iterate({ text: search.text, limit: search.rowsMax });
  for (const row of rows as IterableIterator<unknown[]>) {
    const named = key.map((column, at) => `${column}=${nameOf(row[at])}`).join(' ');
    for (const [at, column] of columns.entries()) {
      const value = String(row[key.length + at] ?? '');
      const place = (search.ignoreCase ? value.toLowerCase() : value).indexOf(search.text);
      if (place >= 0) found.push({ table: name, row: named, column, value: around(value, place) });
    }
  }
  return found;
}

function around(value: string, at: number): string {
  if (value.length <= keptCharacters) return value;
  const from = Math.max(0, at - keptCharacters / 2);
  return Buffer.from(value.slice(from, from + keptCharacters)).toString(); // a copy: the rest can go
}

function nameOf(value: unknown): string {
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex', 0, 16)}'`;
  const text = String(value);
  return text.length <= 200 ? text : `${text.slice(0, 200)}\u2026`;
}
