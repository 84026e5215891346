/** What a user gets wrong: one clear sentence, the right exit code, and nothing half done. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CliRun, launcherPath, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

interface Place {
  readonly home: string;
  readonly repository: string;
}

function smallHome(context: TestContext): Place {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw/workspace'), { recursive: true });
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  writeFileSync(join(home, '.openclaw/workspace/note.md'), 'hello');
  return { home, repository: join(home, '.openclaw/backups') };
}

/** One sentence on stderr (perhaps a second line that says what to do), no stack trace, nothing on stdout. */
function refuses(run: CliRun, status: number, message: RegExp): void {
  assert.equal(run.status, status, run.stderr + run.stdout);
  assert.match(run.stderr, message);
  assert.doesNotMatch(run.stderr, /\n\s+at /, 'no stack trace');
  assert.ok(run.stderr.trim().split('\n').length <= 2, run.stderr);
  assert.equal(run.stdout, '');
}

test('a snapshot that is not there, or is ambiguous', (context) => {
  const place = smallHome(context);
  for (let count = 0; count < 3; count++) assert.equal(runCli(['backup', 'create'], place).status, 0);
  refuses(runCli(['backup', 'show', 'abcdef99'], place), 1, /No snapshot "abcdef99"/);
  refuses(
    runCli(['backup', 'show', 'nonsense'], place),
    1,
    /No snapshot "nonsense".*\nRun exuvia backup list/,
  );
  refuses(runCli(['backup', 'show', 'latest~9'], place), 1, /there are only 2 snapshots before it/);
  refuses(runCli(['backup', 'show', '2001-01-01'], place), 1, /the oldest snapshot is of/);
  refuses(runCli(['backup', 'cat', 'latest', 'no/such'], place), 1, /no\/such is not in snapshot/);
  refuses(runCli(['backup', 'cat', 'latest', 'workspace'], place), 2, /is a directory, not a file/);
  refuses(runCli(['backup', 'cat', 'latest', '../x'], place), 2, /leaves the snapshot/);
  refuses(runCli(['backup', 'cat', 'latest', '/etc/passwd'], place), 2, /is not in snapshot/);
});

test('an archive that is none, is cut short, or is not there', (context) => {
  const place = smallHome(context);
  const archive = join(place.home, 'a.tar.gz');
  assert.equal(runCli(['backup', 'create', '--output', archive], place).status, 0);
  const before = runCli(['backup', 'list', '--json'], place).json.snapshots.length;
  writeFileSync(join(place.home, 'text.tar.gz'), 'this is no archive at all');
  writeFileSync(join(place.home, 'cut.tar.gz'), readFileSync(archive).subarray(0, 400));
  writeFileSync(join(place.home, 'empty.zip'), '');
  for (const command of ['import', 'restore']) {
    refuses(runCli(['backup', command, join(place.home, 'text.tar.gz')], place), 1, /not an archive/);
    refuses(
      runCli(['backup', command, join(place.home, 'cut.tar.gz')], place),
      1,
      /cut short|damaged|truncated/,
    );
    refuses(runCli(['backup', command, join(place.home, 'empty.zip')], place), 1, /empty|not an archive/);
    refuses(runCli(['backup', command, join(place.home, 'missing.tar.gz')], place), 1, /no such file/);
  }
  assert.equal(
    runCli(['backup', 'list', '--json'], place).json.snapshots.length,
    before,
    'no snapshot was made',
  );
  refuses(runCli(['backup', 'export', 'latest', archive], place), 1, /exists already/);
  refuses(runCli(['backup', 'export', 'latest', join(place.home, 'x.rar')], place), 2, /kind of archive/);
  const inFile = join(archive, 'folder/x.tar');
  refuses(runCli(['backup', 'export', 'latest', inFile], place), 1, /create folder .*a\.tar\.gz/);
  refuses(runCli(['backup', 'create', '--output', inFile], place), 1, /create folder .*a\.tar\.gz/);
  assert.equal(
    runCli(['backup', 'list', '--json'], place).json.snapshots.length,
    before,
    'nor for an archive that cannot be written',
  );
});

test('an unknown component, with a suggestion', (context) => {
  const place = smallHome(context);
  refuses(
    runCli(['backup', 'create', '--only', 'config,credential'], place),
    2,
    /Unknown component "credential"; did you mean "credentials"\?/,
  );
  refuses(
    runCli(['backup', 'create', '--only', 'zzz'], place),
    2,
    /Unknown component "zzz"\nKnown components: config/,
  );
  assert.ok(!existsSync(place.repository), 'no repository was made');
});

test('an unknown command, option or choice', (context) => {
  const place = smallHome(context);
  for (const words of [
    ['backup', 'creat'],
    ['backup', 'create', '--nope'],
    ['backup', 'restore', 'x', '--conflict', 'maybe'],
    ['backup', 'show'],
  ]) {
    const run = runCli(words, place);
    assert.equal(run.status, 2, words.join(' '));
    assert.match(run.stderr, /^error: /);
    assert.equal(run.stdout, '');
  }
  refuses(runCli(['backup', 'restore'], place), 2, /Which snapshot or archive/);
});

test('a tag that would mean something else, and a source that is none', (context) => {
  const place = smallHome(context);
  for (const tag of ['latest', 'a~1', 'x\ny'])
    refuses(runCli(['backup', 'create', '--tag', tag], place), 2, /A snapshot cannot have the tag/);
  refuses(runCli(['backup', 'create', '--source', ''], place), 2, /--source has an empty name/);
  refuses(
    runCli(['backup', 'create', '--source', '/dev/null'], place),
    2,
    /\/dev\/null is neither a folder nor a file/,
  );
  assert.ok(!existsSync(place.repository), 'no repository was made');
});

test('a plain word is a snapshot, whatever files lie about', (context) => {
  const place = smallHome(context);
  assert.equal(runCli(['backup', 'create'], place).status, 0);
  writeFileSync(join(place.home, 'latest'), 'a file');
  writeFileSync(join(place.home, 'other'), 'a file');
  assert.equal(runCli(['backup', 'restore', 'latest', '--target', 'out'], place).status, 0);
  refuses(
    runCli(['backup', 'restore', 'other', '--target', 'out2'], place),
    1,
    /No snapshot "other".*\n.*\.\/archive/,
  );
  refuses(runCli(['backup', 'restore', './other', '--target', 'out2'], place), 1, /other/);
});

test('a repository of a newer format is refused by name', (context) => {
  const place = smallHome(context);
  assert.equal(runCli(['backup', 'create'], place).status, 0);
  const path = join(place.repository, 'exuvia-repository.json');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('"version": 1', '"version": 9'));
  refuses(
    runCli(['backup', 'list'], place),
    1,
    /format version 9, this program reads up to 1\nInstall a newer version/,
  );
  writeFileSync(path, text.replace('"requiredFeatures": []', '"requiredFeatures": ["time-travel"]'));
  refuses(runCli(['backup', 'create'], place), 1, /needs the feature time-travel/);
  writeFileSync(path, text.replace('"created": "2', '"created": "3'));
  refuses(runCli(['backup', 'list'], place), 4, /checksum does not match/);
});

test('no repository, a repository path that is a file, or somebody else’s folder', (context) => {
  const place = smallHome(context);
  refuses(runCli(['backup', 'list'], place), 10, /there is no repository/);
  const file = join(place.home, 'file');
  writeFileSync(file, 'x');
  refuses(
    runCli(['backup', 'create', '--repository', file], place),
    10,
    /it is a file, not a folder\nName a folder/,
  );
  refuses(
    runCli(['backup', 'list', '--repository', file], place),
    10,
    /it is a file, not a folder\nName a folder/,
  );
  const folder = join(place.home, 'photos');
  mkdirSync(folder);
  writeFileSync(join(folder, 'cat.jpg'), 'x');
  refuses(
    runCli(['backup', 'create', '--repository', folder], place),
    1,
    /the folder holds other things \(cat\.jpg\)/,
  );
  assert.deepEqual(readdirSync(folder), ['cat.jpg']);
});

test('a source or state directory that is not there', (context) => {
  const place = smallHome(context);
  refuses(
    runCli(['backup', 'create', '--source', 'nowhere'], place),
    1,
    /Cannot read source .*nowhere: no such file or folder/,
  );
  refuses(runCli(['backup', 'create', '--source', 'no*where'], place), 2, /Nothing matches the source/);
  refuses(
    runCli(['backup', 'create', '--state-dir', 'nowhere'], place),
    2,
    /There is no OpenClaw state directory at .*nowhere/,
  );
  assert.ok(!existsSync(place.repository));
});

test('a target that is not empty, or is a file', (context) => {
  const place = smallHome(context);
  assert.equal(runCli(['backup', 'create'], place).status, 0);
  const target = join(place.home, 'target');
  mkdirSync(target);
  writeFileSync(join(target, 'mine'), 'x');
  refuses(runCli(['backup', 'restore', 'latest', '--target', target], place), 1, /is not empty/);
  assert.deepEqual(readdirSync(target), ['mine']);
  refuses(
    runCli(['backup', 'restore', 'latest', '--target', join(target, 'mine')], place),
    2,
    /is a file, not a folder/,
  );
  assert.equal(
    runCli(['backup', 'restore', 'latest', '--target', target, '--conflict', 'keep'], place).status,
    0,
  );
  refuses(
    runCli(['backup', 'restore', 'latest', '--only', 'cron', '--target', join(place.home, 'new')], place),
    2,
    /matches what was asked for/,
  );
});

test('no space left: a clear sentence, and the snapshots that were there stay readable', (context) => {
  const place = smallHome(context);
  const disk = join(place.home, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
  if (mounted.status !== 0) {
    context.skip('needs the right to mount a file system');
    return;
  }
  try {
    const repository = join(disk, 'repository');
    const at = ['--repository', repository];
    assert.equal(runCli(['backup', 'create', ...at], place).status, 0);
    execFileSync('sh', [
      '-c',
      `head -c 6000000 /dev/urandom > ${join(place.home, '.openclaw/workspace/large')}`,
    ]);
    refuses(runCli(['backup', 'create', ...at], place), 1, /no space left on the device/);
    execFileSync('sh', ['-c', `head -c 9000000 /dev/zero > ${disk}/filler || true`], { stdio: 'ignore' });
    assert.equal(runCli(['backup', 'list', ...at, '--json'], place).json.snapshots.length, 1);
    assert.equal(runCli(['backup', 'cat', 'latest', 'workspace/note.md', ...at], place).stdout, 'hello');
    const target = join(place.home, 'restored');
    assert.equal(
      runCli(['backup', 'restore', 'latest', ...at, '--target', target, '--path', 'openclaw.json'], place)
        .status,
      0,
    );
    refuses(runCli(['backup', 'export', 'latest', join(disk, 'x.tar'), ...at], place), 1, /no space left/);
    assert.ok(!readdirSync(disk).some((name) => name.includes('x.tar')), 'no half archive');
  } finally {
    spawnSync('umount', [disk]);
  }
});

test('no permission: what cannot be read is listed, and the exit code says incomplete', (context) => {
  const place = smallHome(context);
  if (process.getuid?.() !== 0) {
    context.skip('run as root: files are given to another user, who then runs');
    return;
  }
  writeFileSync(join(place.home, '.openclaw/workspace/secret'), 'x', { mode: 0o000 });
  execFileSync('chown', ['-R', '65534:65534', join(place.home, '.openclaw')]);
  execFileSync('chown', ['65534:65534', place.home]);
  execFileSync('chown', ['0:0', join(place.home, '.openclaw/workspace/secret')]);
  const run = (words: string[]): { status: number | null; out: string; err: string } => {
    const { status, stdout, stderr } = spawnSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, 'dist/launcher.cjs', ...words],
      { env: { PATH: process.env['PATH'] ?? '', HOME: place.home }, encoding: 'utf8' },
    );
    return { status, out: stdout, err: stderr };
  };
  const created = run(['backup', 'create', '--json']);
  assert.equal(created.status, 3, created.err);
  const { snapshot, unreadable } = JSON.parse(created.out);
  assert.deepEqual(unreadable, [{ path: 'workspace/secret', reason: 'permission denied' }]);
  assert.equal(snapshot.unreadableCount, 1);
  const source = join(place.home, 'source');
  mkdirSync(source, { mode: 0o000 });
  const nothing = run(['backup', 'create', '--source', source, '--repository', join(place.home, 'other')]);
  assert.equal(nothing.status, 3, nothing.err);
  assert.ok(nothing.err.includes(`Cannot read ${source}: permission denied`), nothing.err);
  assert.match(nothing.out, /Not readable: the source itself: permission denied/);
  const refused = run(['backup', 'create', '--repository', '/proc/exuvia']);
  assert.equal(refused.status, 1);
  assert.match(refused.err, /^exuvia: Cannot create folder \/proc\/exuvia/);
});

test('errors are JSON with --json', (context) => {
  const place = smallHome(context);
  const run = runCli(['backup', 'show', 'latest', '--json'], place);
  assert.equal(run.status, 10);
  assert.equal(run.json.error.code, 'ERR_NO_REPOSITORY');
  assert.match(run.json.error.message, /there is no repository/);
});

test('a current folder that is gone', {
  skip: process.platform !== 'linux' && 'others keep it',
}, (context) => {
  const { home } = smallHome(context);
  const gone = join(home, 'gone');
  const words = 'mkdir "$2" && cd "$2" && rmdir "$2" && exec "$0" "$1" backup list';
  const run = spawnSync('sh', ['-c', words, process.execPath, launcherPath, gone], {
    env: { ...process.env, HOME: home },
    encoding: 'utf8',
  });
  assert.equal(run.status, 2, run.stderr);
  assert.equal(
    run.stderr,
    'exuvia: The current folder was removed\nChange to a folder that is there, and run the command again.\n',
  );
});
