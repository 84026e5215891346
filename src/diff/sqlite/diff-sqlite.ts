/**
 * Two versions of a database, table by table and row by row. Both are put into temporary files and attached to one
 * connection in memory; SQLite itself joins them by primary key, so memory stays bounded whatever their size.
 *
 * Tables made from others (full-text and vector indexes, statistics) are named as derived and not compared row by row.
 * Rows are matched by their key as the table itself would; other values are compared with their types and without collations: 1 is not
 * 1.0, and "A" is not "a".
 */
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DamageError } from '../../model/errors.ts';
import type { DiffNote, FileVersion, SqliteDiff, TableDiff } from '../content-diff.ts';
import { type Comparison, compareTable, type KnownTables } from './compare-table.ts';
import {
  anyOf,
  listTables,
  quoted,
  rowsOfVirtual,
  type Table,
  type TablePair,
  tablePairs,
} from './tables.ts';
import { writeVersions } from './write-versions.ts';

export interface SqliteDiffOptions {
  /** For the two files; they are removed before it returns. */
  readonly temporaryFolder: string;
  readonly rowsPerTableMax?: number;
  readonly known?: KnownTables;
}

type Database = import('better-sqlite3').Database;

const defaultRowsMax = 200;
const valueBytesMax = 16 * 1024 * 1024;
const require = createRequire(import.meta.url);

export function diffSqlite(
  before: FileVersion,
  after: FileVersion,
  options: SqliteDiffOptions,
): SqliteDiff | DiffNote {
  const paths = ['a', 'b'].map((name) => join(options.temporaryFolder, `${name}.sqlite`));
  try {
    writeVersions(before, after, paths[0] ?? '', paths[1] ?? '');
    return compareFiles(paths[0] ?? '', paths[1] ?? '', options);
  } catch (error) {
    if (error instanceof DamageError) return { kind: 'note', message: error.message };
    if (!isSqliteError(error)) throw error;
    return { kind: 'note', message: `not compared row by row: ${error.message}` };
  } finally {
    for (const path of paths)
      for (const end of ['', '-wal', '-shm', '-journal']) rmSync(path + end, { force: true });
  }
}

function isSqliteError(error: unknown): error is Error {
  return error instanceof Error && String((error as { code?: unknown }).code).startsWith('SQLITE_');
}

function compareFiles(a: string, b: string, options: SqliteDiffOptions): SqliteDiff | DiffNote {
  const BetterSqlite3 = require('better-sqlite3') as typeof import('better-sqlite3');
  const database = new BetterSqlite3(':memory:');
  try {
    database.pragma('temp_store = FILE');
    database.pragma('trusted_schema = OFF'); // what the files define is not run
    database.prepare('ATTACH ? AS a').run(a);
    database.prepare('ATTACH ? AS b').run(b);
    for (const name of ['a', 'b']) database.pragma(`${name}.cell_size_check = ON`);
    database.pragma('query_only = ON');
    const { known, rowsPerTableMax: rowsMax = defaultRowsMax } = options;
    return compareAttached({ database, known, rowsMax });
  } finally {
    database.close();
  }
}

function compareAttached(comparison: Comparison): SqliteDiff | DiffNote {
  const { database, known } = comparison;
  const before = listTables(database, 'a');
  const after = listTables(database, 'b');
  const long = longValue(database, 'a', before) ?? longValue(database, 'b', after);
  if (long !== undefined) {
    const message = `not compared row by row: table ${long} has a value of more than ${valueBytesMax} bytes`;
    return { kind: 'note', message };
  }
  const pairs = new Map(tablePairs(before, after).map((pair) => [pair.name, pair]));
  const tables = [...pairs.values()]
    .map((pair) => noteErrors(pair, () => compareOne(comparison, pair, pairs)))
    .filter((table) => table !== undefined)
    .filter(({ added, removed, changed, note }) => added + removed + changed > 0 || note !== undefined)
    .map((table) => (known?.isBookkeeping(table.name) ? { ...table, isBookkeeping: true as const } : table));
  return { kind: 'sqlite', schema: schemaChanges(database), tables };
}

function compareOne(
  comparison: Comparison,
  pair: TablePair,
  pairs: ReadonlyMap<string, TablePair>,
): TableDiff | undefined {
  return pair.derived ? compareDerived(comparison, pair, pairs) : compareTable(comparison, pair);
}

/** A table that cannot be read (damage, a collation that only its program has) leaves the others to be compared. */
function noteErrors(
  { name, derived }: TablePair,
  compare: () => TableDiff | undefined,
): TableDiff | undefined {
  try {
    return compare();
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    const none = { added: 0, removed: 0, changed: 0, rows: [], moreRows: 0 };
    return { name, derived, ...none, note: `not compared: ${error.message}` };
  }
}

/** SQLite holds two whole values to compare them. @returns a table that has a longer one than it should hold */
function longValue(
  database: Database,
  schema: 'a' | 'b',
  tables: ReadonlyMap<string, Table>,
): string | undefined {
  const pages = database.pragma(`${schema}.page_count`, { simple: true }) as number;
  const pageBytes = database.pragma(`${schema}.page_size`, { simple: true }) as number;
  if (pages * pageBytes <= valueBytesMax) return undefined; // no value is longer than all of it
  for (const { name, columns } of tables.values()) {
    if (columns.length === 0) continue;
    const isLong = anyOf(columns.map((column) => `octet_length(${quoted(column)}) > ${valueBytesMax}`));
    const sql = `SELECT 1 FROM ${schema}.${quoted(name)} WHERE ${isLong} LIMIT 1`;
    if (database.prepare(sql).get() !== undefined) return name;
  }
  return undefined;
}

/** A virtual table is summed up by its rows; what it is kept in, and what SQLite makes for itself, is not told of. */
function compareDerived(
  comparison: Comparison,
  { name, before, after }: TablePair,
  pairs: ReadonlyMap<string, TablePair>,
): TableDiff | undefined {
  const module = (after ?? before)?.module;
  const rows = module === undefined ? undefined : rowsOfVirtual(name, module, pairs);
  if (rows === undefined) return undefined;
  const counted = compareTable({ ...comparison, rowsMax: 0 }, rows);
  return { ...counted, name, derived: true, moreRows: 0 };
}

function schemaChanges(database: Database): SqliteDiff['schema'] {
  const sql = (schema: string): Map<string, string> => {
    const rows = database
      .prepare(
        `SELECT type || ' ' || name, coalesce(sql, '') FROM ${schema}.sqlite_schema WHERE name NOT LIKE 'sqlite_%'`,
      )
      .raw()
      .all() as [string, string][];
    return new Map(rows.map(([name, text]) => [name, text.replace(/\s+/g, ' ').trim()]));
  };
  const [before, after] = [sql('a'), sql('b')];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    if (old === now) return [];
    return [
      { name, change: old === undefined ? 'added' : now === undefined ? 'removed' : 'changed' } as const,
    ];
  });
}
