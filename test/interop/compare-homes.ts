/** Compares two copies of a home: files as they are, databases by what they contain. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { compareFolders } from '../helpers/compare-folders.ts';

export interface HomeComparison {
  readonly differences: string[];
  readonly files: number;
  readonly databases: number;
  readonly rows: number;
}

export interface HomeCompareOptions {
  /** Relative paths that were left out, with what is inside. */
  readonly leftOut: readonly string[];
  /** Folders whose times are not compared: something was made or removed in them after the copy. */
  readonly touchedFolders?: readonly string[];
  readonly skipTimes?: boolean;
}

/** `copy` may have logs beside its databases; `restored` may not. */
export function compareHomes(copy: string, restored: string, options: HomeCompareOptions): HomeComparison {
  const isLeftOut = (path: string): boolean =>
    options.leftOut.some((one) => path === one || path.startsWith(`${one}/`));
  const everything = readdirSync(restored, { recursive: true, encoding: 'utf8' });
  const all = everything.filter((path) => !isLeftOut(path));
  const databases = all.filter((path) => path.endsWith('.sqlite'));
  assert.deepEqual(
    all.filter((path) => /\.sqlite-(wal|shm|journal)$/.test(path)),
    [],
    'a restored database is one file',
  );
  const touched = new Set((options.touchedFolders ?? []).map((path) => JSON.stringify(path)));
  const differences = compareFolders(copy, restored, {
    ignore: (path) => isLeftOut(path) || isSidecar(copy, path),
    skipContent: (path) => databases.includes(path),
    skipTimes: options.skipTimes ?? false,
  }).filter((line) => !(/: time /.test(line) && touched.has(line.slice(0, line.indexOf(': time ')))));
  let rows = 0;
  for (const path of databases) {
    const expected = contentOf(join(copy, path));
    const found = contentOf(join(restored, path));
    rows += [...found.values()].reduce((sum, table) => sum + table.length, 0);
    differences.push(...compareContents(path, expected, found));
  }
  return { differences, files: all.length, databases: databases.length, rows };
}

function isSidecar(root: string, path: string): boolean {
  const database = /^(.*)-(wal|shm|journal)$/.exec(path)?.[1];
  return database?.endsWith('.sqlite') === true && existsSync(join(root, database));
}

/** Every table's rows as text, in storage order; the schema and the versions under names of their own. */
export function contentOf(path: string): Map<string, string[]> {
  // Opening brings in the log and leaves files behind: that is done to a copy.
  const folder = mkdtempSync(join(tmpdir(), 'exuvia-test-'));
  try {
    for (const name of readdirSync(dirname(path)).filter((one) => one.startsWith(basename(path))))
      execFileSync('cp', ['-a', join(dirname(path), name), folder]);
    return readContent(join(folder, basename(path)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readContent(path: string): Map<string, string[]> {
  const database = new Database(path);
  database.defaultSafeIntegers();
  try {
    assert.equal(database.pragma('integrity_check', { simple: true }), 'ok', path);
    const pragmas = ['user_version', 'application_id', 'page_size', 'auto_vacuum', 'encoding'];
    const content = new Map([
      ['(pragmas)', pragmas.map((name) => `${name} ${database.pragma(name, { simple: true })}`)],
      ['(schema)', rowsOf(database, 'SELECT * FROM sqlite_schema')],
    ]);
    // Virtual tables keep their rows in ordinary ones.
    const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'";
    for (const name of database.prepare(tables).pluck().all() as string[])
      content.set(name, rowsOf(database, `SELECT * FROM "${name.replaceAll('"', '""')}"`));
    return content;
  } finally {
    database.close();
  }
}

function rowsOf(database: Database.Database, query: string): string[] {
  return database
    .prepare(query)
    .raw()
    .all()
    .map((row) => (row as unknown[]).map(valueText).join('|'));
}

function valueText(value: unknown): string {
  return Buffer.isBuffer(value) ? `x'${value.toString('hex')}'` : `${typeof value} ${value}`;
}

function compareContents(
  path: string,
  expected: Map<string, string[]>,
  found: Map<string, string[]>,
): string[] {
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((table) => {
    const [want, have] = [expected.get(table) ?? [], found.get(table) ?? []];
    const row = want.findIndex((line, index) => line !== have[index]);
    if (row < 0 && want.length === have.length) return [];
    return [`${path}: table ${table} has ${have.length} rows, want ${want.length}; row ${row} differs`];
  });
}
