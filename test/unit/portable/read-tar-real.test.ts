/** Archives as the tar, gzip and zstd of the machine write them. */
import assert from 'node:assert/strict';
import { linkSync, lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { byteStringOf, fsPath } from '../../../src/model/paths.ts';
import { ArchiveFolder, hasProgram, type ReadArchive, readArchive, refuses } from '../../helpers/archives.ts';

const hasGnuTar = isGnuTar();
const needsGnuTar = { skip: hasGnuTar ? false : 'needs GNU tar' };

function isGnuTar(): boolean {
  if (!hasProgram('tar')) return false;
  using folder = new ArchiveFolder();
  return folder.run('tar', '--version').includes('GNU tar');
}

const longName = 'n'.repeat(200);
const longFolder = `${'d'.repeat(90)}/${'e'.repeat(90)}`;
const notUtf8 = Buffer.from([0x6e, 0xff, 0xfe, 0x80, 0x2e, 0x74]);

interface Shape {
  readonly longNames: boolean;
  readonly specials: boolean;
  /** Nanoseconds that a time is rounded down to. */
  readonly timeUnit: bigint;
}

const shapes: Readonly<Record<string, Shape>> = {
  v7: { longNames: false, specials: false, timeUnit: 1_000_000_000n },
  ustar: { longNames: false, specials: true, timeUnit: 1_000_000_000n },
  oldgnu: { longNames: true, specials: true, timeUnit: 1_000_000_000n },
  gnu: { longNames: true, specials: true, timeUnit: 1_000_000_000n },
  pax: { longNames: true, specials: true, timeUnit: 1n },
};

/** A folder `home` with one of everything that `shape` can hold. */
function makeHome(folder: ArchiveFolder, shape: Shape): void {
  const home = folder.at('home');
  mkdirSync(join(home, 'empty'), { recursive: true, mode: 0o700 });
  mkdirSync(join(home, 'dir'));
  writeFileSync(join(home, 'a.txt'), 'text', { mode: 0o640 });
  writeFileSync(join(home, 'zero'), '');
  writeFileSync(join(home, 'dir', 'big.bin'), Buffer.alloc(300_001, 'xyz'), { mode: 0o755 });
  writeFileSync(join(home, 'dir', 'é 日本\n"quoted"'), 'utf-8');
  writeFileSync(Buffer.concat([Buffer.from(`${home}/`), notUtf8]), 'bytes');
  symlinkSync('../outside', join(home, 'dir', 'link'));
  linkSync(join(home, 'a.txt'), join(home, 'zhard'));
  utimesSync(join(home, 'a.txt'), 1_600_000_000.5, 1_600_000_000.123456);
  utimesSync(join(home, 'zero'), 0, 0);
  if (shape.specials && hasProgram('mkfifo')) folder.run('mkfifo', 'home/pipe');
  if (!shape.longNames) return;
  mkdirSync(join(home, longFolder), { recursive: true });
  writeFileSync(join(home, longFolder, longName), 'long');
  symlinkSync('t/'.repeat(300), join(home, 'longlink'));
}

/** Every entry against what the file system says. */
function assertIsHome(folder: ArchiveFolder, { entries, skipped }: ReadArchive, shape: Shape): void {
  const byPath = new Map(entries.map((entry) => [entry.path as string, entry]));
  assert.equal(byPath.size, shape.longNames ? 14 : 10);
  for (const entry of entries) {
    const path = byteStringOf(`${folder.path}/`) + entry.path;
    const stat = lstatSync(fsPath((byteStringOf('') + path) as typeof entry.path), { bigint: true });
    const typeOfStat = stat.isSymbolicLink() ? 'symlink' : stat.isDirectory() ? 'directory' : 'file';
    assert.equal(entry.type === 'hardlink' ? 'file' : entry.type, typeOfStat, entry.path);
    if (entry.type !== 'symlink') assert.equal(entry.mode, Number(stat.mode) & 0o777, entry.path);
    assert.equal(entry.mtimeNs, stat.mtimeNs - (stat.mtimeNs % shape.timeUnit), entry.path);
    assert.equal(entry.uid, Number(stat.uid));
    assert.equal(entry.size, entry.content.length);
  }
  const hard = entries.filter((entry) => entry.path === 'home/a.txt' || entry.path === 'home/zhard');
  assert.deepEqual(
    hard.map((entry) => entry.type),
    ['file', 'hardlink'],
  );
  assert.equal(hard[1]?.linkTarget, hard[0]?.path);
  assert.equal(hard[0]?.content.toString(), 'text');
  assert.equal(byPath.get('home/dir/link')?.linkTarget, '../outside');
  assert.equal(byPath.get(`home/${notUtf8.toString('latin1')}`)?.content.toString(), 'bytes');
  assert.equal(byPath.get(byteStringOf('home/dir/é 日本\n"quoted"'))?.content.toString(), 'utf-8');
  assert.deepEqual(byPath.get('home/dir/big.bin')?.content, Buffer.alloc(300_001, 'xyz'));
  if (shape.longNames) {
    assert.equal(byPath.get(`home/${longFolder}/${longName}`)?.content.toString(), 'long');
    assert.equal(byPath.get('home/longlink')?.linkTarget, 't/'.repeat(300));
  }
  const pipes = shape.specials && hasProgram('mkfifo') ? [{ path: 'home/pipe', reason: 'named pipe' }] : [];
  assert.deepEqual(skipped, pipes);
}

describe('openArchive() reads what GNU tar writes', needsGnuTar, () => {
  for (const [format, shape] of Object.entries(shapes)) {
    test(`in format ${format}`, async () => {
      using folder = new ArchiveFolder();
      makeHome(folder, shape);
      folder.run('tar', `--format=${format}`, '--sort=name', '-cf', 'x.tar', 'home');
      const read = await readArchive(folder.at('x.tar'));
      assert.equal(read.format, 'tar');
      assertIsHome(folder, read, shape);
    });
  }

  test('compressed with gzip', async () => {
    using folder = new ArchiveFolder();
    makeHome(folder, shapes['gnu']!);
    folder.run('tar', '--sort=name', '-czf', 'x.tar.gz', 'home');
    const read = await readArchive(folder.at('x.tar.gz'));
    assert.equal(read.format, 'tar.gz');
    assertIsHome(folder, read, shapes['gnu']!);
  });

  test('compressed with zstd', { skip: hasProgram('zstd') ? false : 'needs zstd' }, async () => {
    using folder = new ArchiveFolder();
    makeHome(folder, shapes['pax']!);
    folder.run('tar', '--format=pax', '--sort=name', '-cf', 'x.tar', 'home');
    folder.run('zstd', '-q', 'x.tar', '-o', 'x.tar.zst');
    const read = await readArchive(folder.at('x.tar.zst'));
    assert.equal(read.format, 'tar.zst');
    assertIsHome(folder, read, shapes['pax']!);
  });

  test('with names that begin with ./', async () => {
    using folder = new ArchiveFolder();
    makeHome(folder, shapes['gnu']!);
    folder.run('tar', '-C', 'home', '-cf', 'x.tar', '.');
    const { entries } = await readArchive(folder.at('x.tar'));
    assert.ok(entries.some((entry) => entry.path === 'a.txt'));
    assert.ok(entries.every((entry) => entry.path !== '' && !entry.path.startsWith('.')));
  });

  test('with times before 1970 and owners beyond octal', async () => {
    using folder = new ArchiveFolder();
    writeFileSync(folder.at('a'), 'a');
    for (const format of ['gnu', 'pax']) {
      const options = ['--owner=:3000000', '--group=:4000000', '--mtime=@-1234567890.5'];
      folder.run('tar', `--format=${format}`, ...options, '-cf', 'x.tar', 'a');
      const { entries } = await readArchive(folder.at('x.tar'));
      assert.equal(
        entries[0]?.mtimeNs,
        format === 'pax' ? -1_234_567_890_500_000_000n : -1_234_567_891_000_000_000n,
      );
      assert.deepEqual([entries[0]?.uid, entries[0]?.gid], [3_000_000, 4_000_000]);
    }
  });

  test('with files deleted and added later', async () => {
    using folder = new ArchiveFolder();
    for (const name of ['a', 'b', 'c']) writeFileSync(folder.at(name), name.repeat(1000));
    folder.run('tar', '-cf', 'x.tar', 'a', 'b');
    folder.run('tar', '-rf', 'x.tar', 'c');
    folder.run('tar', '--delete', '-f', 'x.tar', 'a');
    const { entries } = await readArchive(folder.at('x.tar'));
    assert.deepEqual(
      entries.map((entry) => entry.path),
      ['b', 'c'],
    );
  });

  test('with a volume label', async () => {
    using folder = new ArchiveFolder();
    writeFileSync(folder.at('a'), 'a');
    folder.run('tar', '-V', 'my label', '-cf', 'x.tar', 'a');
    const { entries, skipped } = await readArchive(folder.at('x.tar'));
    assert.deepEqual(
      entries.map((entry) => entry.path),
      ['a'],
    );
    assert.deepEqual(skipped, [{ path: 'my label', reason: 'volume label' }]);
  });
});

describe('openArchive() refuses what GNU tar can write and Exuvia does not read', needsGnuTar, () => {
  for (const format of ['gnu', 'pax']) {
    test(`sparse files in format ${format}`, async () => {
      using folder = new ArchiveFolder();
      writeFileSync(folder.at('s'), Buffer.alloc(1_000_000));
      folder.run('truncate', '-s', '10M', 's');
      folder.run('tar', `--format=${format}`, '-Scf', 'x.tar', 's');
      await assert.rejects(readArchive(folder.at('x.tar')), /"[^"]*s" is refused: it is a sparse file/);
    });
  }

  test('absolute names', async () => {
    using folder = new ArchiveFolder();
    writeFileSync(folder.at('a'), 'a');
    await refuses(folder.run('tar', '-P', '-cf', '-', folder.at('a')), /absolute/);
  });

  test('incremental archives', async () => {
    using folder = new ArchiveFolder();
    makeHome(folder, shapes['v7']!);
    folder.run('tar', '--listed-incremental=list', '-cf', 'x.tar', 'home');
    await assert.rejects(readArchive(folder.at('x.tar')), /incremental/);
  });

  test('archives put one after the other', async () => {
    using folder = new ArchiveFolder();
    writeFileSync(folder.at('a'), 'a');
    const archive = folder.run('tar', '-cf', '-', 'a');
    await refuses(Buffer.concat([archive, archive]), /more after the empty block/);
  });
});
