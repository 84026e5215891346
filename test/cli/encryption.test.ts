/** Encrypted repositories on the command line: every command, wrong keys, and what can be learnt from the folder without a key. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { type CliRun, runCli } from '../helpers/cli.ts';
import { compareFolders } from '../helpers/compare-folders.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

interface Place {
  readonly home: string;
  readonly source: string;
  readonly repository: string;
  /** Runs a command on the repository, with its key. */
  readonly run: (...words: string[]) => CliRun;
}

function buildSource(folder: string): string {
  const random = new Seeded(5);
  mkdirSync(join(folder, 'folder-with-a-rare-name'), { recursive: true });
  for (let index = 0; index < 30; index++)
    writeFileSync(join(folder, `folder-with-a-rare-name/rarely-${index}.md`), random.text(300 + index * 97));
  writeFileSync(join(folder, 'tiny-and-inline.txt'), 'inlined-secret-content');
  writeFileSync(join(folder, 'large-and-cut.bin'), random.bytes(400_000));
  const database = new Database(join(folder, 'memory-database.sqlite'));
  database.exec('CREATE TABLE rare_table (rareid, raretext)');
  for (let row = 0; row < 60; row++)
    database
      .prepare('INSERT INTO rare_table (raretext) VALUES (?)')
      .run(`rare row ${row} ${random.text(40)}`);
  database.close();
  return folder;
}

function buildPlace(context: TestContext): Place {
  const home = temporaryFolder(context);
  const source = buildSource(join(home, 'source-of-a-rare-name'));
  const repository = join(home, 'repository');
  const run = (...words: string[]): CliRun =>
    runCli([...words, '--repository', repository, '--key-file', join(home, 'key')], { home });
  return { home, source, repository, run };
}

function done(run: CliRun): CliRun {
  assert.equal(run.status, 0, run.stderr + run.stdout);
  return run;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('every command works on an encrypted repository, and says exit 12 without its key', (context) => {
  const { home, source, repository, run } = buildPlace(context);
  const first = done(run('backup', 'create', '--encrypt', '--source', source, '--tag', 'rare-tag'));
  assert.match(first.stderr, /keep a copy/);
  assert.equal(statSync(join(home, 'key')).mode & 0o777, 0o600);
  writeFileSync(join(source, 'folder-with-a-rare-name/rarely-3.md'), 'changed words\n');
  rmSync(join(source, 'folder-with-a-rare-name/rarely-4.md'));
  done(run('backup', 'create', '--source', source));
  assert.equal(done(run('backup', 'list', '--json')).json.snapshots.length, 2);
  const diff = done(run('backup', 'diff', 'latest~1', 'latest', '--content', '--json')).json;
  assert.deepEqual(diff.changes.map((entry: { change: string }) => entry.change).sort(), [
    'changed',
    'removed',
  ]);
  assert.deepEqual(done(run('backup', 'diff', 'latest', source, '--json')).json.changes, []);
  assert.equal(
    done(run('backup', 'cat', 'latest', 'folder-with-a-rare-name/rarely-3.md')).stdout,
    'changed words\n',
  );
  assert.match(done(run('backup', 'grep', 'changed words')).stdout, /rarely-3/);
  done(run('backup', 'ls', 'latest'));
  done(run('backup', 'log', 'tiny-and-inline.txt'));
  done(run('backup', 'tag', 'latest~1', '--add', 'good'));
  done(run('backup', 'verify', 'latest'));
  done(run('backup', 'export', 'latest', join(home, 'plain.tar.gz')));
  assert.deepEqual(
    done(run('backup', 'diff', 'latest', join(home, 'plain.tar.gz'), '--json')).json.changes,
    [],
  );
  done(run('backup', 'import', join(home, 'plain.tar.gz')));
  done(run('backup', 'purge', 'folder-with-a-rare-name/rarely-9.md'));
  done(run('backup', 'forget', '--keep-last', '3'));
  done(run('backup', 'rebuild-index'));
  done(run('backup', 'check', '--read-data'));
  done(run('backup', 'prune', '--max-unused', '0'));
  done(run('backup', 'check', '--read-data'));
  done(run('backup', 'stats'));
  const target = join(home, 'restored');
  rmSync(join(source, 'folder-with-a-rare-name/rarely-9.md'));
  const created = done(run('backup', 'create', '--source', source, '--json')).json;
  done(run('backup', 'restore', created.snapshot.id, '--target', target));
  assert.deepEqual(compareFolders(source, target), []);
  const again = done(
    run('backup', 'restore', created.snapshot.id, '--target', target, '--conflict', 'overwrite'),
  );
  assert.match(again.stdout, /: 0 new, 0 replaced/);
  assert.match(run('doctor').stdout, /repository +ok/);

  const without = runCli(['backup', 'list', '--repository', repository, '--json'], { home });
  assert.equal(without.status, 12);
  assert.match(without.stderr, /encrypted, and no key was given\nGive --passphrase-file/);
  assert.equal(without.json.error.code, 'ERR_WRONG_KEY');
  const words = ['backup', 'list', '--repository', repository];
  writeFileSync(join(home, 'no-key'), 'not a key\n');
  const wrong = runCli([...words, '--key-file', join(home, 'no-key')], { home });
  assert.equal(wrong.status, 12);
  assert.match(wrong.stderr, /There is no key in/);
  assert.equal(runCli(words, { home, env: { EXUVIA_PASSPHRASE: 'x' } }).status, 12);
});

test('a passphrase opens it: from a file, a command, the environment; a wrong one gets exit 12', (context) => {
  const { home, source, repository } = buildPlace(context);
  writeFileSync(join(home, 'passphrase'), 'correct horse\nbattery\n');
  const words = ['--repository', repository];
  const file = ['--passphrase-file', join(home, 'passphrase')];
  done(runCli(['backup', 'create', '--encrypt', '--source', source, ...words, ...file], { home }));
  const command = ['--passphrase-command', `head -1 ${join(home, 'passphrase')}`];
  done(runCli(['backup', 'list', ...words, ...command], { home }));
  done(runCli(['backup', 'list', ...words], { home, env: { EXUVIA_PASSPHRASE: 'correct horse' } }));
  const wrong = runCli(['backup', 'list', ...words], { home, env: { EXUVIA_PASSPHRASE: 'Correct horse' } });
  assert.equal(wrong.status, 12);
  assert.match(wrong.stderr, /the passphrase is wrong/);
  const both = runCli(['backup', 'list', ...words, ...file, ...command], { home });
  assert.equal(both.status, 2);
  const failing = runCli(['backup', 'list', ...words, '--passphrase-command', 'exit 3'], { home });
  assert.equal(failing.status, 12);
  assert.match(failing.stderr, /exit code 3/);
});

test('nothing of the source is found in the repository folder, local/ included', (context) => {
  const { home, source, repository, run } = buildPlace(context);
  done(run('backup', 'create', '--encrypt', '--source', source, '--tag', 'rare-tag', '-m', 'a rare message'));
  writeFileSync(join(source, 'folder-with-a-rare-name/rarely-3.md'), 'changed words that are rare\n');
  done(run('backup', 'create', '--source', source));
  done(run('backup', 'tag', 'latest', '--add', 'rarest'));
  done(run('backup', 'purge', 'folder-with-a-rare-name/rarely-5.md'));
  done(run('backup', 'prune', '--max-unused', '0'));
  const stored = Buffer.concat(filesBelow(repository).map((path) => readFileSync(path)));
  const names = ['rare', 'rarely', 'inlined', 'large-and-cut', 'memory-database', source, home];
  for (const name of names) assert.equal(stored.includes(name), false, `${name} is found in the repository`);
  const pieces = filesBelow(source).flatMap((path) => piecesOf(readFileSync(path)));
  // The index is a database too, and begins like one.
  const windows = windowsOf(stored);
  assert.ok(pieces.length > 20_000);
  for (const piece of pieces.filter((piece) => piece !== sqliteMagic))
    assert.equal(windows.has(piece), false, `${Buffer.from(piece, 'hex')} is found`);
});

const sqliteMagic = Buffer.from('SQLite format 3\0').toString('hex');

/** Every 16 bytes at a multiple of 16, but for those that are the same byte over and over. */
function piecesOf(bytes: Buffer): string[] {
  const pieces: string[] = [];
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    const piece = bytes.subarray(at, at + 16);
    if (new Set(piece).size > 2) pieces.push(piece.toString('hex'));
  }
  return pieces;
}

function windowsOf(bytes: Buffer): Set<string> {
  const windows = new Set<string>();
  for (let at = 0; at + 16 <= bytes.length; at++) windows.add(bytes.toString('hex', at, at + 16));
  return windows;
}

test('an unencrypted repository in the place of an encrypted one is not written to', (context) => {
  const { home, source, repository, run } = buildPlace(context);
  done(run('backup', 'create', '--encrypt', '--source', source));
  const plain = join(home, 'plain');
  done(runCli(['backup', 'create', '--source', source, '--repository', plain], { home }));
  const name = 'exuvia-repository.json';
  for (const folder of ['packs', 'snapshots']) {
    rmSync(join(repository, folder), { recursive: true });
    cpSync(join(plain, folder), join(repository, folder), { recursive: true });
  }
  rmSync(join(repository, 'exuvia-repository.copy.json'));
  cpSync(join(plain, name), join(repository, name));
  const keyed = run('backup', 'create', '--source', source);
  assert.equal(keyed.status, 2);
  assert.match(keyed.stderr, /is not encrypted/);
  const unkeyed = runCli(['backup', 'create', '--source', source, '--repository', repository], { home });
  assert.equal(unkeyed.status, 4);
  assert.match(unkeyed.stderr, /was encrypted, and what is there now is not/);
});

test('without exuvia-repository.json the copy counts; without both nothing is made over the packs', (context) => {
  const { source, repository, run } = buildPlace(context);
  done(run('backup', 'create', '--encrypt', '--source', source));
  rmSync(join(repository, 'exuvia-repository.json'));
  done(run('backup', 'list'));
  const checked = run('backup', 'check');
  assert.equal(checked.status, 4);
  assert.match(checked.stdout, /exuvia-repository.json/);
  done(run('backup', 'check', '--repair'));
  done(run('backup', 'check', '--read-data'));
  rmSync(join(repository, 'exuvia-repository.json'));
  rmSync(join(repository, 'exuvia-repository.copy.json'));
  const refused = run('backup', 'create', '--source', source);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /packs of an encrypted one, whose exuvia-repository.json is gone/);
});

test('the settings encrypt what is made, and say where the key is', (context) => {
  const home = temporaryFolder(context);
  const state = join(home, '.openclaw');
  mkdirSync(state);
  writeFileSync(join(state, 'openclaw.json'), '{ "gateway": {} }');
  writeFileSync(join(state, 'exuvia.json5'), '{ backup: { encryption: { keyFile: "~/keys/backup.key" } } }');
  mkdirSync(join(home, 'keys'));
  done(runCli(['backup', 'create'], { home }));
  const parameters = readFileSync(join(state, 'backups/exuvia-repository.json'), 'utf8');
  assert.match(parameters, /"requiredFeatures": \[\s+"encryption"/);
  done(runCli(['backup', 'list'], { home }));
  done(runCli(['schedule', 'run', '--once'], { home }));
  assert.equal(existsSync(join(home, 'keys/backup.key')), true);
  const plain = join(home, 'plain');
  spawnSync('mkdir', ['-p', plain]);
  writeFileSync(join(state, 'exuvia.json5'), '{ backup: { encryption: false } }');
  done(runCli(['backup', 'create', '--repository', plain], { home }));
  writeFileSync(join(state, 'exuvia.json5'), '{ backup: { encryption: true } }');
  const refused = runCli(['backup', 'create', '--repository', plain], { home });
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /is not encrypted/);
});

test('an older state that is put back is told: the whole, and a snapshot that was forgotten', (context) => {
  const { home, source, repository, run } = buildPlace(context);
  done(run('backup', 'create', '--encrypt', '--source', source));
  const outside = ['packs', 'snapshots', 'exuvia-repository.json', 'exuvia-repository.copy.json'];
  const copy = join(home, 'older');
  for (const name of outside) cpSync(join(repository, name), join(copy, name), { recursive: true });
  writeFileSync(join(source, 'large-and-cut.bin'), new Seeded(99).bytes(300_000));
  done(run('backup', 'create', '--source', source));

  // A forgotten snapshot whose data has been pruned comes back alone.
  const [first] = run('backup', 'list', '--json').json.snapshots;
  done(run('backup', 'forget', first.id));
  done(run('backup', 'prune', '--max-unused', '0'));
  done(run('backup', 'check'));
  cpSync(join(copy, 'snapshots'), join(repository, 'snapshots'), { recursive: true });
  assert.equal(run('backup', 'check').status, 4);
  const target = join(home, 'target');
  assert.notEqual(run('backup', 'restore', first.id, '--target', target).status, 0);
  done(run('backup', 'forget', first.id));

  // The whole repository as it was, without the newest snapshot.
  for (const name of outside) rmSync(join(repository, name), { recursive: true });
  for (const name of outside) cpSync(join(copy, name), join(repository, name), { recursive: true });
  const replayed = run('backup', 'check');
  assert.equal(replayed.status, 4);
  assert.match(replayed.stdout, /snapshot/);
});
