/** A home of the file era through the built command line and back. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { runCli } from '../helpers/cli.ts';
import { compareFolders } from '../helpers/compare-folders.ts';
import { buildFileEraHome } from '../helpers/homes.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** Left out by default, special files, and companions of databases. */
const notRestored =
  /^(backups|tmp|extensions\/demo\/node_modules|exec-approvals\.sock|workspace\/pipe|agents\/main\/sessions\/s1\.jsonl\.lock)(\/|$)|sqlite-(wal|shm|journal)$/;

function rowsOf(path: string): unknown[] {
  const database = new Database(path);
  try {
    assert.equal(database.pragma('integrity_check', { simple: true }), 'ok', path);
    return database.prepare('SELECT id, text FROM chunks ORDER BY id').all();
  } finally {
    database.close();
  }
}

test('a file-era home is restored file by file from a snapshot and from both layouts of archive', async (context) => {
  const folder = temporaryFolder(context);
  const built = await buildFileEraHome(join(folder, 'home'), 5);
  try {
    const copy = join(folder, 'copy');
    execFileSync('cp', ['-a', built.stateDir, copy]);
    // Opening a database with a hot journal rolls it back: that is done to a copy of the copy.
    const opened = join(folder, 'opened');
    execFileSync('cp', ['-a', copy, opened]);
    const expected = built.databases.map((path) => rowsOf(join(opened, path)));
    assert.ok(expected.every((rows) => rows.length === 3001));

    const created = runCli(['backup', 'create', '--json'], built);
    assert.equal(created.status, 0, created.stderr);
    const { snapshot, stats, skipped, unreadable } = created.json;
    assert.equal(unreadable.length, 0);
    assert.equal(stats.newFiles, stats.files);
    const reasons = new Map(skipped.map((one: { path: string; reason: string }) => [one.path, one.reason]));
    assert.equal(reasons.get('exec-approvals.sock'), 'special');
    assert.equal(reasons.get('workspace/pipe'), 'special');
    assert.equal(reasons.get('tmp'), 'volatile');
    assert.equal(reasons.get('memory/main.sqlite-journal'), 'sidecar');
    assert.equal(reasons.get('extensions/demo/node_modules'), 'rebuildable');

    const check = (target: string, ignoreTimes = false): void => {
      const differences = compareFolders(copy, target, {
        ignore: (path) => notRestored.test(path),
        skipContent: (path) => built.databases.includes(path),
        skipTimes: ignoreTimes,
      }).filter(
        (line) => !/^"(memory|tasks|agents\/main\/sessions|extensions\/demo|workspace|)": time/.test(line),
      );
      assert.deepEqual(differences, []);
      for (const [index, path] of built.databases.entries()) {
        assert.deepEqual(rowsOf(join(target, path)), expected[index]);
        assert.ok(!existsSync(join(target, `${path}-wal`)) && !existsSync(join(target, `${path}-journal`)));
      }
      assert.ok(statSync(join(target, 'workspace/sparse.bin')).blocks * 512 < 1_000_000, 'holes stay holes');
    };
    const restore = runCli(
      ['backup', 'restore', snapshot.id.slice(0, 8), '--target', join(folder, 'one')],
      built,
    );
    assert.equal(restore.status, 0, restore.stderr);
    check(join(folder, 'one'));

    for (const [index, archive] of ['a.tar.gz', 'b.tar.zst', 'c.tar'].entries()) {
      const layout = index === 1 ? 'home' : 'openclaw';
      const path = join(folder, archive);
      const exported = runCli(['backup', 'export', 'latest', path, '--layout', layout], built);
      assert.equal(exported.status, 0, exported.stderr);
      const elsewhere = join(folder, `home-${index}`);
      mkdirSync(elsewhere);
      const moved = runCli(['backup', 'restore', path, '--json'], { home: elsewhere });
      assert.equal(moved.status, 0, moved.stderr);
      check(join(elsewhere, '.openclaw'));
      const again = runCli(['backup', 'list', '--json'], { home: elsewhere });
      assert.equal(
        again.json.snapshots[0].sources[0].root,
        snapshot.sources[0].root,
        'the same tree on any machine',
      );
    }
  } finally {
    await built.close();
  }
});

test('plain tar and zip archives of a home are imported and restored', async (context) => {
  const folder = temporaryFolder(context);
  const built = await buildFileEraHome(join(folder, 'home'), 6);
  await built.close();
  // GNU tar says what it leaves out (sockets); zip cannot hold every name.
  execFileSync('tar', ['-czf', join(folder, 'plain.tar.gz'), '-C', built.home, '.openclaw'], {
    stdio: 'ignore',
  });
  execFileSync(
    'sh',
    ['-c', 'zip -qry ../plain.zip .openclaw -x "*odd*" -x "*pipe" -x "*.sock" -x "*bytes-link"'],
    { cwd: built.home },
  );
  for (const [index, archive] of ['plain.tar.gz', 'plain.zip'].entries()) {
    const home = join(folder, `to-${index}`);
    mkdirSync(home);
    const restored = runCli(['backup', 'restore', join(folder, archive), '--json'], { home });
    assert.equal(restored.status, 0, restored.stderr);
    const differences = compareFolders(built.stateDir, join(home, '.openclaw'), {
      ignore: (path) =>
        /^(backups|exec-approvals\.sock|workspace\/pipe)(\/|$)|sqlite|bytes-link$|odd/.test(path),
      skipTimes: true,
    }).filter((line) => archive.endsWith('gz') || !/hard links/.test(line));
    assert.deepEqual(differences, []);
    assert.equal(rowsOf(join(home, '.openclaw', built.databases[1] ?? '')).length, 3001);
  }
});

test('restore --only takes the components that are named', async (context) => {
  const folder = temporaryFolder(context);
  const built = await buildFileEraHome(join(folder, 'home'), 7);
  await built.close();
  assert.equal(runCli(['backup', 'create'], built).status, 0);
  const target = join(folder, 'part');
  const run = runCli(
    ['backup', 'restore', 'latest', '--only', 'config,workspace', '--target', target],
    built,
  );
  assert.equal(run.status, 0, run.stderr);
  const names = readdirSync(target).sort();
  assert.ok(names.includes('openclaw.json') && names.includes('workspace') && names.includes('.env'));
  assert.ok(!names.includes('credentials') && !names.includes('agents') && !names.includes('logs'));
});
