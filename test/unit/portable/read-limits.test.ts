import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { openArchive } from '../../../src/portable/archive-reader.ts';
import {
  ArchiveFolder,
  paxHeader,
  readBytes,
  refuses,
  tarArchive,
  tarEnd,
  tarHeader,
  zipArchive,
} from '../../helpers/archives.ts';

const MiB = 1024 * 1024;

/** A tar of one file of zeros, packed piece by piece. */
function packedZeros(bytes: number, pack: (piece: Buffer) => Buffer): Buffer {
  const piece = pack(Buffer.alloc(MiB));
  const pieces = Array.from({ length: bytes / MiB }, () => piece);
  return Buffer.concat([pack(tarHeader({ name: 'zeros', size: bytes })), ...pieces, pack(tarEnd)]);
}

async function bytesRead(archive: Buffer): Promise<number> {
  using folder = new ArchiveFolder();
  await using reader = await openArchive(folder.write('x', archive));
  let bytes = 0;
  for await (const { content } of reader.entries()) for await (const piece of content) bytes += piece.length;
  return bytes;
}

test('entries() reads zeros as gzip packs them at its best', async () => {
  const archive = gzipSync(
    Buffer.concat([tarHeader({ name: 'zeros', size: 100 * MiB }), Buffer.alloc(100 * MiB), tarEnd]),
  );
  assert.ok((100 * MiB) / archive.length > 1000);
  assert.equal(await bytesRead(archive), 100 * MiB);
});

test('entries() stops a bomb at the ratio, not before 64 MiB came out', async () => {
  const small = packedZeros(32 * MiB, (piece) => zstdCompressSync(piece));
  assert.ok((32 * MiB) / small.length > 1100);
  assert.equal(await bytesRead(small), 32 * MiB);
  const bomb = packedZeros(512 * MiB, (piece) => zstdCompressSync(piece));
  const rssBefore = process.memoryUsage().rss;
  await refuses(bomb, /unpack to \d+ and more \(limit ratioMax: 1100\)/);
  assert.ok(process.memoryUsage().rss - rssBefore < 300 * MiB);
});

test('entries() takes a ratio that the caller allows', async () => {
  const bomb = packedZeros(72 * MiB, (piece) => zstdCompressSync(piece));
  const { entries } = await readBytes(bomb, { ratioMax: 100_000 });
  assert.equal(entries[0]?.content.length, 72 * MiB);
});

test('entries() stops at too many bytes, before they are read when a header says so', async () => {
  const honest = tarArchive({ name: 'a', content: 'x'.repeat(300_000) });
  await refuses(
    honest,
    /entry "a" says it has 300000 bytes, too many in all \(limit totalBytesMax: 100000\)/,
    {
      totalBytesMax: 100_000,
    },
  );
  const padding = Buffer.concat([tarArchive({ name: 'a' }), Buffer.alloc(100_000 - (100_000 % 512))]);
  await refuses(gzipSync(padding), /too many bytes \(limit totalBytesMax: 50000\)/, {
    totalBytesMax: 50_000,
  });
  await refuses(zipArchive([{ name: 'a', content: 'x'.repeat(3000), method: 8 }]), /totalBytesMax: 2000/, {
    totalBytesMax: 2000,
  });
});

test('entries() stops at too many entries of any kind', async () => {
  const files = Array.from({ length: 11 }, (_, index) => ({ name: `f${index}` }));
  assert.equal((await readBytes(tarArchive(...files), { entriesMax: 11 })).entries.length, 11);
  await refuses(tarArchive(...files), /too many entries \(limit entriesMax: 10\)/, { entriesMax: 10 });
  const pipes = files.map((file) => ({ ...file, type: '6' }));
  await refuses(tarArchive(...pipes), /entriesMax: 10/, { entriesMax: 10 });
  const globals = files.map(() => paxHeader({ comment: 'x' }, 'g'));
  await refuses(tarArchive(...globals, { name: 'f' }), /entriesMax: 10/, { entriesMax: 10 });
  const folders = files.map(() => ({ name: 'same/', type: '5' }));
  await refuses(tarArchive(...folders), /entriesMax: 10/, { entriesMax: 10 });
  await refuses(zipArchive(files), /names 11 entries \(limit entriesMax: 10\)/, { entriesMax: 10 });
});

test('entries() keeps to smaller limits of names', async () => {
  await refuses(tarArchive({ name: 'a/b/c' }), /depthMax: 2/, { depthMax: 2 });
  await refuses(tarArchive({ name: 'abcdef' }), /componentBytesMax: 5/, { componentBytesMax: 5 });
  await refuses(tarArchive({ name: 'ab/cd' }), /pathBytesMax: 4/, { pathBytesMax: 4 });
  await refuses(tarArchive({ name: 'l', type: '2', link: 'target' }), /linkTargetBytesMax: 5/, {
    linkTargetBytesMax: 5,
  });
  await refuses(tarArchive(paxHeader({ comment: 'x'.repeat(100) }), { name: 'a' }), /headerBytesMax: 50/, {
    headerBytesMax: 50,
  });
});

test('entries() hands out 100,000 empty files quickly and in little memory', async () => {
  const headers: Buffer[] = [];
  for (let index = 0; index < 100_000; index++)
    headers.push(tarHeader({ name: `root/d${index % 100}/f${index}` }));
  using folder = new ArchiveFolder();
  const path = folder.write('x', gzipSync(tarArchive(...headers), { level: 1 }));
  headers.length = 0;
  const rssBefore = process.memoryUsage().rss;
  const startedMs = performance.now();
  await using reader = await openArchive(path);
  let count = 0;
  for await (const { entry } of reader.entries()) if (entry.type === 'file') count++;
  assert.equal(count, 100_000);
  assert.ok(performance.now() - startedMs < 15_000, 'far above what it takes: 1.5 s on two slow cores');
  assert.ok(process.memoryUsage().rss - rssBefore < 150 * MiB);
});
