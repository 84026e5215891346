/** The tables of two attached databases, and how their rows can be told apart. */
type Database = import('better-sqlite3').Database;

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns of the primary key; `rowid` where there is none; nothing where rows cannot be named. */
  readonly key: readonly string[];
  readonly isVirtual: boolean;
}

export interface TablePair {
  readonly name: string;
  /** The side that alone has it. */
  readonly onlyIn: 'a' | 'b' | undefined;
  readonly key: readonly string[];
  /** Columns of both. */
  readonly common: readonly string[];
  readonly derived: boolean;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function listTables(database: Database, schema: 'a' | 'b'): Map<string, Table> {
  const rows = database
    .prepare(`SELECT name, coalesce(sql, '') FROM ${schema}.sqlite_schema WHERE type = 'table' ORDER BY name`)
    .raw()
    .all() as [string, string][];
  return new Map(rows.map(([name, sql]) => [name, tableOf(database, schema, name, sql)]));
}

function tableOf(database: Database, schema: string, name: string, sql: string): Table {
  // A virtual table's module may not be there: it is not asked.
  if (/^\s*CREATE\s+VIRTUAL/i.test(sql)) return { name, columns: [], key: [], isVirtual: true };
  const columns = database
    .prepare('SELECT name, pk, hidden FROM pragma_table_xinfo(?, ?) ORDER BY cid')
    .raw()
    .all(name, schema) as [string, number, number][];
  const stored = columns.filter(([, , hidden]) => hidden === 0);
  const primary = stored.filter(([, pk]) => pk > 0).sort((a, b) => a[1] - b[1]);
  const names = stored.map(([column]) => column);
  const key = primary.length > 0 ? primary.map(([column]) => column) : rowName(names);
  return { name, columns: names, key, isVirtual: false };
}

/** A name for the row's number that no column has taken. */
function rowName(columns: readonly string[]): string[] {
  const taken = new Set(columns.map((column) => column.toLowerCase()));
  const free = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
  return free === undefined ? [] : [free];
}

export function tablePairs(
  _database: Database,
  before: ReadonlyMap<string, Table>,
  after: ReadonlyMap<string, Table>,
): TablePair[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const virtual = names.filter((name) => (after.get(name) ?? before.get(name))?.isVirtual);
  return names.map((name) => {
    const [a, b] = [before.get(name), after.get(name)];
    const table = b ?? a;
    const common = (table?.columns ?? []).filter(
      (column) => a === undefined || b === undefined || a.columns.includes(column),
    );
    return {
      name,
      onlyIn: a === undefined ? 'b' : b === undefined ? 'a' : undefined,
      key:
        a === undefined || b === undefined || a.key.join('\0') === b.key.join('\0') ? (table?.key ?? []) : [],
      common,
      derived: isDerived(name, virtual),
    };
  });
}

/** Virtual tables, what they keep in tables named after them, and SQLite's own. */
function isDerived(name: string, virtual: readonly string[]): boolean {
  return name.startsWith('sqlite_') || virtual.some((one) => name === one || name.startsWith(`${one}_`));
}
