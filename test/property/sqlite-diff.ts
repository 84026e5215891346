/**
 * Random pairs of databases. What the difference says of rows, applied to the older one, gives the newer one; and `sqldiff`
 * counts as many. The databases are read here with plain queries, and compared in memory.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { hashBytes } from '../../src/codec/hash.ts';
import type { CellValue, FileVersion, RowDiff, SqliteDiff, TableDiff } from '../../src/diff/content-diff.ts';
import { diffSqlite } from '../../src/diff/sqlite/diff-sqlite.ts';
import { Seeded } from '../helpers/seeded.ts';

interface Kind {
  readonly name: string;
  readonly sql: string;
  /** Columns that a row is made of. */
  readonly columns: readonly string[];
  /** Those that rows are told apart by, in order. */
  readonly key: readonly string[];
  /** Whether `sqldiff --primarykey` matches the rows in the same way. */
  readonly isForJudge: boolean;
}

const kinds: readonly Kind[] = [
  table('numbered', 'id INTEGER PRIMARY KEY, x, y TEXT', ['id', 'x', 'y'], ['id']),
  table('texts', 'k TEXT PRIMARY KEY NOT NULL, v, w BLOB', ['k', 'v', 'w'], ['k']),
  table('pairs', 'a, b INTEGER, v, PRIMARY KEY (b, a)', ['a', 'b', 'v'], ['b', 'a'], ' WITHOUT ROWID'),
  table('set of keys', 'k BLOB PRIMARY KEY', ['k'], ['k'], ' WITHOUT ROWID'),
  table('composite', 'a TEXT NOT NULL, b NOT NULL, c REAL, PRIMARY KEY (a, b)', ['a', 'b', 'c'], ['a', 'b']),
  table('no key', 'v, "odd ""name" TEXT', ['v', 'odd "name'], ['rowid']),
  table(
    'made',
    'id INTEGER PRIMARY KEY, v, w AS (v || id), z AS (length(v)) STORED',
    ['id', 'v'],
    ['id'],
    '',
    false,
  ),
  table(
    'folded',
    'k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, v NUMERIC COLLATE NOCASE',
    ['k', 'v'],
    ['k'],
    '',
    false,
  ),
  table('rows', 'rowid TEXT PRIMARY KEY NOT NULL, oid, v', ['rowid', 'oid', 'v'], ['rowid'], '', false),
];

function table(
  name: string,
  body: string,
  columns: readonly string[],
  key: readonly string[],
  options = '',
  isForJudge = true,
): Kind {
  return { name, sql: `CREATE TABLE ${quoted(name)} (${body})${options}`, columns, key, isForJudge };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export const hasSqldiff = spawnSync('sqldiff', ['--help']).error === undefined;

/** @param folder for what is made; nothing is left in it */
export function checkDatabasePair(folder: string, seed: number): void {
  const random = new Seeded(seed);
  const [a, b] = [join(folder, 'older.sqlite'), join(folder, 'newer.sqlite')];
  for (const path of [a, b]) rmSync(path, { force: true });
  const used = kinds.filter(() => random.below(3) > 0);
  make(a, used, random);
  copyFileSync(a, b);
  const later = change(b, used, random);
  const label = `EXUVIA_SEED=${seed}`;
  const diff = diffSqlite(version(a), version(b), { temporaryFolder: folder, rowsPerTableMax: 1e6 });
  assert.equal(diff.kind, 'sqlite', `${label} ${JSON.stringify(diff)}`);
  const { tables } = diff as SqliteDiff;
  for (const kind of kinds) applied(a, b, kind, tables, label);
  virtualCounted(a, b, tables, label);
  if (hasSqldiff)
    judged(
      [a, b],
      later.filter(({ isForJudge }) => isForJudge),
      tables,
      label,
    );
}

function version(path: string): FileVersion {
  const bytes = readFileSync(path);
  return { path, bytes: bytes.length, read: () => [bytes] };
}

function make(path: string, used: readonly Kind[], random: Seeded): void {
  const database = new Database(path);
  database.pragma('synchronous = OFF');
  database.pragma(`page_size = ${[512, 4096][random.below(2)]}`);
  database.transaction(() => {
    for (const kind of used) {
      database.exec(kind.sql);
      for (let row = 0; row < random.below(80); row++) insert(database, kind, random);
    }
    database.exec('CREATE VIRTUAL TABLE words USING fts5(text); CREATE TABLE words_of_mine (k PRIMARY KEY)');
    for (let row = 0; row < random.below(20); row++) {
      database.prepare('INSERT INTO words VALUES (?)').run(`word ${random.below(9)}`);
      database.prepare('INSERT OR IGNORE INTO words_of_mine VALUES (?)').run(random.below(30));
    }
  })();
  database.close();
}

/** Rows first, then sometimes the schema. Returns the tables whose columns and key stayed. */
function change(path: string, used: readonly Kind[], random: Seeded): readonly Kind[] {
  const database = new Database(path);
  database.pragma('synchronous = OFF');
  const later = database.transaction(() => {
    for (const kind of used) changeRows(database, kind, random);
    database.prepare('DELETE FROM words WHERE rowid < ?').run(random.below(10));
    database.prepare('INSERT INTO words VALUES (?)').run('a new one');
    database.prepare('UPDATE words_of_mine SET k = k + 1000 WHERE k < ?').run(random.below(10));
    return used.filter((kind) => !changesSchema(database, kind, random));
  })();
  for (const kind of kinds.filter((one) => !used.includes(one))) {
    if (random.below(4) > 0) continue;
    database.exec(kind.sql);
    for (let row = 0; row < 5; row++) insert(database, kind, random);
  }
  if (random.below(3) === 0) database.exec('VACUUM');
  database.close();
  return later;
}

function changeRows(database: Database.Database, kind: Kind, random: Seeded): void {
  const name = quoted(kind.name);
  // The row's number would be another one after VACUUM, where nothing holds it.
  const where = kind.key.map((column) => `${quoted(column)} IS ?`).join(' AND ');
  const keys = database
    .prepare(`SELECT ${kind.key.map(quoted).join(', ')} FROM ${name}`)
    .raw()
    .safeIntegers();
  for (const key of keys.all() as unknown[][]) {
    const chance = random.below(10);
    if (chance === 0) database.prepare(`DELETE FROM ${name} WHERE ${where}`).run(...key);
    if (chance === 1 || chance === 2) {
      const column = quoted(kind.columns[random.below(kind.columns.length)] ?? '');
      const sql = `UPDATE OR IGNORE ${name} SET ${column} = ? WHERE ${where}`;
      if (!(kind.key[0] === 'id' && column === '"id"')) database.prepare(sql).run(anyValue(random), ...key);
    }
  }
  for (let row = 0; row < random.below(10); row++) insert(database, kind, random);
}

function changesSchema(database: Database.Database, kind: Kind, random: Seeded): boolean {
  const name = quoted(kind.name);
  switch (random.below(12)) {
    case 0:
      database.exec(`DROP TABLE ${name}`);
      return true;
    case 1:
      database.exec(`ALTER TABLE ${name} ADD COLUMN "another column" DEFAULT 7`);
      return true;
    case 2:
      database.exec(
        `DROP TABLE ${name}; CREATE TABLE ${name} (other TEXT, v, PRIMARY KEY (v, other)) WITHOUT ROWID`,
      );
      return true;
    case 3:
      database.exec(
        `CREATE INDEX ${quoted(`by ${kind.name}`)} ON ${name} (${quoted(kind.columns[0] ?? '')})`,
      );
      return false;
    default:
      return false;
  }
}

function insert(database: Database.Database, { name, columns, key }: Kind, random: Seeded): void {
  const values = columns.map((column) =>
    key[0] === 'id' && column === 'id' ? random.below(500) : anyValue(random),
  );
  const marks = columns.map(() => '?').join(', ');
  const names = columns.map(quoted).join(', ');
  database.prepare(`INSERT OR IGNORE INTO ${quoted(name)} (${names}) VALUES (${marks})`).run(...values);
}

function anyValue(random: Seeded): unknown {
  const small = random.below(40);
  const values: readonly unknown[] = [
    null,
    small,
    BigInt(small),
    small / 4,
    -0,
    `text ${small}`,
    `TEXT ${small}`,
    String(small),
    '',
    'with \0 in it',
    `${'long '.repeat(300)}${small}`,
    '🦞 \u202e',
    Buffer.from(`text ${small}`),
    Buffer.alloc(0),
    Buffer.alloc(3000, small),
    2n ** 62n + BigInt(small),
    -(2n ** 63n),
    1e300,
    Number.POSITIVE_INFINITY,
  ];
  return values[random.below(values.length)];
}

type Rows = Map<string, Record<string, CellValue>>;

/** Rows by what the difference names them by: their key, or where that may not do, their number. */
function rowsIn(path: string, name: string, key: readonly string[]): Rows | undefined {
  const database = new Database(path, { readonly: true });
  try {
    if (
      database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) ===
      undefined
    )
      return undefined;
    const hidden = key.filter(
      (column) =>
        column === 'rowid' && !columnsOf(database, name).includes('rowid') && hasRowid(database, name),
    );
    const columns = [...hidden, ...columnsOf(database, name)];
    const rows = database
      .prepare(`SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(name)}`)
      .raw()
      .safeIntegers()
      .all() as unknown[][];
    return new Map(
      rows.map((row) => {
        const cells = Object.fromEntries(columns.map((column, at) => [column, cellOf(row[at])]));
        return [nameOf(key.map((column) => cells[column] ?? null)), cells];
      }),
    );
  } finally {
    database.close();
  }
}

/** A table that was made anew may have none; where it has no rows either, nothing is said of it. */
function hasRowid(database: Database.Database, name: string): boolean {
  return (
    database.prepare("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'").pluck().get(name) === 0
  );
}

function columnsOf(database: Database.Database, name: string): string[] {
  const columns = database
    .prepare('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0')
    .pluck()
    .all(name);
  return columns as string[];
}

function nameOf(values: readonly CellValue[]): string {
  return JSON.stringify(values.map((value) => [typeof value, value]));
}

function cellOf(value: unknown): CellValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (!(value instanceof Uint8Array)) return (Object.is(value, -0) ? 0 : value) as CellValue;
  return { bytes: value.length, hash: Buffer.from(hashBytes(value)).toString('hex', 0, 6) };
}

/** The older rows with what the difference says done to them are the newer ones. */
function applied(a: string, b: string, kind: Kind, tables: readonly TableDiff[], label: string): void {
  const diff = tables.find(({ name }) => name === kind.name);
  const key = diff?.rows[0]?.key.map(({ column }) => column) ?? kind.key;
  if (diff !== undefined && diff.rows.length === 0) return; // of another key: only counted
  const before = rowsIn(a, kind.name, key);
  const after = rowsIn(b, kind.name, key);
  const rows: Rows = new Map(before ?? []);
  const common = Object.keys([...(before ?? [])][0]?.[1] ?? {});
  for (const { op, key: names, cells } of diff?.rows ?? []) {
    const name = nameOf(names.map(({ value }) => value));
    if (op === 'removed') {
      assert.ok(rows.delete(name), `${label}: ${kind.name} has ${name} to be removed`);
      continue;
    }
    const old = op === 'changed' ? oldRow(rows, name, names, cells) : undefined;
    const fresh = Object.fromEntries(cells.map(({ column, after: value }) => [column, untyped(value)]));
    for (const { column, value } of names) fresh[column] = value;
    if (op === 'changed') assert.ok(old !== undefined, `${label}: ${kind.name} has ${name} to be changed`);
    for (const { column, before: was } of op === 'changed' ? cells : [])
      assert.deepEqual(untyped(was), old?.[column], `${label}: ${kind.name} ${name} ${column}`);
    rows.set(name, { ...old, ...fresh });
  }
  assert.deepEqual(sorted(rows, common), sorted(after ?? new Map(), common), `${label}: ${kind.name}`);
}

/** `5 (real)` stands for 5.0, where it was 5. */
function untyped(value: CellValue | undefined): CellValue {
  const [, number] = typeof value === 'string' ? (/^(\S+) \((?:integer|real)\)$/.exec(value) ?? []) : [];
  if (number === undefined) return value ?? null;
  return Number.isSafeInteger(Number(number)) || !/^-?\d+$/.test(number) ? Number(number) : number;
}

/** A key that is the same by its collation may be written in another way. */
function oldRow(
  rows: Rows,
  name: string,
  names: RowDiff['key'],
  cells: RowDiff['cells'],
): Record<string, CellValue> | undefined {
  const was = nameOf(
    names.map(({ column, value }) => untyped(cells.find((cell) => cell.column === column)?.before ?? value)),
  );
  const found = rows.get(was) ?? rows.get(name);
  rows.delete(was);
  return found;
}

/** Columns that only the newer version has are in added rows alone. */
function sorted(rows: Rows, common: readonly string[]): string[] {
  return [...rows.values()]
    .map((row) =>
      JSON.stringify(
        Object.entries(row)
          .filter(([name]) => common.length === 0 || common.includes(name))
          .sort(),
      ),
    )
    .sort();
}

function virtualCounted(a: string, b: string, tables: readonly TableDiff[], label: string): void {
  const of = (path: string): Map<number, string> => {
    const database = new Database(path, { readonly: true });
    const rows = database.prepare('SELECT rowid, text FROM words').raw().all() as [number, string][];
    database.close();
    return new Map(rows);
  };
  const [before, after] = [of(a), of(b)];
  const found = tables.find(({ name }) => name === 'words');
  const added = [...after.keys()].filter((row) => !before.has(row)).length;
  const removed = [...before.keys()].filter((row) => !after.has(row)).length;
  const changed = [...after].filter(([row, text]) => before.has(row) && before.get(row) !== text).length;
  assert.deepEqual([found?.added, found?.removed, found?.changed], [added, removed, changed], label);
  assert.ok(found?.derived && found.rows.length === 0);
  assert.ok(!tables.some(({ name }) => /^words_(content|idx|data|docsize|config)$/.test(name)));
}

function judged(
  paths: readonly string[],
  judgeable: readonly Kind[],
  tables: readonly TableDiff[],
  label: string,
): void {
  const { stdout } = spawnSync('sqldiff', ['--primarykey', '--summary', ...paths], { encoding: 'utf8' });
  for (const { name } of judgeable) {
    const said = new RegExp(
      `^(?:${name}|"${name}"): (\\d+) changes, (\\d+) inserts, (\\d+) deletes`,
      'm',
    ).exec(stdout);
    assert.ok(said !== null, `${label}: sqldiff says nothing of ${name}: ${stdout}`);
    const [, changed, added, removed] = said.map(Number);
    const found = tables.find((one) => one.name === name);
    // sqldiff does not see a key that is written in another way, nor that 1 became 1.0.
    const rewritten = found?.rows.filter(
      ({ op, key, cells }) => op === 'changed' && cells.every(isUnseen(key)),
    ).length;
    const counts = [found?.added ?? 0, found?.removed ?? 0, (found?.changed ?? 0) - (rewritten ?? 0)];
    assert.deepEqual(counts, [added, removed, changed], `${label}: ${name}\n${stdout}`);
  }
}

function isUnseen(key: RowDiff['key']): (cell: RowDiff['cells'][number]) => boolean {
  const plain = (value: CellValue | undefined) =>
    typeof value === 'string' ? value.replace(/ \((integer|real)\)$/, '') : value;
  return ({ column, before, after }) =>
    key.some((one) => one.column === column) || (plain(before) !== before && plain(before) === plain(after));
}
