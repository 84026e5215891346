/**
 * Absolute paths of one home made those of another, in OpenClaw's databases: columns that hold a path by their name, and the
 * path keys of session entries. What was said and what happened (transcripts, diagnostics) stays as it was.
 */
import Database from 'better-sqlite3';
import {
  isSessionPathKey,
  type MovedValue,
  movedPath,
  movePathsInValue,
  type PathMove,
} from './move-paths.ts';

/** Names of columns that hold one path (`workspace_path`, `config_path`, `path`, `agent_dir`, `cwd`). */
const pathColumn = /(^|_)(path|dir|cwd|root|file)$/i;
/** Columns of JSON with paths in them. */
const entryColumn = /^entry_json$/i;

interface Column {
  readonly table: string;
  readonly name: string;
}

/** In one transaction; the changes name table and column. Throws what SQLite throws, and then nothing has changed. */
export function movePathsInDatabase(path: string, moves: readonly PathMove[]): MovedValue[] {
  const database = new Database(path, { fileMustExist: true });
  try {
    const columns = textColumns(database);
    const changes: MovedValue[] = [];
    database.transaction(() => {
      for (const column of columns.filter(({ name }) => pathColumn.test(name)))
        changes.push(...moveColumn(database, column, moves));
      for (const column of columns.filter(({ name }) => entryColumn.test(name)))
        if (!isWatched(database, column)) changes.push(...moveEntries(database, column, moves));
    })();
    return changes;
  } finally {
    database.close();
  }
}

/** Of ordinary tables; virtual ones and those of the engine hold nothing of this kind. */
function textColumns(database: Database.Database): Column[] {
  const tables = database
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
       AND sql NOT LIKE 'CREATE VIRTUAL%'`,
    )
    .pluck()
    .all() as string[];
  return tables.flatMap((table) => {
    const columns = database.pragma(`table_info(${quoted(table)})`) as { name: string; type: string }[];
    return columns.filter(({ type }) => /text|^$|any/i.test(type)).map(({ name }) => ({ table, name }));
  });
}

/**
 * Whether triggers watch the column. Current versions mark a changed entry for repair and then refuse to list it; their
 * entries hold no paths that are used (found with 2026.9.6), so they are left alone.
 */
function isWatched(database: Database.Database, { table, name }: Column): boolean {
  const triggers = database
    .prepare(`SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?`)
    .pluck()
    .all(table) as string[];
  return triggers.some((sql) => sql.includes(name));
}

function moveColumn(
  database: Database.Database,
  { table, name }: Column,
  moves: readonly PathMove[],
): MovedValue[] {
  const column = quoted(name);
  const values = database
    .prepare(`SELECT DISTINCT ${column} FROM ${quoted(table)} WHERE typeof(${column}) = 'text'`)
    .pluck()
    .all() as string[];
  // A row that stands at the new place already is the present one: it stays, and so does the old one.
  const update = database.prepare(`UPDATE OR IGNORE ${quoted(table)} SET ${column} = ? WHERE ${column} = ?`);
  return values.flatMap((from) => {
    const to = movedPath(from, moves);
    return to === undefined || update.run(to, from).changes === 0
      ? []
      : [{ where: `${table}.${name}`, from, to }];
  });
}

function moveEntries(
  database: Database.Database,
  { table, name }: Column,
  moves: readonly PathMove[],
): MovedValue[] {
  const column = quoted(name);
  const values = database
    .prepare(`SELECT DISTINCT ${column} FROM ${quoted(table)} WHERE json_valid(${column})`)
    .pluck()
    .all() as string[];
  const update = database.prepare(`UPDATE ${quoted(table)} SET ${column} = ? WHERE ${column} = ?`);
  return values.flatMap((text) => {
    const moved = movePathsInValue(JSON.parse(text), moves, isSessionPathKey);
    if (moved === undefined) return [];
    update.run(JSON.stringify(moved.value), text);
    return moved.changes.map((change) => ({ ...change, where: `${table}.${name}.${change.where}` }));
  });
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
