import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { byteStringFromBytes } from '../../../src/model/paths.ts';
import { createLedger, databaseProblems } from '../../helpers/sqlite-writer.ts';
import { assertCaptured, differingPages, filesBeside, stateOf, withSandbox } from './sandbox.ts';

const onPosix = { skip: process.platform === 'win32' ? 'Windows has no such names, modes or pipes' : false };

function withDatabase<T>(path: string, work: (db: Database.Database) => T): T {
  const db = new Database(path);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

describe('what is captured', () => {
  test('capture() tells what is not a database', async () => {
    await withSandbox(async ({ at, capture }) => {
      writeFileSync(at('empty.db'), '');
      writeFileSync(at('text.db'), 'not a database at all, but longer than a header would be. '.repeat(20));
      writeFileSync(at('short.db'), 'SQLite format 3\0');
      writeFileSync(
        at('sealed.db'),
        Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8176, 0xa7)]),
      );
      mkdirSync(at('folder.db'));
      for (const name of ['empty.db', 'text.db', 'short.db', 'sealed.db', 'folder.db']) {
        assert.deepEqual(await capture(name), { kind: 'not-a-database' }, name);
      }
    });
  });

  test('capture() does not wait for a writer on a pipe', onPosix, async () => {
    await withSandbox(async ({ at, capture }) => {
      execFileSync('mkfifo', [at('pipe.db')]);
      assert.deepEqual(await capture('pipe.db'), { kind: 'not-a-database' });
    });
  });

  test('capture() fails for good on a file that is gone', async () => {
    await withSandbox(async ({ capture }) => {
      const result = await capture('gone.db');
      assert.ok(result.kind === 'failed' && !result.retryable);
      assert.match(result.reason, /ENOENT/);
    });
  });

  test('capture() fails with the finding of a damaged database', async () => {
    await withSandbox(async ({ at, capture, folder, stagingDir }) => {
      createLedger({ path: at('x.db'), journalMode: 'WAL' });
      const bytes = readFileSync(at('x.db'));
      writeFileSync(at('x.db'), bytes.fill(0x55, 8192, 16_384));
      const before = stateOf(folder);
      const result = await capture('x.db');
      assert.ok(result.kind === 'failed' && !result.retryable, JSON.stringify(result));
      assert.match(result.reason, /it is damaged|malformed/);
      assert.deepEqual(stateOf(folder), before);
      assert.deepEqual(
        readdirSync(stagingDir).flatMap((name) => readdirSync(join(stagingDir, name))),
        [],
      );
    });
  });

  for (const pageSize of [512, 1024, 4096, 8192, 65_536]) {
    for (const journalMode of ['WAL', 'DELETE'] as const) {
      test(`capture() keeps ${pageSize}-byte pages in ${journalMode} mode`, async () => {
        await withSandbox(async ({ at, mustCapture, folder }) => {
          createLedger({ path: at('x.sqlite'), journalMode, pageSize, fillerBytes: 100_000 });
          const before = stateOf(folder);
          const result = await mustCapture('x.sqlite');
          assert.equal(result.pageSize, pageSize);
          assert.equal(result.bytes, statSync(result.copyPath).size);
          assert.deepEqual(readFileSync(result.copyPath), readFileSync(at('x.sqlite')));
          assert.deepEqual(databaseProblems(result.copyPath), []);
          assert.deepEqual(stateOf(folder), before);
        });
      });
    }
  }

  test('capture() reports the user version and the application id', async () => {
    await withSandbox(async ({ at, mustCapture }) => {
      withDatabase(at('x.db'), (db) =>
        db.exec('PRAGMA user_version = 37; PRAGMA application_id = -5; CREATE TABLE t (a)'),
      );
      const { userVersion, applicationId, check, note } = await mustCapture('x.db');
      assert.deepEqual(
        { userVersion, applicationId, check, note },
        { userVersion: 37, applicationId: -5, check: 'ok', note: undefined },
      );
    });
  });

  test('capture() keeps a database with incremental vacuum and free pages page for page', async () => {
    await withSandbox(async ({ at, mustCapture }) => {
      const db = new Database(at('x.db'));
      db.exec('PRAGMA auto_vacuum = 2; PRAGMA journal_mode = WAL; CREATE TABLE t (a)');
      db.exec(
        `INSERT INTO t SELECT randomblob(3000) FROM generate_series(1, 200)`.replace(
          'generate_series(1, 200)',
          '(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i FROM n)',
        ),
      );
      db.exec('DELETE FROM t WHERE rowid % 2; PRAGMA incremental_vacuum(10)');
      const { copyPath } = await mustCapture('x.db');
      for (const pragma of ['auto_vacuum', 'freelist_count', 'page_count']) {
        const found = withDatabase(copyPath, (copy) => copy.pragma(pragma, { simple: true }));
        assert.equal(found, db.pragma(pragma, { simple: true }), pragma);
      }
      db.close(); // brings the log into the file
      assert.ok(differingPages(readFileSync(copyPath), readFileSync(at('x.db')), 4096) <= 1);
    });
  });

  test('capture() of a database before and after three updates differs in a few pages', async () => {
    await withSandbox(async ({ at, mustCapture }) => {
      createLedger({ path: at('x.db'), journalMode: 'WAL', fillerBytes: 2_000_000 });
      const db = new Database(at('x.db'));
      db.exec('UPDATE counter SET entries = entries'); // the log is there from now on
      const first = readFileSync((await mustCapture('x.db')).copyPath);
      for (const id of [1, 250, 500]) db.prepare('UPDATE account SET balance = balance WHERE id = ?').run(id);
      db.prepare('UPDATE filler SET bytes = randomblob(8000) WHERE id = 100').run();
      const second = readFileSync((await mustCapture('x.db')).copyPath);
      db.close();
      const count = differingPages(first, second, 4096);
      assert.ok(count >= 2 && count <= 6, `${count} of ${second.length / 4096} pages differ`);
    });
  });

  const foreign: Record<string, (db: Database.Database) => void> = {
    'a virtual table of an unknown module': (db) => {
      const table = { columns: ['a'], *rows() {} };
      db.table('vec0', (() => table) as unknown as Parameters<typeof db.table>[1]);
      db.exec('CREATE VIRTUAL TABLE v USING vec0(a)');
    },
    'an index on an unknown function': (db) => {
      db.function('embed', { deterministic: true }, (value) => value);
      db.exec('CREATE INDEX by_embed ON t (embed(a))');
    },
    'an unknown collation': (db) => {
      db.unsafeMode();
      db.exec(
        "CREATE TABLE c (a TEXT COLLATE nocase); CREATE INDEX by_a ON c (a); INSERT INTO c VALUES ('b');",
      );
      db.exec("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'nocase', 'icu_de')");
    },
    'an unknown tokenizer': (db) => {
      db.unsafeMode();
      db.exec("CREATE VIRTUAL TABLE f USING fts5(a, tokenize = 'ascii'); INSERT INTO f VALUES ('words')");
      db.exec(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '''ascii''', '''snowball''')",
      );
    },
    'syntax of the future': (db) => {
      db.unsafeMode();
      db.exec(
        "CREATE VIEW w AS SELECT 1; PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE VIEW w AS PRODUCE 1' WHERE name = 'w'",
      );
    },
  };
  for (const [what, make] of Object.entries(foreign)) {
    test(`capture() takes a database with ${what}`, async (context) => {
      await withSandbox(async ({ at, mustCapture }) => {
        withDatabase(at('x.db'), (db) => {
          db.exec('CREATE TABLE t (a); INSERT INTO t VALUES (41)');
          make(db);
        });
        const { check, note, copyPath, method } = await mustCapture('x.db');
        context.diagnostic(`${check}: ${note}`);
        assert.equal(method, 'live');
        assert.deepEqual(readFileSync(copyPath), readFileSync(at('x.db')));
      });
    });
  }

  test('capture() says when a database has another name', async () => {
    await withSandbox(async ({ at, mustCapture }) => {
      createLedger({ path: at('x.db'), journalMode: 'DELETE' });
      linkSync(at('x.db'), at('y.db'));
      assert.match((await mustCapture('x.db')).note ?? '', /2 names/);
    });
  });
});

describe('how names reach SQLite', onPosix, () => {
  const names = {
    'bytes that are not UTF-8': Buffer.from([0x61, 0xff, 0xfe, 0x2e, 0x64, 0x62]),
    'a space and a newline at the end': Buffer.from('x.db \n'),
    'newlines and quotes': Buffer.from('a\nb"\'c.db'),
    '251 bytes, which leave no room for a journal': Buffer.from(`${'n'.repeat(248)}.db`),
    'the name of a memory database': Buffer.from(':memory:'),
  };
  for (const [what, name] of Object.entries(names)) {
    test(`capture() takes ${what}`, async () => {
      await withSandbox(async ({ at, captures, folder, stagingDir }) => {
        const path = Buffer.concat([Buffer.from(`${folder}/`), name]);
        const db = new Database(at('source.db'));
        db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (41)');
        // As after a crash: the row is in the log only, and the log must be found by the strange name.
        for (const suffix of ['', '-wal', '-shm']) {
          writeFileSync(Buffer.concat([path, Buffer.from(suffix)]), readFileSync(at(`source.db${suffix}`)));
        }
        db.close();
        const result = assertCaptured(await captures.capture(byteStringFromBytes(path), stagingDir));
        assert.equal(result.method, 'live');
        assert.equal(
          withDatabase(result.copyPath, (copy) => copy.prepare('SELECT a FROM t').pluck().get()),
          41,
        );
      });
    });
  }

  test('capture() takes a name of 255 bytes', async () => {
    await withSandbox(async ({ at, mustCapture }) => {
      const name = `${'n'.repeat(252)}.db`;
      createLedger({ path: at('x.db'), journalMode: 'DELETE' });
      renameSync(at('x.db'), at(name));
      assert.deepEqual(databaseProblems((await mustCapture(name)).copyPath), []);
    });
  });

  test('capture() takes a path that is too long for SQLite', async () => {
    await withSandbox(async ({ at, mustCapture }) => {
      createLedger({ path: at('x.db'), journalMode: 'DELETE' });
      const parts = [1, 2, 3].map(() => 'p'.repeat(200));
      mkdirSync(at(join(...parts)), { recursive: true });
      renameSync(at('x.db'), at(join(...parts, 'x.db')));
      const result = await mustCapture(join(...parts, 'x.db'));
      assert.equal(result.method, 'staged');
      assert.deepEqual(databaseProblems(result.copyPath), []);
    });
  });
});

describe('where copies are', () => {
  test('capture() makes copies that only their owner can read', onPosix, async () => {
    await withSandbox(async ({ at, mustCapture, stagingDir }) => {
      for (const journalMode of ['WAL', 'DELETE'] as const) {
        createLedger({ path: at(journalMode), journalMode });
        const { copyPath } = await mustCapture(journalMode);
        assert.equal(statSync(copyPath).mode & 0o777, 0o600);
        assert.equal(statSync(join(copyPath, '..')).mode & 0o777, 0o700);
      }
      assert.equal(statSync(stagingDir).mode & 0o777, 0o700);
    });
  });

  test('capture() leaves one file, and removes it at the next capture', async () => {
    await withSandbox(async ({ at, mustCapture, stagingDir }) => {
      createLedger({ path: at('x.db'), journalMode: 'WAL' });
      const first = await mustCapture('x.db');
      assert.deepEqual(filesBeside(first.copyPath), ['copy-0.sqlite']);
      const second = await mustCapture('x.db');
      assert.equal(readdirSync(stagingDir).length, 1);
      assert.deepEqual(filesBeside(second.copyPath), ['copy-0.sqlite']);
    });
  });
});
