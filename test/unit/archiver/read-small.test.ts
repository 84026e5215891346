import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSmall } from '../../../src/archiver/read-file.ts';
import { byteStringOf } from '../../../src/model/paths.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const buffer = Buffer.alloc(1000);

test('readSmall() gives all of a file, up to the length of the buffer', (context) => {
  const path = join(temporaryFolder(context), 'file');
  for (const bytes of [0, 1, 999, 1000]) {
    const content = Buffer.alloc(bytes, 'x');
    writeFileSync(path, content);
    const read = readSmall(byteStringOf(path), buffer);
    assert.deepEqual(Buffer.from(read!.bytes), content);
    assert.equal(read!.stat.size, BigInt(bytes));
  }
  writeFileSync(path, Buffer.alloc(1001));
  assert.equal(readSmall(byteStringOf(path), buffer), undefined);
});

test('readSmall() reads neither a folder nor a pipe nor through a link', {
  skip: process.platform === 'win32',
}, (context) => {
  const root = temporaryFolder(context);
  mkdirSync(join(root, 'folder'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
  writeFileSync(join(root, 'file'), 'secret');
  symlinkSync('file', join(root, 'link'));
  for (const name of ['folder', 'pipe'])
    assert.equal(readSmall(byteStringOf(join(root, name)), buffer), undefined);
  assert.throws(() => readSmall(byteStringOf(join(root, 'link')), buffer), { code: 'ELOOP' });
});
