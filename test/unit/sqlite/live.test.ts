/** What becomes of the log while a database in WAL mode is copied with it. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { byteStringOf } from '../../../src/model/paths.ts';
import { copyDescriptor } from '../../../src/sqlite/copy.ts';
import { recoverCopy } from '../../../src/sqlite/inspect.ts';
import { copyWithLog } from '../../../src/sqlite/live.ts';
import { createLedger } from '../../helpers/sqlite-writer.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { withSandbox } from './sandbox.ts';

const rows = 2000;

interface Site {
  readonly writer: Database.Database;
  /** Sets the first value and the last one, which are far from one another, in one transaction. */
  set(value: number): void;
  /** Copies under a read transaction, and has `between` done after the file and before the log. */
  copy(between?: () => void): boolean;
  /** The two values of the copy. */
  copied(): unknown;
  readonly copyPath: string;
}

/** A database in WAL mode, 8 MB, of which all is in the file. */
function site(context: TestContext): Site {
  const folder = temporaryFolder(context);
  const path = `${folder}/x.db`;
  const copyPath = `${folder}/copy.db`;
  const writer = new Database(path);
  context.after(() => writer.close());
  writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, value, filler)');
  const insert = writer.prepare('INSERT INTO t (value, filler) VALUES (0, zeroblob(4000))');
  writer.transaction(() => {
    for (let count = 0; count < rows; count++) insert.run();
  })();
  writer.pragma('wal_checkpoint(TRUNCATE)');
  writer.pragma('wal_autocheckpoint = 0');
  const update = writer.prepare(`UPDATE t SET value = ? WHERE id IN (1, ${rows})`);
  const copy = (between: () => void = () => {}): boolean => {
    const descriptors = [path, `${path}-wal`].map((name) => openSync(name, 'r'));
    const [file = -1, log = -1] = descriptors;
    const reader = new Database(path, { readonly: true });
    reader.exec('BEGIN');
    reader.pragma('user_version');
    try {
      const task = { source: byteStringOf(path), folder, copyPath };
      return copyWithLog(file, log, task, (fd, to, bytesMax) => {
        copyDescriptor(fd, to, bytesMax);
        if (fd === file) between();
      });
    } finally {
      reader.close();
      for (const fd of descriptors) closeSync(fd);
    }
  };
  const copied = (): unknown => {
    recoverCopy(copyPath);
    assert.equal(existsSync(`${copyPath}-wal`), false);
    const database = new Database(copyPath);
    try {
      assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
      return database.prepare(`SELECT value FROM t WHERE id IN (1, ${rows}) ORDER BY id`).pluck().all();
    } finally {
      database.close();
      rmSync(copyPath);
    }
  };
  return { writer, set: (value) => void update.run(value), copy, copied, copyPath };
}

test('copyWithLog() takes an empty log for one that adds nothing, also when it grows meanwhile', (context) => {
  const { set, copy, copied } = site(context);
  assert.equal(
    copy(() => set(1)),
    true,
  );
  assert.deepEqual(copied(), [0, 0]);
});

test('copyWithLog() brings in what the log holds, and nothing that is added to it meanwhile', (context) => {
  const { writer, set, copy, copied } = site(context);
  set(1);
  assert.equal(copy(), true);
  assert.deepEqual(copied(), [1, 1]);
  // A checkpoint in between stops at what the reader sees.
  assert.equal(
    copy(() => {
      set(2);
      writer.pragma('wal_checkpoint(PASSIVE)');
    }),
    true,
  );
  assert.deepEqual(copied(), [1, 1]);
});

test('copyWithLog() gives up when the log is begun anew or cut to nothing meanwhile', (context) => {
  const { writer, set, copy, copyPath } = site(context);
  for (const begin of [() => set(2), () => void writer.pragma('wal_checkpoint(TRUNCATE)')]) {
    set(1);
    writer.pragma('wal_checkpoint(FULL)'); // all of it is in the file: the next transaction begins the log anew
    assert.equal(copy(begin), false);
    assert.deepEqual([existsSync(copyPath), existsSync(`${copyPath}-wal`)], [false, false]);
  }
});

test('copyWithLog() leaves a long log, and one that is not the one of that name, to the backup interface', (context) => {
  const { writer, set, copy, copied, copyPath } = site(context);
  set(1);
  assert.equal(copy(), true);
  assert.deepEqual(copied(), [1, 1]);
  writer.exec('UPDATE t SET filler = zeroblob(4001) WHERE id > 1000');
  assert.equal(copy(), false);
  writeFileSync(copyPath, '');
  const [another = -1, file = -1] = [copyPath, writer.name].map((path) => openSync(path, 'r'));
  const task = { source: byteStringOf(writer.name), folder: '', copyPath: `${copyPath}-2` };
  assert.equal(copyWithLog(file, another, task), false);
  assert.equal(existsSync(`${copyPath}-2`), false);
  for (const fd of [another, file]) closeSync(fd);
});

test('capture() of a database with a short log gives what the file will be, byte by byte', async () => {
  await withSandbox(async ({ at, mustCapture }) => {
    createLedger({ path: at('x.db'), journalMode: 'WAL', fillerBytes: 3_000_000 });
    const writer = new Database(at('x.db'));
    try {
      writer.exec('UPDATE account SET balance = balance + 1 WHERE id < 10');
      const { copyPath, method } = await mustCapture('x.db');
      writer.pragma('wal_checkpoint(TRUNCATE)');
      assert.equal(method, 'live');
      // The backup interface changes counters of the first page.
      assert.ok(readFileSync(copyPath).equals(readFileSync(at('x.db'))));
    } finally {
      writer.close();
    }
  });
});
