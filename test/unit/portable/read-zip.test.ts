import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { byteStringOf } from '../../../src/model/paths.ts';
import {
  ArchiveFolder,
  hasProgram,
  readArchive,
  readBytes,
  refuses,
  zipArchive,
} from '../../helpers/archives.ts';
import { refusedZips } from '../../hostile/corpus/refused-zips.ts';

const needsZip = { skip: hasProgram('zip') ? false : 'needs zip' };
const needsPython = { skip: hasProgram('python3') ? false : 'needs python3' };

test('openArchive() reads what zip writes', needsZip, async () => {
  using folder = new ArchiveFolder();
  mkdirSync(folder.at('home/dir'), { recursive: true, mode: 0o750 });
  writeFileSync(folder.at('home/a.txt'), 'text');
  chmodSync(folder.at('home/a.txt'), 0o640);
  writeFileSync(folder.at('home/dir/big'), Buffer.alloc(3_000_000, 'xyz'));
  writeFileSync(folder.at('home/dir/é 日本'), 'utf-8');
  symlinkSync('/some/where', folder.at('home/link'));
  utimesSync(folder.at('home/a.txt'), 1_600_000_001, 1_600_000_001);
  folder.run('zip', '-qry', 'x.zip', 'home');
  const { format, entries } = await readArchive(folder.at('x.zip'));
  assert.equal(format, 'zip');
  const byPath = new Map(entries.map((entry) => [entry.path as string, entry]));
  assert.deepEqual([...byPath.keys()].sort(), [
    'home',
    'home/a.txt',
    'home/dir',
    'home/dir/big',
    byteStringOf('home/dir/é 日本'),
    'home/link',
  ]);
  const file = byPath.get('home/a.txt');
  assert.deepEqual(
    [file?.mode, file?.mtimeNs, file?.content.toString()],
    [0o640, 1_600_000_001_000_000_000n, 'text'],
  );
  assert.deepEqual(byPath.get('home/dir/big')?.content, Buffer.alloc(3_000_000, 'xyz'));
  assert.equal(byPath.get('home/dir')?.mode, lstatSync(folder.at('home/dir')).mode & 0o777);
  assert.equal(byPath.get('home/link')?.type, 'symlink');
  assert.equal(byPath.get('home/link')?.linkTarget, '/some/where');
});

test('openArchive() reads zip64, streamed and stored zips', needsPython, async () => {
  using folder = new ArchiveFolder();
  folder.write(
    'make.py',
    Buffer.from(`
import sys, zipfile
class Pipe:
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
for name, sink in (('seekable.zip', lambda f: f), ('streamed.zip', Pipe)):
    with open(name, 'wb') as f, zipfile.ZipFile(sink(f), 'w') as z:
        with z.open(zipfile.ZipInfo('zip64'), 'w', force_zip64=True) as e: e.write(b'large' * 40000)
        z.writestr(zipfile.ZipInfo('stored'), b'stored')
        z.writestr(zipfile.ZipInfo('deflated'), b'd' * 200000, zipfile.ZIP_DEFLATED)
`),
  );
  folder.run('python3', 'make.py');
  for (const name of ['seekable.zip', 'streamed.zip']) {
    const { entries } = await readArchive(folder.at(name));
    assert.deepEqual(
      entries.map((entry) => [entry.path, entry.content.length, entry.mode]),
      [
        ['zip64', 200_000, 0o600],
        ['stored', 6, 0o600],
        ['deflated', 200_000, 0o600],
      ],
    );
  }
});

test('openArchive() reads more entries than a plain zip can count', needsPython, async () => {
  using folder = new ArchiveFolder();
  const script =
    "import zipfile\nwith zipfile.ZipFile('x.zip', 'w') as z:\n for i in range(66000): z.writestr(f'f{i}', b'')";
  folder.run('python3', '-c', script);
  assert.equal((await readArchive(folder.at('x.zip'))).entries.length, 66_000);
});

test('openArchive() takes backslashes for separators when a zip from Windows has no slashes', async () => {
  const { entries } = await readBytes(
    zipArchive([
      { name: '.openclaw\\workspace\\', host: 0, dosAttributes: 0x10 },
      { name: '.openclaw\\openclaw.json', host: 0, content: '{}', method: 8 },
      { name: '.openclaw\\empty', host: 10 },
    ]),
  );
  assert.deepEqual(
    entries.map((entry) => [entry.path, entry.type, entry.mode]),
    [
      ['.openclaw/workspace', 'directory', 0o700],
      ['.openclaw/openclaw.json', 'file', 0o600],
      ['.openclaw/empty', 'file', 0o600],
    ],
  );
});

test('openArchive() takes a backslash in a zip from Unix for a character', async () => {
  const { entries } = await readBytes(
    zipArchive([
      { name: 'a\\b', host: 3 },
      { name: 'c/d', host: 3 },
    ]),
  );
  assert.deepEqual(
    entries.map((entry) => entry.path),
    ['a\\b', 'c/d'],
  );
});

test('openArchive() decodes the names of zips', async () => {
  const unicodePath = (name: string, text: string) => {
    const data = Buffer.alloc(9);
    data.writeUInt16LE(0x7075, 0);
    data.writeUInt16LE(5 + Buffer.byteLength(text), 2);
    data[4] = 1;
    data.writeUInt32LE(crc32(name), 5);
    return Buffer.concat([data, Buffer.from(text)]);
  };
  const { entries } = await readBytes(
    zipArchive([
      { name: 'flagged-é', flags: 0x800, host: 0 },
      { name: 'forgotten-é', host: 19 },
      { name: Buffer.from('cp437-\x82', 'latin1'), host: 0 },
      { name: Buffer.from('bytes-\xff', 'latin1'), host: 3 },
      { name: 'unicode-?', extra: unicodePath('unicode-?', 'unicode-é'), host: 0 },
    ]),
  );
  assert.deepEqual(
    entries.map((entry) => entry.path),
    [...['flagged-é', 'forgotten-é', 'cp437-é'].map(byteStringOf), 'bytes-\xff', byteStringOf('unicode-é')],
  );
});

test('openArchive() takes a DOS time for local time and an extended time for UTC', async () => {
  const extra = Buffer.from('5554050001', 'hex');
  const seconds = Buffer.alloc(4);
  seconds.writeInt32LE(-86_400);
  const time = { dosDate: ((2026 - 1980) << 9) | (3 << 5) | 9, dosTime: (12 << 11) | (34 << 5) | (56 / 2) };
  const { entries } = await readBytes(
    zipArchive([
      { name: 'dos', ...time },
      { name: 'extended', ...time, extra: Buffer.concat([extra, seconds]) },
    ]),
  );
  assert.equal(entries[0]?.mtimeNs, BigInt(new Date(2026, 2, 9, 12, 34, 56).getTime()) * 1_000_000n);
  assert.equal(entries[1]?.mtimeNs, -86_400_000_000_000n);
});

test('openArchive() takes types and permissions from Unix, and drops setuid', async () => {
  const { entries, skipped } = await readBytes(
    zipArchive([
      { name: 'setuid', unixMode: 0o104755 },
      { name: 'plain', unixMode: 0o600 },
      { name: 'folder', unixMode: 0o040711 },
      { name: 'link', unixMode: 0o120777, content: '../../target' },
      { name: 'pipe', unixMode: 0o010644 },
      { name: 'socket', unixMode: 0o140644 },
      { name: './', unixMode: 0o040755 },
    ]),
  );
  assert.deepEqual(
    entries.map((entry) => [entry.path, entry.type, entry.mode, entry.linkTarget, entry.content.length]),
    [
      ['setuid', 'file', 0o755, undefined, 0],
      ['plain', 'file', 0o600, undefined, 0],
      ['folder', 'directory', 0o711, undefined, 0],
      ['link', 'symlink', 0o777, '../../target', 0],
    ],
  );
  assert.deepEqual(skipped, [
    { path: 'pipe', reason: 'named pipe' },
    { path: 'socket', reason: 'socket' },
  ]);
});

describe('openArchive() refuses zips', () => {
  for (const [what, bytes, message] of refusedZips) test(`with ${what}`, () => refuses(bytes, message));
});
