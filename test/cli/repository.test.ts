/** The repository as a user can leave it: copied, half deleted, used by two programs at once. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

interface Place {
  readonly home: string;
  readonly repository: string;
}

function homeOf(context: TestContext, files: number): Place {
  const home = temporaryFolder(context);
  const random = new Seeded(1);
  for (let index = 0; index < files; index++) {
    const folder = join(home, '.openclaw/workspace', `folder-${index % 20}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `note-${index}.md`), random.text(500 + random.below(2000)));
  }
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  return { home, repository: join(home, '.openclaw/backups') };
}

function storedBytes(repository: string): number {
  return ['packs', 'snapshots'].reduce((sum, folder) => sum + bytesBelow(join(repository, folder)), 0);
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

test('a second snapshot with nothing changed stores at most 1 KB', (context) => {
  const place = homeOf(context, 500);
  assert.equal(runCli(['backup', 'create'], place).status, 0);
  for (let count = 0; count < 3; count++) {
    const before = storedBytes(place.repository);
    const { stats } = runCli(['backup', 'create', '--json'], place).json;
    assert.equal(stats.unchangedFiles, 501);
    assert.equal(stats.addedBytes, 0);
    const grown = storedBytes(place.repository) - before;
    assert.ok(grown > 0 && grown <= 1000, `${grown} bytes`);
  }
});

test('a repository whose local folder is missing, from another place, or of another repository just works', (context) => {
  const place = homeOf(context, 60);
  assert.equal(runCli(['backup', 'create'], place).status, 0);
  const { snapshot } = runCli(['backup', 'create', '--json'], place).json;
  const note = readFileSync(join(place.home, '.openclaw/workspace/folder-3/note-3.md'), 'utf8');
  const works = (repository: string): void => {
    const at = { home: place.home, env: { EXUVIA_REPOSITORY: repository } };
    assert.equal(runCli(['backup', 'cat', 'latest', 'workspace/folder-3/note-3.md'], at).stdout, note);
    assert.equal(runCli(['backup', 'create', '--json'], at).json.stats.addedBytes, 0);
    assert.equal(runCli(['backup', 'show', snapshot.id, '--json'], at).json.snapshot.id, snapshot.id);
  };
  rmSync(join(place.repository, 'local'), { recursive: true });
  works(place.repository);
  const copy = join(place.home, 'copy');
  execFileSync('cp', ['-a', place.repository, copy]); // with its local folder
  works(copy);
  const other = join(place.home, 'other');
  assert.equal(
    runCli(
      ['backup', 'create', '--source', join(place.home, '.openclaw/openclaw.json'), '--repository', other],
      place,
    ).status,
    0,
  );
  rmSync(join(place.repository, 'local'), { recursive: true });
  execFileSync('cp', ['-a', join(other, 'local'), place.repository]);
  works(place.repository);
  writeFileSync(join(place.repository, 'local/index.sqlite'), 'no database');
  works(place.repository);
});

test('packs that arrive by copying are used, and packs that are gone are not believed in', (context) => {
  const place = homeOf(context, 40);
  assert.equal(runCli(['backup', 'create'], place).status, 0);
  const saved = join(place.home, 'saved');
  execFileSync('cp', ['-a', place.repository, saved]);
  appendFileSync(join(place.home, '.openclaw/workspace/folder-0/note-0.md'), 'more');
  const { snapshot } = runCli(['backup', 'create', '--json'], place).json;
  // The copy learns of the new pack and snapshot through files alone.
  execFileSync('cp', ['-rn', join(place.repository, 'packs'), join(place.repository, 'snapshots'), saved]);
  assert.equal(
    runCli(['backup', 'list', '--json', '--repository', saved], place).json.snapshots.at(-1).id,
    snapshot.id,
  );
  assert.match(
    runCli(['backup', 'cat', 'latest', 'workspace/folder-0/note-0.md', '--repository', saved], place).stdout,
    /more$/,
  );
  // Without its packs everything is stored again.
  rmSync(join(place.repository, 'packs'), { recursive: true });
  const again = runCli(['backup', 'create', '--json'], place).json;
  assert.ok(again.stats.addedBytes > 40_000);
  const target = join(place.home, 'restored');
  assert.equal(runCli(['backup', 'restore', again.snapshot.id, '--target', target], place).status, 0);
});

test('rebuild-index needs packs and snapshots alone', (context) => {
  const place = homeOf(context, 30);
  assert.equal(runCli(['backup', 'create'], place).status, 0);
  const before = runCli(['backup', 'stats', '--json'], place).json;
  rmSync(join(place.repository, 'local'), { recursive: true });
  const rebuilt = runCli(['backup', 'rebuild-index', '--json'], place).json;
  assert.equal(rebuilt.blobs, before.blobs);
  assert.equal(rebuilt.packs, before.packs);
  assert.deepEqual(rebuilt.damaged, []);
  const pack = readdirSync(join(place.repository, 'packs'), { recursive: true, encoding: 'utf8' }).find(
    (name) => name.endsWith('.pack'),
  );
  const path = join(place.repository, 'packs', pack ?? '');
  writeFileSync(path, readFileSync(path).subarray(0, -10));
  const damaged = runCli(['backup', 'rebuild-index', '--json'], place);
  assert.equal(damaged.status, 4);
  assert.match(damaged.json.damaged[0].message, /Damaged pack [0-9a-f]{12}: does not end like a pack/);
});

test('everything in a repository is for its owner alone, whatever the umask', (context) => {
  const place = homeOf(context, 10);
  execFileSync(
    'sh',
    [
      '-c',
      'umask 000; exec "$@"',
      'sh',
      process.execPath,
      launcherPath,
      'backup',
      'create',
      '--output',
      join(place.home, 'x.tar.gz'),
    ],
    {
      env: { HOME: place.home },
    },
  );
  const wide = readdirSync(place.repository, { recursive: true, encoding: 'utf8' }).filter(
    (name) => (statSync(join(place.repository, name)).mode & 0o077) !== 0,
  );
  assert.deepEqual(wide, []);
  assert.equal(statSync(place.repository).mode & 0o777, 0o700);
  assert.equal(statSync(join(place.home, 'x.tar.gz')).mode & 0o777, 0o600);
});

test('backups at the same time all succeed, and what a killed one left is used and swept', async (context) => {
  const place = homeOf(context, 300);
  const start = (): Promise<number | null> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [launcherPath, 'backup', 'create', '--quiet'], {
        env: { HOME: place.home },
        stdio: 'inherit',
      });
      child.once('exit', (code) => resolve(code));
    });
  assert.deepEqual(await Promise.all([start(), start(), start()]), [0, 0, 0]);
  assert.equal(runCli(['backup', 'list', '--json'], place).json.snapshots.length, 3);
  mkdirSync(join(place.repository, 'local/tmp/999999-dead'));
  writeFileSync(join(place.repository, 'local/tmp/999999-dead/x.pack'), 'half a pack');
  for (let round = 0; round < 4; round++) {
    writeFileSync(join(place.home, '.openclaw/workspace/large.bin'), new Seeded(round).bytes(3_000_000));
    const child = spawn(process.execPath, [launcherPath, 'backup', 'create'], {
      env: { HOME: place.home },
      stdio: 'ignore',
    });
    const ended = once(child, 'close'); // it may be done before it is killed
    await new Promise((resolve) => setTimeout(resolve, 30 + round * 40));
    child.kill('SIGKILL');
    await ended;
    const next = runCli(['backup', 'create'], place);
    assert.equal(next.status, 0, next.stderr);
  }
  assert.ok(!existsSync(join(place.repository, 'local/tmp/999999-dead')));
  const target = join(place.home, 'restored');
  assert.equal(runCli(['backup', 'restore', 'latest', '--target', target], place).status, 0);
  assert.ok(readFileSync(join(target, 'workspace/large.bin')).equals(new Seeded(3).bytes(3_000_000)));
});

/** Sizes of the files below a folder that somebody is writing to. */
function writtenBytes(folder: string): number {
  if (!existsSync(folder)) return 0;
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

test('Ctrl-C in the middle of one large file ends the run at once, and keeps what was stored', async (context) => {
  const place = homeOf(context, 1);
  const fd = openSync(join(place.home, '.openclaw/workspace/large.bin'), 'w');
  for (let index = 0; index < 16; index++) writeSync(fd, new Seeded(index).bytes(16_000_000));
  closeSync(fd);
  const child = spawn(process.execPath, [launcherPath, 'backup', 'create'], {
    env: { HOME: place.home },
    stdio: 'ignore',
  });
  const ended = once(child, 'close');
  const temporary = join(place.repository, 'local', 'tmp');
  while (child.exitCode === null && writtenBytes(temporary) < 4_000_000) await sleep(5);
  child.kill('SIGINT');
  const [code] = await ended;
  assert.equal(code, 130);
  const { blobBytes } = runCli(['backup', 'stats', '--json'], place).json;
  assert.ok(blobBytes > 0 && blobBytes < 250_000_000, `${blobBytes} of 256,000,000 bytes are stored`);
});

test('Ctrl-C keeps what was stored and exits with 130', async (context) => {
  const place = homeOf(context, 20);
  for (let index = 0; index < 40; index++) {
    writeFileSync(
      join(place.home, `.openclaw/workspace/large-${index}.bin`),
      new Seeded(index).bytes(2_000_000),
    );
  }
  const child = spawn(process.execPath, [launcherPath, 'backup', 'create'], {
    env: { HOME: place.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const ended = once(child, 'close');
  const temporary = join(place.repository, 'local', 'tmp');
  while (child.exitCode === null && writtenBytes(temporary) < 4_000_000) await sleep(5);
  child.kill('SIGINT');
  const [code] = await ended;
  assert.equal(code, 130, errors);
  assert.match(errors, /Interrupted; what was stored so far is kept/);
  assert.equal(runCli(['backup', 'list', '--json'], place).json.snapshots.length, 0);
  const { stats } = runCli(['backup', 'create', '--json'], place).json;
  assert.ok(stats.addedBytes < 80_000_000, `${stats.addedBytes} of 80,000,000 bytes were stored again`);
});

test('the portable hash and the plain chunker make the same repository', (context) => {
  const place = homeOf(context, 20);
  writeFileSync(join(place.home, '.openclaw/workspace/large.bin'), new Seeded(8).bytes(400_000));
  const roots = [{}, { EXUVIA_HASH: 'portable' }, { EXUVIA_CHUNKER: 'reference' }].map((env, index) => {
    const run = runCli(['backup', 'create', '--json', '--repository', join(place.home, `r${index}`)], {
      home: place.home,
      env,
    });
    return run.json.snapshot.sources[0].root;
  });
  assert.equal(roots[1], roots[0]);
  assert.equal(roots[2], roots[0]);
});
