import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  type BigIntStats,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSmall } from '../../../src/archiver/read-file.ts';
import { byteStringOf } from '../../../src/model/paths.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const buffer = Buffer.alloc(1000);
const seenOf = (path: string) => lstatSync(path, { bigint: true });
const isWindows = process.platform === 'win32';

test('readSmall() gives all of a file, up to the length of the buffer', (context) => {
  const path = join(temporaryFolder(context), 'file');
  for (const bytes of [0, 1, 999, 1000]) {
    const content = Buffer.alloc(bytes, 'x');
    writeFileSync(path, content);
    assert.deepEqual(Buffer.from(readSmall(byteStringOf(path), seenOf(path), buffer)!), content);
  }
  writeFileSync(path, Buffer.alloc(1001));
  assert.equal(readSmall(byteStringOf(path), seenOf(path), buffer), undefined);
});

test('readSmall() gives nothing of a file that is not what was seen', { skip: isWindows }, (context) => {
  const root = temporaryFolder(context);
  const path = join(root, 'file');
  const changes: Record<string, () => void> = {
    'it grew': () => appendFileSync(path, 'more'),
    'it is shorter': () => writeFileSync(path, 'a'),
    'it was written to': () => writeFileSync(path, 'b'.repeat(100)),
    'another has its name': () => {
      writeFileSync(join(root, 'other'), 'a'.repeat(100));
      execFileSync('touch', ['-r', path, join(root, 'other')]);
      renameSync(join(root, 'other'), path);
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    rmSync(path, { force: true });
    writeFileSync(path, 'a'.repeat(100));
    execFileSync('touch', ['-d', '2026-01-01', path]);
    const seen = seenOf(path);
    change();
    assert.equal(readSmall(byteStringOf(path), seen, buffer), undefined, what);
  }
});

test('readSmall() gives nothing where anything that is stored of the file is another', (context) => {
  const path = join(temporaryFolder(context), 'file');
  writeFileSync(path, 'a'.repeat(100));
  const seen = seenOf(path);
  for (const field of ['dev', 'ino', 'nlink', 'mode', 'uid', 'gid', 'size', 'mtimeNs', 'ctimeNs'] as const) {
    const other = Object.assign(Object.create(seen) as BigIntStats, { [field]: seen[field] + 1n });
    assert.equal(readSmall(byteStringOf(path), other, buffer), undefined, field);
  }
  assert.ok(readSmall(byteStringOf(path), seen, buffer));
});

test('readSmall() reads neither a folder nor a pipe nor through a link', { skip: isWindows }, (context) => {
  const root = temporaryFolder(context);
  const file = join(root, 'file');
  writeFileSync(file, 'secret');
  const seen = seenOf(file);
  mkdirSync(join(root, 'folder'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
  symlinkSync('file', join(root, 'link'));
  const codes = { folder: 'EISDIR', pipe: 'ESPIPE', link: 'ELOOP' };
  for (const [name, code] of Object.entries(codes))
    assert.throws(() => readSmall(byteStringOf(join(root, name)), seen, buffer), { code }, name);
});
