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
import { hashBytes } from '../../codec/hash.ts';
import { DamageError } from '../../model/errors.ts';
import type { CellValue, DiffNote, FileVersion, RowDiff, SqliteDiff, TableDiff } from '../content-diff.ts';
import type { RecordDescription } from '../describe-record.ts';
import { listTables, quoted, type TablePair, tablePairs } from './tables.ts';
import { writeVersions } from './write-versions.ts';

export interface SqliteDiffOptions {
  /** For the two files; they are removed before it returns. */
  readonly temporaryFolder: string;
  readonly rowsPerTableMax?: number;
  readonly known?: KnownTables;
}

/** What the caller knows of a program's tables. */
export interface KnownTables {
  isBookkeeping(table: string): boolean;
  /** What a row says, by its columns. */
  describeRow(table: string, row: Readonly<Record<string, unknown>>): RecordDescription | undefined;
}

interface Comparison {
  readonly database: Database;
  readonly rowsMax: number;
  readonly known: KnownTables | undefined;
}

type Database = import('better-sqlite3').Database;

const defaultRowsMax = 200;
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

function compareFiles(a: string, b: string, options: SqliteDiffOptions): SqliteDiff {
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

function compareAttached(comparison: Comparison): SqliteDiff {
  const { database, known } = comparison;
  const before = listTables(database, 'a');
  const after = listTables(database, 'b');
  const tables = tablePairs(database, before, after)
    .map((pair) => compareTable(comparison, pair))
    .filter(({ added, removed, changed }) => added + removed + changed > 0)
    .map((table) => (known?.isBookkeeping(table.name) ? { ...table, isBookkeeping: true as const } : table));
  return { kind: 'sqlite', schema: schemaChanges(database), tables };
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

function compareTable(comparison: Comparison, pair: TablePair): TableDiff {
  const { database, rowsMax } = comparison;
  const { name, derived, key, common, onlyIn } = pair;
  const base = { name, derived, moreRows: 0, rows: [] };
  if (derived || key.length === 0) return { ...base, ...countsOnly(database, pair) };
  if (onlyIn !== undefined) return oneSided(comparison, pair, onlyIn);
  const table = quoted(name);
  const same = key.map((column) => `x.${quoted(column)} IS y.${quoted(column)}`).join(' AND ');
  const values = common.filter((column) => !key.includes(column));
  const differs = values.map((column) => differing(quoted(column))).join(' OR ') || '0';
  const missingIn = (from: string, other: string): string =>
    `FROM ${from}.${table} x WHERE NOT EXISTS (SELECT 1 FROM ${other}.${table} y WHERE ${same})`;
  const changedRows = `FROM b.${table} x JOIN a.${table} y ON ${same} WHERE ${differs}`;
  const rows: RowDiff[] = [];
  /** Returns how many there are; counting them apart only when more than are listed. */
  const list = (op: RowDiff['op'], sql: string): number => {
    const limit = rowsMax - rows.length;
    const found = readRows(comparison, { table: name, op, sql, key, values }, limit + 1);
    rows.push(...found.slice(0, limit));
    if (found.length <= limit) return found.length;
    return database.prepare(`SELECT count(*) ${sql}`).pluck().get() as number;
  };
  const removed = list('removed', missingIn('a', 'b'));
  const changed = values.length === 0 ? 0 : list('changed', changedRows);
  const added = list('added', missingIn('b', 'a'));
  return { name, derived, added, removed, changed, rows, moreRows: added + removed + changed - rows.length };
}

/** The type first: 1, 1.0 and '1' are different values. */
function differing(column: string): string {
  return `(typeof(x.${column}) <> typeof(y.${column}) OR x.${column} IS NOT y.${column} COLLATE BINARY)`;
}

function countsOnly(
  database: Database,
  { name, onlyIn, derived }: TablePair,
): Pick<TableDiff, 'added' | 'removed' | 'changed'> {
  if (derived) return { added: onlyIn === 'b' ? 1 : 0, removed: onlyIn === 'a' ? 1 : 0, changed: 0 };
  const count = (schema: string): number =>
    onlyIn !== undefined && onlyIn !== schema
      ? 0
      : (database
          .prepare(`SELECT count(*) FROM ${schema}.${quoted(name)}`)
          .pluck()
          .get() as number);
  const grown = count('b') - count('a');
  return { added: Math.max(0, grown), removed: Math.max(0, -grown), changed: 0 };
}

function oneSided(comparison: Comparison, pair: TablePair, schema: 'a' | 'b'): TableDiff {
  const { database, rowsMax } = comparison;
  const { name, key, common } = pair;
  const op = schema === 'b' ? 'added' : 'removed';
  const sql = `FROM ${schema}.${quoted(name)} x`;
  const count = database.prepare(`SELECT count(*) ${sql}`).pluck().get() as number;
  const values = common.filter((column) => !key.includes(column));
  const rows = readRows(comparison, { table: name, op, sql, key, values }, rowsMax);
  const counts = { added: 0, removed: 0, changed: 0, [op]: count };
  return { name, derived: false, ...counts, rows, moreRows: count - rows.length };
}

type Cell = RowDiff['cells'][number];

interface RowQuery {
  readonly table: string;
  readonly op: RowDiff['op'];
  /** From `FROM` on; `x` is the row, and of a changed one `y` the older one. */
  readonly sql: string;
  readonly key: readonly string[];
  readonly values: readonly string[];
}

function readRows({ database, known }: Comparison, query: RowQuery, limit: number): RowDiff[] {
  const { table, op, sql, key, values } = query;
  const columns = [...key, ...values].map((column) => `x.${quoted(column)}`);
  const older = op === 'changed' ? values.map((column) => `y.${quoted(column)}`) : [];
  const statement = database.prepare(`SELECT ${[...columns, ...older].join(', ')} ${sql} LIMIT ${limit}`);
  const rows = statement.raw().safeIntegers().all() as unknown[][];
  return rows.map((row) => ({
    op,
    ...saidBy(known?.describeRow(table, namedValues([...key, ...values], row))),
    key: key.map((column, index) => ({ column, value: cellOf(row[index]) })),
    cells: values.flatMap((column, index): Cell[] => {
      const value = cellOf(row[key.length + index]);
      if (op === 'added') return [{ column, after: value }];
      if (op === 'removed') return [{ column, before: value }];
      const before = cellOf(row[key.length + values.length + index]);
      return isSame(before, value) ? [] : [{ column, before, after: value }];
    }),
  }));
}

function saidBy(said: RecordDescription | undefined): Pick<RowDiff, 'said'> {
  return said === undefined ? {} : { said };
}

function namedValues(columns: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(columns.map((column, index) => [column, row[index]]));
}

function isSame(a: CellValue, b: CellValue): boolean {
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) return a.hash === b.hash;
  return Object.is(a, b);
}

/** Whole numbers come as bigint: those that a number does not hold exactly become text. */
function cellOf(value: unknown): CellValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) {
    return { bytes: value.length, hash: Buffer.from(hashBytes(value)).toString('hex', 0, 6) };
  }
  return value as CellValue;
}
