import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { ArchiveError, FileSystemError, UsageError } from '../../../src/model/errors.ts';
import { openArchive } from '../../../src/portable/archive-reader.ts';
import {
  ArchiveFolder,
  hasProgram,
  readArchive,
  refuses,
  tarArchive,
  zipArchive,
} from '../../helpers/archives.ts';

const small = tarArchive({ name: 'a', content: 'one' }, { name: 'b', content: 'two' });
const big = tarArchive(
  { name: 'a', content: Buffer.alloc(3_000_000, 'a') },
  { name: 'b', content: Buffer.alloc(3_000_000, 'b') },
  { name: 'c', content: 'end' },
);

test('openArchive() tells kinds by content, not by name', async () => {
  using folder = new ArchiveFolder();
  const kinds = {
    tar: small,
    'tar.gz': gzipSync(small),
    'tar.zst': zstdCompressSync(small),
    zip: zipArchive([{ name: 'a', content: 'one' }]),
  };
  for (const [format, bytes] of Object.entries(kinds)) {
    await using reader = await openArchive(folder.write('anything.txt', bytes));
    assert.equal(reader.format, format);
  }
});

test('openArchive() says what a file that is no archive starts with', async () => {
  await refuses(
    Buffer.from('{ "json": true }'),
    /not an archive that Exuvia reads .*: it starts with "\{ \\"json/,
  );
  await refuses(Buffer.from([0, 1, 2, 255]), /it starts with 00 01 02 ff$/);
  await refuses(Buffer.from('SQLite format 3\0 and more'), /as a SQLite database does/);
  await refuses(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0]), /as an xz file does/);
  await refuses(
    gzipSync(Buffer.from('just text')),
    /gzip file, but what is inside it starts with "just tex"/,
  );
  await refuses(gzipSync(gzipSync(small)), /gzip file, but what is inside/);
  await refuses(zstdCompressSync(Buffer.alloc(0)), /zstd file, but what is inside it is nothing/);
});

test('openArchive() has a sentence for what cannot be opened', async () => {
  using folder = new ArchiveFolder();
  await assert.rejects(openArchive(folder.at('missing')), (error) => {
    assert.ok(error instanceof FileSystemError);
    assert.match(error.message, /Cannot open archive .*missing: no such file or folder/);
    return true;
  });
  await assert.rejects(openArchive(folder.path), /is a folder, not an archive/);
  await assert.rejects(openArchive(folder.write('empty', Buffer.alloc(0))), /is empty \(0 bytes\)/);
  if (hasProgram('mkfifo')) {
    folder.run('mkfifo', 'pipe');
    await assert.rejects(openArchive(folder.at('pipe')), /is not a file/);
  }
});

test('openArchive() refuses limits that mean nothing', async () => {
  await assert.rejects(openArchive('x', { entriesMax: 0 }), UsageError);
  await assert.rejects(openArchive('x', { ratioMax: Number.NaN }), UsageError);
  await assert.rejects(openArchive('x', { wrong: 1 } as object), UsageError);
});

test('entries() can be asked for again', async () => {
  using folder = new ArchiveFolder();
  for (const bytes of [gzipSync(small), zipArchive([{ name: 'a' }, { name: 'b' }])]) {
    await using reader = await openArchive(folder.write('x', bytes));
    for (let pass = 0; pass < 3; pass++) {
      const names: string[] = [];
      for await (const { entry } of reader.entries()) names.push(entry.path);
      assert.deepEqual(names, ['a', 'b']);
    }
  }
});

test('entries() reads on when a content is ignored or left early', async () => {
  using folder = new ArchiveFolder();
  await using reader = await openArchive(folder.write('x', gzipSync(big)));
  const seen: string[] = [];
  for await (const { entry, content } of reader.entries()) {
    if (entry.path === 'c') for await (const piece of content) seen.push(Buffer.from(piece).toString());
    if (entry.path !== 'b') continue;
    for await (const piece of content) {
      seen.push(Buffer.from(piece).toString('utf8', 0, 1));
      break;
    }
  }
  assert.deepEqual(seen, ['b', 'end']);
});

test('entries() says so when a content is read twice or too late', async () => {
  using folder = new ArchiveFolder();
  for (const bytes of [big, zipArchive([{ name: 'a', content: 'x' }])]) {
    await using reader = await openArchive(folder.write('x', bytes));
    for await (const { content } of reader.entries()) {
      for await (const _ of content);
      await assert.rejects(async () => {
        for await (const _ of content);
      }, /asked for twice/);
    }
  }
  await using reader = await openArchive(folder.at('x'));
  assert.equal(reader.format, 'zip');
  await using tar = await openArchive(folder.write('y', big));
  let first: AsyncIterable<Uint8Array> | undefined;
  for await (const { content } of tar.entries()) {
    if (first === undefined) {
      first = content;
      continue;
    }
    const late = first;
    await assert.rejects(async () => {
      for await (const _ of late);
    }, /after the next entry/);
    break;
  }
});

test('a reader closes its file, however it was left', { skip: process.platform !== 'linux' }, async () => {
  using folder = new ArchiveFolder();
  const archives = [big, gzipSync(big), zstdCompressSync(big), zipArchive([{ name: 'a', content: 'x' }])];
  for (const bytes of archives) {
    const path = folder.write('x', bytes);
    {
      await using reader = await openArchive(path);
      for await (const { content } of reader.entries()) {
        for await (const _ of content) break;
        break;
      }
      const unfinished = reader.entries()[Symbol.asyncIterator]();
      await unfinished.next();
    }
    assert.deepEqual(openFilesBelow(folder.path), []);
  }
  await assert.rejects(readArchive(folder.write('x', Buffer.from('text'))));
  await assert.rejects(readArchive(folder.write('x', big.subarray(0, 4_000_000))));
  assert.deepEqual(openFilesBelow(folder.path), []);
});

function openFilesBelow(path: string): string[] {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the descriptor of this very listing
    }
  });
  return links.filter((link) => link.startsWith(path));
}

test('entries() notices an archive that changes while it is read', async () => {
  using folder = new ArchiveFolder();
  const path = folder.write('x', big);
  await using reader = await openArchive(path);
  await assert.rejects(async () => {
    for await (const { entry } of reader.entries()) {
      if (entry.path === 'a') writeFileSync(path, Buffer.concat([big, Buffer.alloc(512)]));
    }
  }, /changed while it was read/);
});

test('entries() fails with the error of the archive, an ArchiveError', async () => {
  using folder = new ArchiveFolder();
  const path = folder.write('x', gzipSync(big).subarray(0, -10));
  await using reader = await openArchive(path);
  await assert.rejects(async () => {
    for await (const { content } of reader.entries()) for await (const _ of content);
  }, ArchiveError);
});
