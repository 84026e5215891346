import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import type { FileVersion, SqliteDiff } from '../../../../src/diff/content-diff.ts';
import { diffSqlite } from '../../../../src/diff/sqlite/diff-sqlite.ts';
import { Seeded } from '../../../helpers/seeded.ts';
import { temporaryFolder } from '../../../helpers/temporary.ts';

function version(bytes: Uint8Array): FileVersion {
  return { path: 'x.sqlite', bytes: bytes.length, read: () => (bytes.length === 0 ? [] : [bytes]) };
}

/** The bytes of a database before and after `change`. */
function versions(
  context: TestContext,
  make: string,
  change: string,
): { before: Buffer; after: Buffer; folder: string } {
  const folder = temporaryFolder(context);
  const path = join(folder, 'made.sqlite');
  const database = new Database(path);
  database.exec(make);
  const before = readFileSync(path);
  database.exec(change);
  database.close();
  return { before, after: readFileSync(path), folder };
}

function diff(context: TestContext, make: string, change: string): SqliteDiff {
  const { before, after, folder } = versions(context, make, change);
  const temporary = temporaryFolder(context);
  const result = diffSqlite(version(before), version(after), { temporaryFolder: temporary });
  assert.equal(result.kind, 'sqlite', JSON.stringify(result));
  assert.deepEqual(readdirSync(temporary), [], 'no temporary file is left');
  void folder;
  return result as SqliteDiff;
}

const table = (result: SqliteDiff, name: string) => {
  const found = result.tables.find((one) => one.name === name);
  return found && [found.added, found.removed, found.changed];
};

test('diffSqlite() tells rows added, removed and changed apart, with the columns that changed', (context) => {
  const result = diff(
    context,
    `CREATE TABLE note (id INTEGER PRIMARY KEY, text, size); INSERT INTO note VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3);
     CREATE TABLE same (id INTEGER PRIMARY KEY); INSERT INTO same VALUES (1);`,
    `UPDATE note SET text = 'B' WHERE id = 2; DELETE FROM note WHERE id = 3; INSERT INTO note VALUES (4, 'd', 4);`,
  );
  assert.deepEqual(result.schema, []);
  assert.equal(result.tables.length, 1);
  assert.deepEqual(result.tables[0]?.rows, [
    {
      op: 'removed',
      key: [{ column: 'id', value: 3 }],
      cells: [
        { column: 'text', before: 'c' },
        { column: 'size', before: 3 },
      ],
    },
    {
      op: 'changed',
      key: [{ column: 'id', value: 2 }],
      cells: [{ column: 'text', before: 'b', after: 'B' }],
    },
    {
      op: 'added',
      key: [{ column: 'id', value: 4 }],
      cells: [
        { column: 'text', after: 'd' },
        { column: 'size', after: 4 },
      ],
    },
  ]);
});

test('diffSqlite() knows keys of every kind, and rows without one', (context) => {
  const result = diff(
    context,
    `CREATE TABLE pair (a TEXT, b INTEGER, v, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO pair VALUES ('x', 1, 1), ('y', 1, 1);
     CREATE TABLE plain (v); INSERT INTO plain VALUES ('one'), ('two');
     CREATE TABLE "odd ""name" ("a b" PRIMARY KEY, "rowid" TEXT); INSERT INTO "odd ""name" VALUES ('k', 'v');`,
    `UPDATE pair SET v = 2 WHERE a = 'y'; UPDATE plain SET v = 'TWO' WHERE v = 'two'; UPDATE "odd ""name" SET "rowid" = 'w';`,
  );
  assert.deepEqual(table(result, 'pair'), [0, 0, 1]);
  assert.deepEqual(result.tables.find(({ name }) => name === 'pair')?.rows[0]?.key, [
    { column: 'b', value: 1 },
    { column: 'a', value: 'y' },
  ]);
  assert.deepEqual(table(result, 'plain'), [0, 0, 1]);
  assert.deepEqual(table(result, 'odd "name'), [0, 0, 1]);
});

test('diffSqlite() does not take values of different types for the same', (context) => {
  const values = ['NULL', "''", '0', '1', '1.5', "'1'", "x'31'", '9007199254740993'];
  const make = `CREATE TABLE t (id INTEGER PRIMARY KEY, v); ${values.map((value) => `INSERT INTO t (v) VALUES (${value});`).join('')}`;
  const changed = ["''", '0', 'NULL', "'1'", '1.25', "x'31'", "x'32'", '9007199254740992'];
  const change = changed.map((value, index) => `UPDATE t SET v = ${value} WHERE id = ${index + 1};`).join('');
  const [found] = diff(context, make, change).tables;
  assert.equal(found?.changed, 8);
  const cells = found?.rows.map(({ cells: [cell] }) => [cell?.before, cell?.after]);
  assert.deepEqual(cells?.[0], [null, '']);
  assert.deepEqual(cells?.[7], ['9007199254740993', '9007199254740992']);
  const blob = cells?.[6]?.[0] as { bytes: number; hash: string };
  assert.equal(blob.bytes, 1);
  assert.equal(diff(context, make, 'UPDATE t SET v = v').tables.length, 0);
});

test('diffSqlite() tells changes of the schema, new columns, and tables that come and go', (context) => {
  const result = diff(
    context,
    `CREATE TABLE grows (id INTEGER PRIMARY KEY, v); INSERT INTO grows VALUES (1, 'a'), (2, 'b');
     CREATE TABLE goes (id INTEGER PRIMARY KEY); INSERT INTO goes VALUES (7); CREATE INDEX old ON grows (v);`,
    `ALTER TABLE grows ADD COLUMN more DEFAULT 5; UPDATE grows SET v = 'c' WHERE id = 2; DROP TABLE goes; DROP INDEX old;
     CREATE TABLE comes (id INTEGER PRIMARY KEY, v); INSERT INTO comes VALUES (1, 'new'); CREATE VIEW look AS SELECT 1;`,
  );
  assert.deepEqual(result.schema, [
    { name: 'index old', change: 'removed' },
    { name: 'table comes', change: 'added' },
    { name: 'table goes', change: 'removed' },
    { name: 'table grows', change: 'changed' },
    { name: 'view look', change: 'added' },
  ]);
  assert.deepEqual(table(result, 'grows'), [0, 0, 1]);
  assert.deepEqual(table(result, 'goes'), [0, 1, 0]);
  assert.deepEqual(table(result, 'comes'), [1, 0, 0]);
});

test('diffSqlite() sums up what is made from other tables, and needs no module for it', (context) => {
  const result = diff(
    context,
    `CREATE TABLE note (id INTEGER PRIMARY KEY, text); CREATE VIRTUAL TABLE note_fts USING fts5(text);
     INSERT INTO note VALUES (1, 'a'); INSERT INTO note_fts VALUES ('a');`,
    `INSERT INTO note VALUES (2, 'b'); INSERT INTO note_fts VALUES ('b');`,
  );
  assert.deepEqual(
    result.tables.map(({ name, derived, added, rows }) => [name, derived, added, rows.length]),
    [
      ['note', false, 1, 1],
      ['note_fts', true, 1, 0],
    ],
  );
  // A module that nobody has: written into the schema by hand.
  const { before, after, folder } = versions(
    context,
    'CREATE TABLE t (id INTEGER PRIMARY KEY)',
    'INSERT INTO t VALUES (1)',
  );
  const withModule = [before, after].map((bytes, index) => {
    const path = join(folder, `module-${index}.sqlite`);
    writeFileSync(path, bytes);
    const database = new Database(path);
    database.unsafeMode();
    database.pragma('writable_schema = ON');
    database
      .prepare(
        "INSERT INTO sqlite_schema VALUES ('table', 'vectors', 'vectors', 0, 'CREATE VIRTUAL TABLE vectors USING vec0(x)')",
      )
      .run();
    database.close();
    return version(readFileSync(path));
  });
  const [a, b] = withModule as [FileVersion, FileVersion];
  const compared = diffSqlite(a, b, { temporaryFolder: folder });
  assert.deepEqual(compared.kind === 'sqlite' && compared.tables.map(({ name, added }) => [name, added]), [
    ['t', 1],
  ]);
});

test('diffSqlite() compares a table that is only named like one that a full-text index is kept in', (context) => {
  const result = diff(
    context,
    'CREATE VIRTUAL TABLE note USING fts5(text); CREATE TABLE note_users (id INTEGER PRIMARY KEY)',
    'INSERT INTO note_users VALUES (1)',
  );
  assert.deepEqual(table(result, 'note_users'), [1, 0, 0]);
  assert.equal(result.tables.length, 1);
});

test('diffSqlite() tells rows apart by their number where the primary key does not', (context) => {
  const rows = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)';
  const started = performance.now();
  const nulls = diff(
    context,
    `CREATE TABLE t (k TEXT PRIMARY KEY, v); ${rows} INSERT INTO t SELECT NULL, i FROM n`,
    'UPDATE t SET v = 0 WHERE v = 7; DELETE FROM t WHERE v = 9',
  );
  assert.deepEqual(table(nulls, 't'), [0, 1, 1]);
  assert.deepEqual(nulls.tables[0]?.rows[0]?.key, [{ column: 'rowid', value: 9 }]);
  const another = diff(
    context,
    `CREATE TABLE t (k TEXT PRIMARY KEY, v); ${rows} INSERT INTO t SELECT i, i FROM n`,
    `CREATE TABLE u (k COLLATE NOCASE PRIMARY KEY, v); INSERT INTO u SELECT * FROM t;
     DROP TABLE t; ALTER TABLE u RENAME TO t; UPDATE t SET v = 0 WHERE v = 7`,
  );
  assert.deepEqual(table(another, 't'), [0, 0, 1], 'an index of another collation is of no use');
  assert.ok(performance.now() - started < 5000, 'no row is compared with every other');
});

test('diffSqlite() tells when a key is written in another way', (context) => {
  const result = diff(
    context,
    "CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, v); INSERT INTO t VALUES ('Name', 1)",
    "UPDATE t SET k = 'name'",
  );
  assert.deepEqual(result.tables[0]?.rows[0]?.cells, [{ column: 'k', before: 'Name', after: 'name' }]);
});

test('diffSqlite() counts whole rows where nothing tells them apart', (context) => {
  const result = diff(
    context,
    "CREATE TABLE t (a, b, PRIMARY KEY (a)) WITHOUT ROWID; INSERT INTO t VALUES (1, 'x'), (2, 'y')",
    `DROP TABLE t; CREATE TABLE t (a, b, PRIMARY KEY (b)) WITHOUT ROWID; INSERT INTO t VALUES (1, 'x'), (3, 'y'), (4, 'z')`,
  );
  assert.deepEqual(table(result, 't'), [2, 1, 0]);
});

test('diffSqlite() shows the columns of added rows that the older version has not', (context) => {
  const result = diff(
    context,
    'CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 2)',
    "ALTER TABLE t ADD COLUMN more; INSERT INTO t VALUES (2, 3, 'new')",
  );
  assert.deepEqual(result.tables[0]?.rows[0]?.cells, [
    { column: 'v', after: 3 },
    { column: 'more', after: 'new' },
  ]);
});

test('diffSqlite() runs nothing of a hostile schema, and reads it to the end', (context) => {
  const many = Array.from(
    { length: 2000 },
    (_, at) => `CREATE TABLE "t${at}" (id INTEGER PRIMARY KEY, v)`,
  ).join(';');
  const wide = `CREATE TABLE wide (id INTEGER PRIMARY KEY, ${Array.from({ length: 1900 }, (_, at) => `c${at}`).join()})`;
  const name = `"x""; DROP TABLE t1; --'\u001b[31m"`;
  const result = diff(
    context,
    `BEGIN; ${many}; COMMIT; ${wide}; INSERT INTO wide (id, c0) VALUES (1, 2);
     CREATE TABLE ${name} ("a""b" PRIMARY KEY, "; DELETE" AS (1)); INSERT INTO ${name} VALUES (1);
     CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * FROM n;
     CREATE TRIGGER fires AFTER UPDATE ON wide BEGIN DELETE FROM wide; END;
     CREATE TABLE made (id INTEGER PRIMARY KEY, v, w AS (hex(v)), CHECK (v <> 'evil'));`,
    `UPDATE ${name} SET "a""b" = 2; INSERT INTO t1999 VALUES (1, 'x'); INSERT INTO wide (id, c1899) VALUES (2, 2)`,
  );
  assert.deepEqual(table(result, `x"; DROP TABLE t1; --'\u001b[31m`), [1, 1, 0]);
  assert.deepEqual(table(result, 't1999'), [1, 0, 0]);
  assert.deepEqual(table(result, 'wide'), [1, 0, 0]);
  assert.equal(result.tables.length, 3);
});

test('diffSqlite() compares the other tables where one cannot be read', (context) => {
  const { before, after } = versions(
    context,
    'CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL); CREATE TABLE u (id INTEGER PRIMARY KEY)',
    "INSERT INTO u VALUES (1); INSERT INTO t VALUES ('a')",
  );
  const folder = temporaryFolder(context);
  const [a, b] = [before, after].map((bytes, index) => {
    const path = join(folder, `own-${index}.sqlite`);
    writeFileSync(path, bytes);
    const database = new Database(path);
    database.unsafeMode();
    database.pragma('writable_schema = ON');
    database.exec("UPDATE sqlite_schema SET sql = replace(sql, 'k TEXT', 'k TEXT COLLATE of_its_program')");
    database.close();
    return version(readFileSync(path));
  }) as [FileVersion, FileVersion];
  const result = diffSqlite(a, b, { temporaryFolder: temporaryFolder(context) }) as SqliteDiff;
  assert.deepEqual(table(result, 'u'), [1, 0, 0]);
  const own = result.tables.find(({ name }) => name === 't');
  assert.equal(own?.note, 'not compared: no such collation sequence: of_its_program');
});

test('diffSqlite() notes a value that is too long, and sums up long ones', (context) => {
  const { before, after, folder } = versions(
    context,
    'CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, zeroblob(17000000))',
    'UPDATE t SET v = zeroblob(17000001)',
  );
  const result = diffSqlite(version(before), version(after), { temporaryFolder: temporaryFolder(context) });
  void folder;
  assert.deepEqual(result, {
    kind: 'note',
    message: 'not compared row by row: table t has a value of more than 16777216 bytes',
  });
  const long = diff(
    context,
    'CREATE TABLE t (id INTEGER PRIMARY KEY, v)',
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
     INSERT INTO t SELECT i, CAST(zeroblob(600000 * (1 + (i = 1))) AS TEXT) FROM n`,
  );
  const [first, second] = long.tables[0]?.rows ?? [];
  assert.equal(typeof first?.cells[0]?.after, 'object', 'more than a million characters');
  assert.equal(typeof second?.cells[0]?.after, 'string');
  assert.equal(long.tables[0]?.added, 40);
  assert.ok((long.tables[0]?.moreRows ?? 0) > 0, 'not all of them are listed');
});

test('diffSqlite() lists a number of rows and counts all', (context) => {
  const make = 'CREATE TABLE t (id INTEGER PRIMARY KEY, v)';
  const fill =
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, i FROM n';
  const [found] = diff(context, make, fill).tables;
  assert.deepEqual([found?.added, found?.rows.length, found?.moreRows], [5000, 200, 4800]);
});

test('diffSqlite() reads databases that were written with a log beside them', (context) => {
  const { before, after, folder } = versions(
    context,
    'CREATE TABLE t (id INTEGER PRIMARY KEY)',
    'INSERT INTO t VALUES (1)',
  );
  for (const bytes of [before, after]) bytes.fill(2, 18, 20);
  const result = diffSqlite(version(before), version(after), { temporaryFolder: folder });
  assert.deepEqual(result.kind === 'sqlite' && table(result, 't'), [1, 0, 0]);
});

test('diffSqlite() makes a note of what is no database or a damaged one', (context) => {
  const folder = temporaryFolder(context);
  const none = diffSqlite(
    version(Buffer.from('SQLite format 3\0 and then something else')),
    version(Buffer.alloc(0)),
    {
      temporaryFolder: folder,
    },
  );
  assert.equal(none.kind, 'note');
  const { before, after } = versions(
    context,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
     INSERT INTO t SELECT i, 'row ' || i FROM n`,
    "UPDATE t SET v = 'x' WHERE id = 500",
  );
  const random = new Seeded(5);
  for (let round = 0; round < 100; round++) {
    const damaged = Buffer.from(after);
    for (let count = 0; count < 4; count++) damaged[random.below(damaged.length)] = random.below(256);
    assert.ok(diffSqlite(version(before), version(damaged), { temporaryFolder: folder }).kind);
  }
});
