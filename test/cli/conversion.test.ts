/** `exuvia repository encrypt` and `decrypt`: nothing is lost, also when they are killed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { whyNoTracing } from '../crash/system-calls.ts';
import { type CliRun, launcherPath, runCli } from '../helpers/cli.ts';
import { compareFolders } from '../helpers/compare-folders.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const seed = Number(process.env['EXUVIA_SEED'] ?? 1);

interface Place {
  readonly home: string;
  readonly repository: string;
  /** What each of the two snapshots restored to before. */
  readonly versions: readonly string[];
  readonly run: (...words: string[]) => CliRun;
  readonly withKey: (...words: string[]) => CliRun;
}

function done(run: CliRun): CliRun {
  assert.equal(run.status, 0, run.stderr + run.stdout);
  return run;
}

/** Every kind of content: inline, one blob, chunks, a list of chunks, pages with a layer, holes, a link. */
function buildPlace(context: TestContext): Place {
  const home = temporaryFolder(context);
  const source = join(home, 'source');
  const repository = join(home, 'repository');
  const key = ['--key-file', join(home, 'key')];
  const run = (...words: string[]): CliRun => runCli([...words, '--repository', repository], { home });
  const withKey = (...words: string[]): CliRun => run(...words, ...key);
  const random = new Seeded(7);
  mkdirSync(join(source, 'many'), { recursive: true });
  for (let index = 0; index < 150; index++)
    writeFileSync(join(source, `many/${index}.txt`), random.text(30 + index));
  writeFileSync(join(source, 'chunks.bin'), random.bytes(100_000));
  writeFileSync(
    join(source, 'list.bin'),
    Buffer.concat([random.bytes(700_000), Buffer.alloc(131_072), random.bytes(9)]),
  );
  const database = new Database(join(source, 'pages.sqlite'));
  database.exec('CREATE TABLE t (a, b)');
  const insert = database.prepare('INSERT INTO t VALUES (?, ?)');
  database.transaction(() => {
    for (let row = 0; row < 2000; row++) insert.run(row, random.text(60));
  })();
  const versions = [0, 1].map((version) => {
    if (version === 1) {
      database.exec("UPDATE t SET b = 'another' WHERE a = 700");
      writeFileSync(join(source, 'many/7.txt'), 'changed');
    }
    done(run('backup', 'create', '--source', source, '--tag', `v${version}`));
    const kept = join(home, `version-${version}`);
    done(run('backup', 'restore', 'latest', '--target', kept));
    return kept;
  });
  database.close();
  return { home, repository, versions, run, withKey };
}

function mustHoldAll(place: Place, run: Place['run']): void {
  done(run('backup', 'check', '--read-data'));
  for (const [index, version] of place.versions.entries()) {
    const target = join(place.home, 'target');
    done(run('backup', 'restore', `v${index}`, '--target', target));
    assert.deepEqual(compareFolders(version, target), []);
    rmSync(target, { recursive: true });
  }
}

test('encrypt and decrypt keep every snapshot, and leave nothing of what was before', (context) => {
  const place = buildPlace(context);
  const { repository, run, withKey } = place;
  const [first] = run('backup', 'list', '--json').json.snapshots;
  const plainPacks = readdirSync(join(repository, 'packs'), { recursive: true }).map(String);
  assert.deepEqual(done(withKey('repository', 'encrypt', '--json')).json, {
    repository,
    encrypted: true,
    snapshots: 2,
    resumed: 0,
  });
  assert.equal(run('backup', 'list').status, 12);
  mustHoldAll(place, withKey);
  done(withKey('backup', 'show', first.id.slice(0, 10)));
  const names = readdirSync(repository).sort();
  assert.deepEqual(names, [
    'exuvia-repository.copy.json',
    'exuvia-repository.json',
    'local',
    'packs',
    'snapshots',
  ]);
  for (const pack of readdirSync(join(repository, 'packs'), { recursive: true }))
    assert.equal(String(pack).endsWith('.pack') && plainPacks.includes(String(pack)), false);
  assert.equal(withKey('repository', 'encrypt').status, 2, 'encrypted already');
  // What it holds is stored already, but for the list of a database's pages, which begins anew.
  const { stats } = done(withKey('backup', 'create', '--source', join(place.home, 'source'), '--json')).json;
  assert.ok(stats.addedBytes < 10_000, `${stats.addedBytes} bytes`);
  assert.equal(done(withKey('repository', 'decrypt', '--json')).json.snapshots, 3);
  mustHoldAll(place, run);
  assert.deepEqual(readdirSync(repository).sort(), ['exuvia-repository.json', 'local', 'packs', 'snapshots']);
  done(run('backup', 'show', first.id.slice(0, 10)));
});

test('a damaged repository is not converted, and stays as it is', (context) => {
  const { repository, run, withKey } = buildPlace(context);
  const [folder = ''] = readdirSync(join(repository, 'packs'));
  const [name = ''] = readdirSync(join(repository, 'packs', folder));
  const path = join(repository, 'packs', folder, name);
  const bytes = readFileSync(path);
  for (let at = 1000; at < bytes.length - 5000; at += 50_000) bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const refused = withKey('repository', 'encrypt');
  assert.equal(refused.status, 4);
  assert.match(refused.stderr, /--repair/);
  done(run('backup', 'list'));
});

for (const goal of ['encrypt', 'decrypt'] as const) {
  test(`${goal} killed at any rename: all snapshots are there, and the next run goes on`, (context) => {
    const reason = whyNoTracing();
    if (reason !== undefined) return context.skip(reason);
    const place = buildPlace(context);
    const { home, repository, run, withKey } = place;
    if (goal === 'decrypt') done(withKey('repository', 'encrypt'));
    const kept = join(home, 'kept');
    cpSync(repository, kept, { recursive: true });
    let visited = 0;
    for (let call = 1 + (seed % 3); ; call += 3) {
      rmSync(repository, { recursive: true, force: true });
      cpSync(kept, repository, { recursive: true });
      const inject = `inject=rename,renameat,renameat2:signal=KILL:when=${call}`;
      const words = ['repository', goal, '--repository', repository, '--key-file', join(home, 'key')];
      const killed = spawnSync(
        'strace',
        ['-f', '-qq', '-o', '/dev/null', '-e', inject, process.execPath, launcherPath, ...words],
        { env: { HOME: home, PATH: process.env['PATH'] } },
      );
      if (killed.status === 0) break;
      visited++;
      const isEncrypted = withKey('key', 'list').status === 0;
      mustHoldAll(place, isEncrypted ? withKey : run);
      if (isEncrypted !== (goal === 'encrypt')) done(withKey('repository', goal));
      mustHoldAll(place, goal === 'encrypt' ? withKey : run);
      for (const name of ['converting', 'converted', 'replaced'])
        assert.equal(existsSync(join(repository, name)), false, `${name} is left after call ${call}`);
    }
    assert.ok(visited >= 4, `${visited} calls`);
    context.diagnostic(`${visited} renames`);
  });
}
