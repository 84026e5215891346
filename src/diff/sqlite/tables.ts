/** The tables of two attached databases, and how their rows can be told apart. */
type Database = import('better-sqlite3').Database;

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns of the primary key. */
  readonly primary: readonly string[];
  /** What the row's number goes by, where there is one: a name that no column has taken. */
  readonly rowName: string | undefined;
  /** Of a virtual table, whose module may not be there. */
  readonly module: string | undefined;
}

export interface TablePair {
  readonly name: string;
  readonly before: Table | undefined;
  readonly after: Table | undefined;
  /** Columns of both. */
  readonly common: readonly string[];
  readonly derived: boolean;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Conditions joined by OR, halves of halves: in one row of them SQLite goes no deeper than a thousand. */
export function anyOf(conditions: readonly string[]): string {
  if (conditions.length <= 1) return conditions[0] ?? '0';
  const half = Math.ceil(conditions.length / 2);
  return `(${anyOf(conditions.slice(0, half))} OR ${anyOf(conditions.slice(half))})`;
}

export function listTables(database: Database, schema: 'a' | 'b'): Map<string, Table> {
  const rows = database
    .prepare(`SELECT name, coalesce(sql, '') FROM ${schema}.sqlite_schema WHERE type = 'table' ORDER BY name`)
    .raw()
    .all() as [string, string][];
  return new Map(rows.map(([name, sql]) => [name, tableOf(database, schema, name, sql)]));
}

function tableOf(database: Database, schema: string, name: string, sql: string): Table {
  const module = moduleOf(sql);
  // A virtual table's module may not be there: it is not asked.
  if (module !== undefined) return { name, columns: [], primary: [], rowName: undefined, module };
  const columns = database
    .prepare('SELECT name, pk, hidden FROM pragma_table_xinfo(?, ?) ORDER BY cid')
    .raw()
    .all(name, schema) as [string, number, number][];
  const stored = columns.filter(([, , hidden]) => hidden === 0);
  const primary = stored.filter(([, pk]) => pk > 0).sort((a, b) => a[1] - b[1]);
  const rowName = rowNameOf(database, `${schema}.${quoted(name)}`, columns);
  return {
    name,
    columns: stored.map(([column]) => column),
    primary: primary.map(([column]) => column),
    rowName,
    module,
  };
}

function moduleOf(sql: string): string | undefined {
  if (!/^\s*CREATE\s+VIRTUAL/i.test(sql)) return undefined;
  return /\bUSING\s+["'`[]?(\w+)/i.exec(sql)?.[1]?.toLowerCase() ?? '';
}

/** Columns that are made from others take a name too. */
function rowNameOf(
  database: Database,
  table: string,
  columns: readonly (readonly [string, number, number])[],
): string | undefined {
  const taken = new Set(columns.map(([column]) => column.toLowerCase()));
  const free = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
  if (free === undefined) return undefined;
  try {
    database.prepare(`SELECT ${free} FROM ${table}`);
    return free;
  } catch (error) {
    if (error instanceof Error && /no such column/.test(error.message)) return undefined; // WITHOUT ROWID
    throw error;
  }
}

export function tablePairs(
  before: ReadonlyMap<string, Table>,
  after: ReadonlyMap<string, Table>,
): TablePair[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const virtual = new Map<string, string>();
  for (const { name, module } of [...before.values(), ...after.values()])
    if (module !== undefined) virtual.set(name, module);
  return names.map((name) => {
    const [a, b] = [before.get(name), after.get(name)];
    const common = ((b ?? a)?.columns ?? []).filter(
      (column) => a === undefined || b === undefined || a.columns.includes(column),
    );
    return { name, before: a, after: b, common, derived: isDerived(name, virtual) };
  });
}

/** The tables in which a module keeps a virtual one; one row for each of its rows is in the first that there is. */
const shadows: Readonly<Record<string, readonly string[]>> = {
  fts5: ['content', 'docsize', 'idx', 'data', 'config'],
  fts4: ['content', 'docsize', 'segments', 'segdir', 'stat'],
  fts3: ['content', 'segments', 'segdir'],
  rtree: ['rowid', 'node', 'parent'],
  rtree_i32: ['rowid', 'node', 'parent'],
  geopoly: ['rowid', 'node', 'parent'],
  vec0: ['rowids'],
};

/** Virtual tables, what known modules keep in tables named after them (of others all that is), and SQLite's own. */
function isDerived(name: string, virtual: ReadonlyMap<string, string>): boolean {
  if (name.startsWith('sqlite_') || virtual.has(name)) return true;
  return [...virtual].some(([one, module]) => {
    if (!name.startsWith(`${one}_`)) return false;
    const known = module === 'vec0' ? undefined : shadows[module];
    return known === undefined || known.includes(name.slice(one.length + 1));
  });
}

/** The table with a row for each row of a virtual one, as far as it is known. */
export function rowsOfVirtual(
  name: string,
  module: string,
  pairs: ReadonlyMap<string, TablePair>,
): TablePair | undefined {
  for (const ending of shadows[module] ?? []) {
    const pair = pairs.get(`${name}_${ending}`);
    if (pair !== undefined) return pair;
  }
  return undefined;
}

/** Columns that tell the rows of a table apart; nothing where none do. */
export function keyOf({ primary, rowName }: Table): readonly string[] {
  if (primary.length > 0) return primary;
  return rowName === undefined ? [] : [rowName];
}
