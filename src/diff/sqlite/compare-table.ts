/**
 * Two versions of a table, attached as `a` and `b`. SQLite joins them by key, one row to at most one other, so that the time is
 * that of their length; rows are read one by one and long values summed up, so that memory stays bounded.
 */
import { hashBytes } from '../../codec/hash.ts';
import type { CellValue, RowDiff, TableDiff } from '../content-diff.ts';
import type { RecordDescription } from '../describe-record.ts';
import { anyOf, keyOf, quoted, type TablePair } from './tables.ts';

type Database = import('better-sqlite3').Database;

/** What the caller knows of a program's tables. */
export interface KnownTables {
  isBookkeeping(table: string): boolean;
  /** What a row says, by its columns. */
  describeRow(table: string, row: Readonly<Record<string, unknown>>): RecordDescription | undefined;
}

export interface Comparison {
  readonly database: Database;
  readonly rowsMax: number;
  readonly known: KnownTables | undefined;
}

/** Texts that are longer are summed up as blobs are. */
const cellCharactersMax = 1024 * 1024;
/** Those of both versions are read together, and SQLite reads no more than 2,000. */
const columnsMax = 900;
/** Of the values of listed rows together. */
const listedCharactersMax = 16 * 1024 * 1024;

export function compareTable(comparison: Comparison, pair: TablePair): TableDiff {
  const { name, before, after } = pair;
  if (before === undefined || after === undefined) return compareOneSided(comparison, pair);
  const isWide = Math.max(before.columns.length, after.columns.length) > columnsMax;
  const key = isWide ? undefined : commonKey(comparison.database, pair);
  if (key === undefined) return { ...nothing(name), ...countsOfWholeRows(comparison.database, pair) };
  const list = new RowList(comparison, { table: name, key, columns: pair.common });
  const same = sameKey(key);
  const missingIn = (from: 'a' | 'b', other: 'a' | 'b'): string => missing(name, key, from, other);
  // A key is compared too: by its own collation "A" may be "a", and 1 is 1.0.
  const differs = anyOf(pair.common.map((column) => differing(quoted(column))));
  const removed = list.add('removed', missingIn('a', 'b'), before.columns);
  const changed = list.add(
    'changed',
    `FROM b.${quoted(name)} x JOIN a.${quoted(name)} y ON ${same} WHERE ${differs}`,
    pair.common,
  );
  const added = list.add('added', missingIn('b', 'a'), after.columns);
  const moreRows = added + removed + changed - list.rows.length;
  return { name, derived: false, added, removed, changed, rows: list.rows, moreRows };
}

function sameKey(key: readonly string[]): string {
  return key.map((column) => `x.${quoted(column)} IS y.${quoted(column)}`).join(' AND ');
}

function missing(name: string, key: readonly string[], from: 'a' | 'b', other: 'a' | 'b'): string {
  return `FROM ${from}.${quoted(name)} x WHERE NOT EXISTS (SELECT 1 FROM ${other}.${quoted(name)} y WHERE ${sameKey(key)})`;
}

function nothing(name: string): TableDiff {
  return { name, derived: false, added: 0, removed: 0, changed: 0, moreRows: 0, rows: [] };
}

/** The type first: 1, 1.0 and '1' are different values. */
function differing(column: string): string {
  return `(typeof(x.${column}) <> typeof(y.${column}) OR x.${column} IS NOT y.${column} COLLATE BINARY)`;
}

/**
 * The primary key, where it is the same one in both and tells their rows apart: outside WITHOUT ROWID it may hold NULL any
 * number of times, and a damaged or made-up index anything. Else the row's number, or `undefined` where there is none.
 */
function commonKey(database: Database, { name, before, after }: TablePair): readonly string[] | undefined {
  const [old, now] = [before?.primary ?? [], after?.primary ?? []];
  const isSame = old.length > 0 && old.join('\0') === now.join('\0');
  const tells = (schema: 'a' | 'b'): boolean => tellsApart(database, schema, name, now);
  if (isSame && isLookedUp(database, name, now) && tells('a') && tells('b')) return now;
  const rowName = before?.rowName;
  return rowName !== undefined && rowName === after?.rowName ? [rowName] : undefined;
}

/** By its whole key: where types or collations of the two versions differ, an index may be of no use, and each row costs a scan. */
function isLookedUp(database: Database, name: string, key: readonly string[]): boolean {
  const joined = `FROM b.${quoted(name)} x JOIN a.${quoted(name)} y ON ${sameKey(key)}`;
  const all = [joined, missing(name, key, 'a', 'b'), missing(name, key, 'b', 'a')];
  return all.every((sql) => {
    const plan = database.prepare(`EXPLAIN QUERY PLAN SELECT count(*) ${sql}`).all() as { detail: string }[];
    const search = plan.find(({ detail }) => detail.startsWith('SEARCH'))?.detail ?? '';
    return search.split('=?').length - 1 === key.length;
  });
}

function tellsApart(database: Database, schema: 'a' | 'b', name: string, key: readonly string[]): boolean {
  const columns = key.map(quoted);
  const isNull = columns.map((column) => `${column} IS NULL`).join(' OR ');
  const sql = `SELECT 1 FROM ${schema}.${quoted(name)} GROUP BY ${columns.join(', ')} HAVING count(*) > 1 OR ${isNull} LIMIT 1`;
  return database.prepare(sql).get() === undefined;
}

/** Of rows that nothing tells apart: those that are on one side only. */
function countsOfWholeRows(
  database: Database,
  { name, common }: TablePair,
): Pick<TableDiff, 'added' | 'removed' | 'moreRows'> {
  const columns = common.map(quoted).join(', ') || 'NULL';
  const onlyIn = (from: string, other: string): number =>
    database
      .prepare(
        `SELECT count(*) FROM (SELECT ${columns} FROM ${from}.${quoted(name)} EXCEPT SELECT ${columns} FROM ${other}.${quoted(name)})`,
      )
      .pluck()
      .get() as number;
  const [added, removed] = [onlyIn('b', 'a'), onlyIn('a', 'b')];
  return { added, removed, moreRows: added + removed };
}

function compareOneSided(comparison: Comparison, { name, before, after }: TablePair): TableDiff {
  const table = after ?? before;
  if (table === undefined) return nothing(name);
  const op = after === undefined ? 'removed' : 'added';
  const list = new RowList(comparison, { table: name, key: keyOf(table), columns: table.columns });
  const count = list.add(op, `FROM ${op === 'added' ? 'b' : 'a'}.${quoted(name)} x`, table.columns);
  return { ...nothing(name), [op]: count, rows: list.rows, moreRows: count - list.rows.length };
}

type Cell = RowDiff['cells'][number];

interface RowNames {
  readonly table: string;
  readonly key: readonly string[];
  /** Of both versions. */
  readonly columns: readonly string[];
}

/** Lists rows up to a number and a length, and counts all. */
class RowList {
  readonly rows: RowDiff[] = [];
  readonly #comparison: Comparison;
  readonly #names: RowNames;
  #charactersLeft = listedCharactersMax;

  constructor(comparison: Comparison, names: RowNames) {
    this.#comparison = comparison;
    this.#names = names;
  }

  /**
   * Returns how many there are; counting them apart only when more than are listed.
   * @param sql from `FROM` on; `x` is the row, and of a changed one `y` the older one
   */
  add(op: RowDiff['op'], sql: string, columns: readonly string[]): number {
    const { database, rowsMax } = this.#comparison;
    const { key } = this.#names;
    const limit = rowsMax - this.rows.length;
    const others = columns.filter((column) => !key.includes(column));
    const names = [...key, ...others];
    const shown = names.map((column) => `x.${quoted(column)}`);
    const older = op === 'changed' ? names.map((column) => `y.${quoted(column)}`) : [];
    const select = [...shown, ...older].join(', ') || 'NULL';
    const statement = database.prepare(`SELECT ${select} ${sql} LIMIT ${limit + 1}`);
    let count = 0;
    for (const row of statement.raw().safeIntegers().iterate() as IterableIterator<unknown[]>) {
      if (count === limit || this.#charactersLeft <= 0) {
        count++;
        break;
      }
      this.#list(op, names, row);
      count++;
    }
    if (count <= limit && this.#charactersLeft > 0) return count;
    return database.prepare(`SELECT count(*) ${sql}`).pluck().get() as number;
  }

  #list(op: RowDiff['op'], names: readonly string[], row: unknown[]): void {
    const { table, key } = this.#names;
    const said = this.#comparison.known?.describeRow(table, namedValues(names, row));
    const shown: RowDiff = {
      op,
      ...(said === undefined ? {} : { said }),
      key: key.map((column, index) => ({ column, value: cellOf(row[index]) })),
      cells: op === 'changed' ? changedCells(names, row) : otherCells(op, key.length, names, row),
    };
    for (const { before, after } of shown.cells) this.#charactersLeft -= lengthOf(before) + lengthOf(after);
    this.rows.push(shown);
  }
}

function lengthOf(value: CellValue | undefined): number {
  return typeof value === 'string' ? value.length : 16;
}

function changedCells(names: readonly string[], row: readonly unknown[]): Cell[] {
  return names.flatMap((column, index): Cell[] => {
    const [after, before] = [row[index], row[names.length + index]];
    if (isSame(before, after)) return [];
    // 5 and 5.0 are different values that look the same.
    const isSameNumber = isNumber(before) && isNumber(after) && Number(before) === Number(after);
    const show = isSameNumber && typeof before !== typeof after ? withType : cellOf;
    return [{ column, before: show(before), after: show(after) }];
  });
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

function withType(value: unknown): CellValue {
  if (typeof value === 'bigint') return `${value} (integer)`;
  return typeof value === 'number' ? `${value} (real)` : cellOf(value);
}

function otherCells(
  op: RowDiff['op'],
  keyLength: number,
  names: readonly string[],
  row: readonly unknown[],
): Cell[] {
  return names.slice(keyLength).map((column, index) => {
    const value = cellOf(row[keyLength + index]);
    return op === 'added' ? { column, after: value } : { column, before: value };
  });
}

function namedValues(columns: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(columns.map((column, index) => [column, row[index]]));
}

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return Object.is(a, b) || (a === 0 && b === 0); // SQLite has one zero
}

/** Whole numbers come as bigint: those that a number does not hold exactly become text. */
function cellOf(value: unknown): CellValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return summedUp(value);
  if (typeof value === 'string' && value.length > cellCharactersMax) return summedUp(Buffer.from(value));
  return value === 0 ? 0 : (value as CellValue); // SQLite may give -0, which is 0 to it
}

function summedUp(bytes: Uint8Array): CellValue {
  return { bytes: bytes.length, hash: Buffer.from(hashBytes(bytes)).toString('hex', 0, 6) };
}
