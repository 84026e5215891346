/** `exuvia key`, judged with the `age` program where it is there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { type CliRun, runCli } from '../helpers/cli.ts';
import { compareFolders } from '../helpers/compare-folders.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

interface Place {
  readonly home: string;
  readonly run: (...words: string[]) => CliRun;
  readonly file: (name: string) => string;
}

function buildPlace(context: TestContext, env: Record<string, string> = {}): Place {
  const home = temporaryFolder(context);
  mkdirSync(join(home, 'source'));
  writeFileSync(join(home, 'source/a'), 'hello');
  const repository = join(home, 'repository');
  const run = (...words: string[]): CliRun => runCli([...words, '--repository', repository], { home, env });
  const file = (name: string): string => join(home, name);
  done(run('backup', 'create', '--encrypt', '--key-file', file('k1'), '--source', file('source')));
  return { home, run, file };
}

function done(run: CliRun): CliRun {
  assert.equal(run.status, 0, run.stderr + run.stdout);
  return run;
}

test('keys are added, changed and removed, and never the last one', (context) => {
  const { run, file } = buildPlace(context);
  const first = run('key', 'list', '--json').json.keys[0].id;
  done(run('key', 'add', '--key-file', file('k1'), '--new-key-file', file('k2'), '--label', 'second'));
  done(run('backup', 'list', '--key-file', file('k2')));
  done(run('key', 'change', 'second', '--key-file', file('k1'), '--new-key-file', file('k3')));
  assert.equal(run('backup', 'list', '--key-file', file('k2')).status, 12);
  done(run('key', 'remove', first, '--key-file', file('k3')));
  assert.equal(run('backup', 'list', '--key-file', file('k1')).status, 12);
  const last = run('key', 'remove', 'second', '--key-file', file('k3'));
  assert.equal(last.status, 1);
  assert.match(last.stderr, /is the last one/);
  assert.equal(run('key', 'remove', 'nobody', '--key-file', file('k3')).status, 2);
  done(run('backup', 'check', '--read-data', '--key-file', file('k3')));
});

test('an exported master key opens the repository when its key is gone', (context) => {
  const { run, file } = buildPlace(context);
  done(run('key', 'export', file('master'), '--key-file', file('k1')));
  assert.equal(statSync(file('master')).mode & 0o777, 0o600);
  assert.equal(run('key', 'export', file('master'), '--key-file', file('k1')).status, 1, 'never over a file');
  done(run('key', 'change', '--key-file', file('k1'), '--new-key-file', file('k2')));
  done(run('backup', 'check', '--read-data', '--key-file', file('master')));
  const text = readFileSync(file('master'), 'utf8');
  writeFileSync(
    file('wrong'),
    text.replace(/-1-(.)/, (_, digit) => `-1-${digit === 'A' ? 'B' : 'A'}`),
  );
  const wrong = run('backup', 'list', '--key-file', file('wrong'));
  assert.equal(wrong.status, 12);
  assert.match(wrong.stderr, /has a mistake in it/);
});

test('a recipient of age opens it with an identity, and age itself opens the slot', (context) => {
  if (spawnSync('age-keygen', ['--version']).status !== 0) return context.skip('needs age');
  const { run, file } = buildPlace(context);
  spawnSync('age-keygen', ['-o', file('identity')]);
  const recipient = spawnSync('age-keygen', ['-y', file('identity')], { encoding: 'utf8' }).stdout.trim();
  const added = done(run('key', 'add', '--key-file', file('k1'), '--recipient', recipient, '--json')).json
    .added;
  assert.equal(added.recipient, recipient);
  done(run('backup', 'check', '--read-data', '--key-file', file('identity')));
  const { keySlots } = JSON.parse(readFileSync(join(file('repository'), 'exuvia-repository.json'), 'utf8'));
  const slot = keySlots.find(({ id }: { id: string }) => id === added.id);
  const opened = spawnSync('age', ['-d', '-i', file('identity')], {
    input: Buffer.from(slot.wrapped, 'base64'),
  });
  done(run('key', 'export', file('master'), '--key-file', file('k1')));
  assert.match(readFileSync(file('master'), 'utf8'), new RegExp(opened.stdout.toString('hex').toUpperCase()));
  assert.equal(run('key', 'add', '--key-file', file('k1'), '--recipient', 'age1nobody').status, 2);
});

test('a key is kept unlocked for a while, 0600, and forgotten', (context) => {
  const runtime = temporaryFolder(context);
  const { run, file } = buildPlace(context, { XDG_RUNTIME_DIR: runtime });
  const { path } = done(run('key', 'unlock', '--for', '1h', '--key-file', file('k1'), '--json')).json;
  assert.ok(path.startsWith(runtime));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  done(run('backup', 'create', '--source', file('source')));
  done(run('key', 'lock'));
  assert.equal(run('backup', 'list').status, 12);
  done(run('key', 'unlock', '--key-file', file('k1')));
  const kept = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...kept, expires: Date.now() - 1 }));
  assert.equal(run('backup', 'list').status, 12, 'its time is over');
  done(run('key', 'unlock', '--in-repository', '--key-file', file('k1')));
  done(run('backup', 'list'));
  assert.equal(run('key', 'unlock', '--for', '3y', '--key-file', file('k1')).status, 2);
});

test('a key that only adds: snapshots are made with it and cannot be read with it', (context) => {
  const { run, file } = buildPlace(context);
  const random = new Seeded(9);
  writeFileSync(file('source/large'), random.bytes(300_000));
  const database = new Database(file('source/db.sqlite'));
  database.exec('CREATE TABLE t (a, b)');
  for (let row = 0; row < 50; row++)
    database.prepare('INSERT INTO t VALUES (?, ?)').run(row, random.text(50));
  done(
    run(
      'key',
      'add',
      '--key-file',
      file('k1'),
      '--new-key-file',
      file('add'),
      '--add-only',
      '--label',
      'server',
    ),
  );
  const add = ['--key-file', file('add')];
  const create = ['backup', 'create', '--source', file('source'), '--json'];
  const first = done(run(...create, ...add)).json;
  assert.ok(first.stats.addedBytes > 300_000);
  database.exec("UPDATE t SET b = 'changed' WHERE a = 7");
  database.close();
  const second = done(run(...create, ...add)).json;
  assert.ok(second.stats.addedBytes < 20_000, 'what is stored is known by its keyed id');
  rmSync(file('repository/local'), { recursive: true });
  assert.ok(done(run(...create, ...add)).json.stats.addedBytes < 20_000, 'also without an index');
  for (const words of [
    ['list'],
    ['cat', 'latest', 'a'],
    ['check'],
    ['prune'],
    ['forget', '--keep-last', '1'],
  ]) {
    const refused = run('backup', ...words, ...add);
    assert.equal(refused.status, 12, words.join(' '));
    assert.match(refused.stderr, /adds snapshots and cannot read them/);
  }
  assert.equal(run('key', 'export', file('m'), ...add).status, 2);
  assert.equal(run('key', 'add', '--new-key-file', file('k9'), ...add).status, 2);
  const key = ['--key-file', file('k1')];
  const sequences = done(run('backup', 'list', '--json', ...key)).json.snapshots.map(
    (snapshot: { sequence: number }) => snapshot.sequence,
  );
  assert.deepEqual(sequences, [1, 2, 3, 4]);
  done(run('backup', 'check', '--read-data', ...key));
  done(run('backup', 'restore', second.snapshot.id, '--target', file('target'), ...key));
  assert.deepEqual(compareFolders(file('source'), file('target')), []);
  const last = run('key', 'remove', run('key', 'list', '--json').json.keys[0].id, ...key);
  assert.equal(last.status, 1, 'the last key that reads');
});
