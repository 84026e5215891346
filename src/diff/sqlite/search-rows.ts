/** The rows of a database in which a text is. */
import { createRequire } from 'node:module';
import { listTables, quoted, type Table, tablePairs } from './tables.ts';

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
    for (const { name, derived, key } of tablePairs(database, tables, tables)) {
      const table = tables.get(name);
      if (table === undefined || derived || key.length === 0) continue;
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

function searchTable(database: Database, table: Table, search: RowSearch): FoundRow[] {
  const { name, key, columns } = table;
  const text = (column: string): string => `CAST(${quoted(column)} AS TEXT)`;
  const has = (column: string): string =>
    `instr(${search.ignoreCase ? `exuvia_lower(${text(column)})` : text(column)}, :text) > 0`;
  const statement = database.prepare(
    `SELECT ${[...key.map(quoted), ...columns.map(text)].join(', ')} FROM a.${quoted(name)}
     WHERE ${columns.map(has).join(' OR ')} LIMIT :limit`,
  );
  const rows = statement
    .raw()
    .safeIntegers()
    .all({ text: search.text, limit: search.rowsMax }) as unknown[][];
  return rows.flatMap((row) => {
    const named = key.map((column, at) => `${column}=${nameOf(row[at])}`).join(' ');
    return columns.flatMap((column, at): FoundRow[] => {
      const value = String(row[key.length + at] ?? '');
      const compared = search.ignoreCase ? value.toLowerCase() : value;
      return compared.includes(search.text) ? [{ table: name, row: named, column, value }] : [];
    });
  });
}

function nameOf(value: unknown): string {
  return value instanceof Uint8Array ? `x'${Buffer.from(value).toString('hex', 0, 16)}'` : String(value);
}
