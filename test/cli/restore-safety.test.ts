/** Ways in which a restore could lose what is there, write where it must not, or say that it did what it did not. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { runCli } from '../helpers/cli.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

class Home {
  readonly home: string;
  readonly state: string;

  constructor(context: TestContext) {
    this.home = temporaryFolder(context);
    this.state = join(this.home, '.openclaw');
    this.put('.openclaw/openclaw.json', '{}');
    this.put('.openclaw/workspace/MEMORY.md', 'first');
  }

  put(path: string, content: string): void {
    mkdirSync(dirname(join(this.home, path)), { recursive: true });
    writeFileSync(join(this.home, path), content);
  }

  read(path: string): string {
    return readFileSync(join(this.home, path), 'utf8');
  }

  run(...words: string[]) {
    return runCli(words, { home: this.home });
  }

  must(...words: string[]) {
    const run = this.run(...words);
    assert.equal(run.status, 0, `${words.join(' ')}\n${run.stderr}${run.stdout}`);
    return run;
  }
}

test('a file that only looks unchanged is restored, and a database whose changes wait in its log', (context) => {
  const home = new Home(context);
  const path = join(home.state, 'workspace/MEMORY.md');
  utimesSync(path, 1_700_000_000, 1_700_000_000);
  mkdirSync(join(home.state, 'state'));
  const databasePath = join(home.state, 'state/openclaw.sqlite');
  const database = new Database(databasePath);
  database.pragma('journal_mode = WAL');
  database.pragma('wal_autocheckpoint = 0');
  database.exec("CREATE TABLE t (v); INSERT INTO t VALUES ('v1'); PRAGMA wal_checkpoint(TRUNCATE)");
  const ids = ['v2', 'v3'].map((value) => {
    database.prepare('UPDATE t SET v = ?').run(value);
    return home.must('backup', 'create', '--json').json.snapshot.id;
  });
  database.close();
  writeFileSync(path, 'FIRST');
  utimesSync(path, 1_700_000_000, 1_700_000_000);
  for (const [index, value] of [
    [0, 'v2'],
    [1, 'v3'],
    [0, 'v2'],
  ] as const) {
    home.must('backup', 'restore', ids[index] ?? '');
    const restored = new Database(databasePath, { readonly: true });
    assert.equal(restored.prepare('SELECT v FROM t').pluck().get(), value);
    restored.close();
  }
  assert.equal(home.read('.openclaw/workspace/MEMORY.md'), 'first');
});

test('a state directory that is a link stays one, and its repository stays where it is', (context) => {
  const home = new Home(context);
  const real = join(home.home, 'data/oc');
  mkdirSync(dirname(real));
  execFileSync('mv', [home.state, real]);
  symlinkSync(real, home.state);
  home.must('backup', 'create');
  home.put('.openclaw/workspace/MEMORY.md', 'changed');
  home.must('backup', 'restore', 'latest');
  assert.ok(lstatSync(home.state).isSymbolicLink());
  assert.equal(readFileSync(join(real, 'workspace/MEMORY.md'), 'utf8'), 'first');
  assert.equal(home.must('backup', 'list', '--json').json.snapshots.length, 2);
});

test('latest means what was backed up, not what was taken before a restore', (context) => {
  const home = new Home(context);
  const { id } = home.must('backup', 'create', '--json').json.snapshot;
  home.put('.openclaw/workspace/MEMORY.md', 'broken');
  for (let round = 0; round < 3; round++) {
    assert.equal(home.must('backup', 'restore', 'latest', '--json').json.snapshot, id);
    assert.equal(home.read('.openclaw/workspace/MEMORY.md'), 'first');
  }
});

test('--delete removes nothing that the snapshot could not read or was not asked for', (context) => {
  if (process.getuid?.() !== 0) return context.skip('needs to become somebody else');
  const home = new Home(context);
  spawnSync('chown', ['-R', '65534:65534', home.home]);
  const asNobody = (...words: string[]) =>
    spawnSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, 'dist/launcher.cjs', ...words],
      {
        env: { PATH: process.env['PATH'], HOME: home.home },
        encoding: 'utf8',
      },
    );
  home.put('s/a', 'a');
  home.put('s/key', 'precious');
  home.put('s/closed/inside', 'precious');
  spawnSync('chown', ['-R', '65534:65534', join(home.home, 's')]);
  chmodSync(join(home.home, 's/key'), 0);
  chmodSync(join(home.home, 's/closed'), 0);
  const source = join(home.home, 's');
  assert.equal(asNobody('backup', 'create', '--source', source).status, 3);
  chmodSync(join(home.home, 's/closed'), 0o700);
  const { status, stderr } = asNobody('backup', 'restore', 'latest', '--delete');
  assert.ok(status === 0 || status === 3, stderr);
  assert.equal(home.read('s/key'), 'precious');
  assert.equal(home.read('s/closed/inside'), 'precious');
});

test('a file that cannot be saved first is not written over, unless forced', (context) => {
  if (process.getuid?.() !== 0) return context.skip('needs to become somebody else');
  const home = new Home(context);
  home.put('s/open', 'old');
  home.put('s/closed', 'old');
  spawnSync('chown', ['-R', '65534:65534', home.home]);
  const asNobody = (...words: string[]) =>
    spawnSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, 'dist/launcher.cjs', ...words],
      { env: { PATH: process.env['PATH'], HOME: home.home }, encoding: 'utf8' },
    );
  assert.equal(asNobody('backup', 'create', '--source', join(home.home, 's')).status, 0);
  for (const name of ['open', 'closed']) writeFileSync(join(home.home, 's', name), 'newer');
  chmodSync(join(home.home, 's/closed'), 0);
  const refused = asNobody('backup', 'restore', 'latest');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /Cannot save what would be replaced: closed cannot be read/);
  assert.deepEqual([home.read('s/open'), home.read('s/closed')], ['newer', 'newer']);
  assert.equal(asNobody('backup', 'restore', 'latest', '--path', 'open').status, 0);
  assert.equal(asNobody('backup', 'restore', 'latest', '--force').status, 0);
  assert.deepEqual([home.read('s/open'), home.read('s/closed')], ['old', 'old']);
});

test('a damaged database is saved as the file it is, and restored over', (context) => {
  const home = new Home(context);
  mkdirSync(join(home.home, 's'));
  const path = join(home.home, 's/a.sqlite');
  const database = new Database(path);
  database.exec(
    'CREATE TABLE t (v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) INSERT INTO t SELECT i FROM n',
  );
  database.close();
  home.must('backup', 'create', '--source', join(home.home, 's'));
  const sound = readFileSync(path);
  const broken = Buffer.from(sound).fill(0xff, 4096, 12_288);
  writeFileSync(path, broken);
  home.must('backup', 'restore', 'latest');
  assert.deepEqual(readFileSync(path), sound);
  home.must('backup', 'restore', '--undo');
  assert.deepEqual(readFileSync(path), broken);
});

test('--delete after --include removes only what that would have taken, and no live log of a database', (context) => {
  const home = new Home(context);
  for (const name of ['a.md', 'b.txt', 'project', 'project-shm']) home.put(`s/${name}`, name);
  const database = new Database(join(home.home, 's/x.sqlite'));
  database.pragma('journal_mode = WAL');
  database.exec('CREATE TABLE t (v)');
  const source = join(home.home, 's');
  home.must('backup', 'create', '--source', source, '--include', '*.md');
  home.put('s/c.md', 'new');
  home.must('backup', 'restore', 'latest', '--delete');
  assert.deepEqual(
    readdirSync(source).filter((name) => !name.startsWith('x.sqlite')),
    ['a.md', 'b.txt', 'project', 'project-shm'],
  );
  home.must('backup', 'create', '--source', source, '--tag', 'all');
  assert.ok(
    home.must('backup', 'ls', 'all').stdout.includes('project-shm'),
    'a file that is no sidecar is backed up',
  );
  database.exec('INSERT INTO t VALUES (1)');
  home.must('backup', 'restore', 'all', '--conflict', 'keep', '--delete');
  assert.ok(existsSync(join(source, 'x.sqlite-wal')));
  database.close();
});

test('undo brings back everything that the restore replaced, wherever it was', (context) => {
  const home = new Home(context);
  home.put('ws/notes.md', 'v1');
  home.put(
    '.openclaw/openclaw.json',
    JSON.stringify({ agents: { defaults: { workspace: join(home.home, 'ws') } } }),
  );
  home.put('.openclaw/tools/x', 'v1');
  home.must('backup', 'create', '--include', 'tools');
  home.put('ws/notes.md', 'v2, not saved anywhere');
  home.put('.openclaw/tools/x', 'v2');
  home.put('.openclaw/openclaw.json', '{}');
  home.must('backup', 'restore', 'latest');
  home.must('backup', 'restore', '--undo');
  assert.equal(home.read('ws/notes.md'), 'v2, not saved anywhere');
  assert.equal(home.read('.openclaw/tools/x'), 'v2');
});

test('undo of a restore into a folder that had something in it', (context) => {
  const home = new Home(context);
  home.must('backup', 'create');
  home.put('target/mine', 'precious');
  home.must('backup', 'restore', 'latest', '--target', join(home.home, 'target'), '--delete');
  assert.equal(existsSync(join(home.home, 'target/mine')), false);
  home.must('backup', 'restore', '--undo');
  assert.equal(home.read('target/mine'), 'precious');
  const refused = home.run('backup', 'restore', 'latest', '--target', '', '--delete');
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /--target has an empty name/);
});

test('two homes in one repository do not get each other’s state', (context) => {
  const home = new Home(context);
  const repository = join(home.home, 'repo');
  for (const name of ['work', 'play']) {
    home.put(`.openclaw-${name}/openclaw.json`, '{}');
    home.put(`.openclaw-${name}/workspace/${name}.md`, name);
    home.must('--profile', name, '--repository', repository, 'backup', 'create');
  }
  home.must('--profile', 'play', '--repository', repository, 'backup', 'restore', 'latest');
  const undo = home.run('--profile', 'work', '--repository', repository, 'backup', 'restore', '--undo');
  assert.equal(undo.status, 1);
  assert.match(undo.stderr, /There is no restore to undo/);
  const other = home.run('--profile', 'work', '--repository', repository, 'backup', 'restore', 'latest');
  assert.equal(other.status, 1);
  assert.match(other.stderr, /is of .*\.openclaw-play, and this home is .*\.openclaw-work/);
  assert.deepEqual(readdirSync(join(home.home, '.openclaw-work/workspace')), ['work.md']);
});

test('an archive is restored through the repository of the settings, where undo finds it', (context) => {
  const home = new Home(context);
  home.must('backup', 'create', '--output', 'x.tar.gz', '--repository', join(home.home, 'first'));
  home.put('.openclaw/exuvia.json5', '{ backup: { path: "~/mnt" } }');
  home.put('.openclaw/workspace/MEMORY.md', 'later');
  home.must('backup', 'restore', './x.tar.gz');
  home.must('backup', 'restore', '--undo');
  assert.equal(home.read('.openclaw/workspace/MEMORY.md'), 'later');
  assert.equal(existsSync(join(home.state, 'backups')), false);
});

test('a backup is made although packs of the one before are lost, and is whole', (context) => {
  const home = new Home(context);
  for (let index = 0; index < 50; index++)
    home.put(`.openclaw/workspace/${index}.md`, `file ${index} `.repeat(30));
  home.must('backup', 'create');
  const packs = join(home.state, 'backups/packs');
  for (const folder of readdirSync(packs)) rmSync(join(packs, folder), { recursive: true });
  home.put('.openclaw/workspace/new.md', 'new');
  const again = home.must('backup', 'create');
  assert.match(again.stderr, /The snapshot before is damaged/);
  home.must('backup', 'verify', 'latest');
  const [folder = ''] = readdirSync(packs);
  const [name = ''] = readdirSync(join(packs, folder));
  writeFileSync(join(packs, folder, name), readFileSync(join(packs, folder, name)).subarray(0, 500));
  home.run('backup', 'create');
  home.must('backup', 'verify', 'latest');
});

test('after a failed write the next backup stores what was lost', (context) => {
  const home = new Home(context);
  const mount = join(home.home, 'm');
  mkdirSync(mount);
  const size = (kib: number, ...words: string[]) =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', `${words.join(',')}size=${kib}k`, 'none', mount], {
      stdio: 'ignore',
    });
  if (process.getuid?.() !== 0 || size(1000).status !== 0)
    return context.skip('cannot mount a small file system');
  spawnSync('umount', [mount]);
  const random = new Seeded(3);
  for (let index = 0; index < 5; index++) home.put(`s/${index}`, random.text(20_000).toString());
  const database = new Database(join(home.home, 's/z.sqlite'));
  database.exec('CREATE TABLE t (v BLOB)');
  for (let row = 0; row < 100; row++) database.prepare('INSERT INTO t VALUES (randomblob(100000))').run();
  database.close();
  const kib = Math.ceil(statSync(join(home.home, 's/z.sqlite')).size / 1024);
  for (let index = 0; index < 6; index++)
    utimesSync(
      join(home.home, 's', ['0', '1', '2', '3', '4', 'z.sqlite'][index] ?? ''),
      1_700_000_000,
      1_700_000_000,
    );
  try {
    for (const spare of [300, 500, 700, 900]) {
      size(kib + spare);
      const words = ['--source', join(home.home, 's'), '--repository', join(mount, 'r')];
      assert.notEqual(home.run('backup', 'create', ...words).status, 0, `${spare} KiB are too few`);
      size(200_000, 'remount,');
      home.must('backup', 'create', ...words);
      home.must('backup', 'verify', 'latest', '--repository', join(mount, 'r'));
      spawnSync('umount', [mount]);
    }
  } finally {
    spawnSync('umount', ['-l', mount], { stdio: 'ignore' });
  }
});

test('an archive writes in place only where homes of OpenClaw are', (context) => {
  const attacker = new Home(context);
  attacker.put('.ssh/authorized_keys', 'EVIL');
  attacker.must(
    'backup',
    'create',
    '--source',
    join(attacker.home, '.ssh'),
    '--output',
    'x.tar.gz',
    '--repository',
    join(attacker.home, 'r'),
  );
  const victim = new Home(context);
  victim.put('.ssh/authorized_keys', 'mine');
  const run = victim.run('backup', 'restore', join(attacker.home, 'x.tar.gz'));
  assert.equal(run.status, 1);
  assert.match(run.stderr, /The archive would write to .*\.ssh, which is no place of an OpenClaw home/);
  assert.equal(victim.read('.ssh/authorized_keys'), 'mine');
});

test('hooks of an archive do not run, however they come', (context) => {
  const hook = (home: Home): string =>
    JSON.stringify({ backup: { postBackup: `touch ${join(home.home, 'PWNED')}` } });
  const ways: [string, (source: string, home: Home) => void, string[]][] = [
    ['a file', (source, home) => writeFileSync(join(source, 'exuvia.json5'), hook(home)), []],
    [
      'a link',
      (source, home) => {
        mkdirSync(join(source, 'workspace'));
        writeFileSync(join(source, 'workspace/n.json5'), hook(home));
        symlinkSync('workspace/n.json5', join(source, 'exuvia.json5'));
      },
      [],
    ],
    [
      'a large file',
      (source, home) => writeFileSync(join(source, 'exuvia.json5'), hook(home) + ' '.repeat(9_000_000)),
      [],
    ],
    ['a target', (source, home) => writeFileSync(join(source, 'exuvia.json5'), hook(home)), ['--target']],
  ];
  for (const [name, make, words] of ways) {
    const home = new Home(context);
    rmSync(home.state, { recursive: true });
    const source = join(home.home, 'a/.openclaw');
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, 'openclaw.json'), '{}');
    make(source, home);
    const archive = join(home.home, 'evil.tar.gz');
    execFileSync('tar', ['-czf', archive, '-C', join(home.home, 'a'), '.openclaw']);
    const repository = ['--repository', join(home.home, 'r')];
    home.must(
      'backup',
      'restore',
      archive,
      ...repository,
      ...(words.length > 0 ? ['--target', home.state] : []),
    );
    assert.notEqual(home.run('backup', 'create', ...repository).status, 0, name);
    assert.equal(existsSync(join(home.home, 'PWNED')), false, name);
  }
});

test('modes do not widen for others, also where only the mode differs, and in folders', (context) => {
  const home = new Home(context);
  home.put('s/f', 'a');
  home.put('s/d/g', 'b');
  home.put('s/run', 'x');
  for (const [path, mode] of [
    ['s', 0o755],
    ['s/d', 0o755],
    ['s/f', 0o644],
    ['s/d/g', 0o644],
    ['s/run', 0o755],
  ] as const)
    chmodSync(join(home.home, path), mode);
  home.must('backup', 'create', '--source', join(home.home, 's'));
  for (const [path, mode] of [
    ['s', 0o700],
    ['s/d', 0o700],
    ['s/f', 0o600],
    ['s/d/g', 0o600],
    ['s/run', 0o600],
  ] as const)
    chmodSync(join(home.home, path), mode);
  home.put('s/d/g', 'changed');
  home.must('backup', 'restore', 'latest');
  const modes = ['s', 's/d', 's/f', 's/d/g', 's/run'].map((path) =>
    (statSync(join(home.home, path)).mode & 0o777).toString(8),
  );
  assert.deepEqual(modes, ['700', '700', '600', '600', '700']);
});

test('a pattern with a comma in braces excludes what it says', (context) => {
  const home = new Home(context);
  for (const name of ['a.key', 'b.pem', 'c.txt']) home.put(`s/${name}`, name);
  const words = ['--source', join(home.home, 's'), '--exclude', '*.{key,pem}'];
  home.must('backup', 'create', ...words);
  assert.deepEqual(
    home.must('backup', 'ls', 'latest', '--json').json.entries.map(({ path }: { path: string }) => path),
    ['c.txt'],
  );
});

test('a database that could not be captured makes the backup incomplete', (context) => {
  const home = new Home(context);
  mkdirSync(join(home.home, 's'));
  const database = new Database(join(home.home, 's/a.sqlite'));
  database.exec('CREATE TABLE t (v)');
  database.pragma('journal_mode = MEMORY');
  database.exec('BEGIN EXCLUSIVE; INSERT INTO t VALUES (2)');
  const run = home.run('backup', 'create', '--source', join(home.home, 's'), '--json');
  database.exec('ROLLBACK');
  database.close();
  assert.equal(run.status, 3);
  assert.match(run.json.unreadable[0].reason, /could not be captured as a database/);
});

test('a time means the newest snapshot at or before it, also after an import', (context) => {
  const home = new Home(context);
  home.must('backup', 'create', '--output', 'old.tar.gz');
  home.put('.openclaw/workspace/MEMORY.md', 'second');
  home.must('backup', 'create');
  home.must('backup', 'import', './old.tar.gz');
  assert.equal(home.must('backup', 'cat', 'now', 'workspace/MEMORY.md').stdout, 'second');
});

test('sources of one name go into folders of their own', (context) => {
  const home = new Home(context);
  const sources = ['x/n', 'y/n', 'z/n-2'];
  for (const source of sources) home.put(`${source}/file`, source);
  home.must('backup', 'create', ...sources.flatMap((source) => ['--source', join(home.home, source)]));
  home.must('backup', 'restore', 'latest', '--target', join(home.home, 'out'));
  const found = readdirSync(join(home.home, 'out')).map((name) =>
    readFileSync(join(home.home, 'out', name, 'file'), 'utf8'),
  );
  assert.deepEqual(found.sort(), sources);
});

test('a repository on read-only media can be restored from', (context) => {
  const home = new Home(context);
  const mount = join(home.home, 'm');
  mkdirSync(mount);
  if (process.getuid?.() !== 0 || spawnSync('mount', ['-t', 'tmpfs', 'none', mount]).status !== 0)
    return context.skip('cannot mount');
  try {
    home.must('backup', 'create', '--repository', join(mount, 'r'));
    assert.equal(spawnSync('mount', ['-o', 'remount,ro', mount]).status, 0);
    home.must(
      'backup',
      'restore',
      'latest',
      '--repository',
      join(mount, 'r'),
      '--target',
      join(home.home, 'out'),
    );
    assert.equal(home.read('out/workspace/MEMORY.md'), 'first');
  } finally {
    spawnSync('umount', ['-l', mount], { stdio: 'ignore' });
  }
});
