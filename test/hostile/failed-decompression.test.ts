/**
 * Repositories crafted so that very many decompressions fail, each after it has been given all the memory that it may claim: what fails must
 * not be held. Each runs in a process that cannot take more than `hardLimitBytes`, and must stay below `memoryBytes`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { encodeFrame, type FrameKind } from '../../src/codec/frame.ts';
import { blobIdOf, hashBytes } from '../../src/codec/hash.ts';
import { encodePackEnd, encodePackHeader, type PackedFrame, packHeaderBytes } from '../../src/codec/pack.ts';
import { snapshotFileName } from '../../src/codec/snapshot-codec.ts';
import { parsePackId, type SnapshotId } from '../../src/model/ids.ts';
import { limits } from '../../src/model/limits.ts';
import { launcherPath } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { CraftedRepository, frameKinds } from './crafted-repository.ts';

const MiB = 1024 * 1024;
const memoryBytes = 500 * MiB;
const hardLimitBytes = 3000 * MiB;
const blockBytes = 128 * 1024;

/** A zstd frame of `rawBytes` bytes that is whole in all its headers, decodes almost to its end, and is damaged in its last block. */
function failingZstd(rawBytes: number): Buffer {
  const repeated = Buffer.alloc(4, 'a');
  repeated.writeUIntLE((blockBytes << 3) | 0b010, 0, 3);
  const blocks = Array.from({ length: rawBytes / blockBytes - 1 }, () => repeated);
  return Buffer.concat([
    Buffer.from('28b52ffd0058', 'hex'),
    ...blocks,
    Buffer.from('2d0000ffffffffff', 'hex'),
  ]);
}

/** Its checksum is right. */
function failingFrame(kind: FrameKind, rawBytes: number): Buffer {
  const body = Buffer.concat([Buffer.alloc(12), failingZstd(rawBytes)]);
  body.writeUInt8(1, 0);
  body.writeUInt8(frameKinds[kind], 1);
  body.writeUInt32LE(rawBytes, 4);
  body.writeUInt32LE(1, 8);
  const header = Buffer.alloc(12);
  header.write('XFRM', 'latin1');
  header.writeUInt32LE(body.length, 4);
  header.writeUInt32LE(crc32(body, crc32(header.subarray(4, 8))), 8);
  return Buffer.concat([header, body]);
}

const newPackId = () => parsePackId(randomBytes(16).toString('hex'));

/** A pack without a directory: a sound frame, then small false ones, then large ones. */
function packOfFalseFrames(bytes: number): Buffer {
  const fill = (length: number, piece: Buffer): Buffer =>
    Buffer.alloc(length - (length % piece.length), piece);
  return Buffer.concat([
    encodePackHeader(newPackId()),
    encodeFrame('data', [Buffer.from('still here')], { level: 0 }),
    fill(MiB, failingFrame('data', blockBytes)),
    fill(bytes - MiB, failingFrame('data', limits.frameRawBytesMax)),
  ]);
}

/** A pack that is sound but for its directory, which claims all that one may. */
function packOfFailingDirectory(): { id: ReturnType<typeof newPackId>; bytes: Buffer } {
  const id = newPackId();
  const header = encodePackHeader(id);
  const directory = failingFrame('directory', limits.packDirectoryBytesMax);
  const trailer = Buffer.alloc(32);
  trailer.writeUInt32LE(header.length, 0);
  trailer.writeUInt32LE(directory.length, 4);
  Buffer.from(hashBytes(Buffer.concat([header, directory, trailer.subarray(0, 16)]))).copy(trailer, 16, 0, 8);
  trailer.write('EXUVIAPE', 24, 'latin1');
  return { id, bytes: Buffer.concat([header, directory, trailer]) };
}

function addPackOfFailingFrames(made: CraftedRepository, count: number): void {
  const id = newPackId();
  const frame = failingFrame('data', limits.frameRawBytesMax);
  const frames = Array.from({ length: count }, (_, index): PackedFrame => {
    const blobs = [{ id: blobIdOf(Buffer.from(`${index}`)), bytes: 1 }];
    return { offset: packHeaderBytes + index * frame.length, bytes: frame.length, kind: 'data', blobs };
  });
  const parts = [encodePackHeader(id), ...frames.map(() => frame), encodePackEnd({ id, frames })];
  made.writePack(id, Buffer.concat(parts));
}

/** Files whose checksum is right and whose record claims all that one may. */
function addFailingSnapshots(made: CraftedRepository, count: number): void {
  const body = failingZstd(limits.snapshotRawBytesMax);
  for (let index = 0; index < count; index++) {
    const header = Buffer.alloc(20);
    header.write('EXUVIASN', 'latin1');
    header.writeUInt16LE(1, 8);
    header.writeUInt8(1, 11);
    header.writeUInt32LE(body.length, 12);
    header.writeUInt32LE(limits.snapshotRawBytesMax, 16);
    const content = Buffer.concat([header, body]);
    content.writeUInt8(index & 0xff, content.length - 1); // another id for each
    content.writeUInt8(index >> 8, content.length - 2);
    const id = Buffer.from(hashBytes(content));
    const name = snapshotFileName('2026-11-20T10:00:00.000Z', id.toString('hex') as SnapshotId);
    writeFileSync(join(made.root, 'snapshots', name), Buffer.concat([content, id]));
  }
}

interface Ran {
  readonly status: number | null;
  readonly text: string;
  readonly memoryBytes: number;
}

function runLimited(args: readonly string[], folder: string): Ran {
  const hook = join(folder, 'measure.cjs');
  const result = join(folder, 'memory');
  const measure = `require('node:fs').writeFileSync(${JSON.stringify(result)}, String(process.resourceUsage().maxRSS))`;
  writeFileSync(hook, `process.on('exit', () => ${measure})`);
  writeFileSync(result, 'not written');
  const shell = `ulimit -d ${hardLimitBytes / 1024}; exec "$@"`;
  const words = ['-c', shell, 'sh', process.execPath, `--require=${hook}`, launcherPath, ...args];
  const { status, stdout, stderr } = spawnSync('/bin/sh', words, {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr, memoryBytes: Number(readFileSync(result, 'utf8')) * 1024 };
}

function attack(
  context: TestContext,
  args: readonly string[],
  craft: (made: CraftedRepository) => void,
): Ran {
  const home = temporaryFolder(context);
  const made = new CraftedRepository(join(home, 'repository'));
  craft(made);
  const ran = runLimited([...args, '--repository', made.root], home);
  context.diagnostic(`${Math.round(ran.memoryBytes / MiB)} MiB`);
  assert.ok(ran.memoryBytes < memoryBytes, `${ran.memoryBytes} bytes\n${ran.text.slice(0, 2000)}`);
  return ran;
}

describe('memory is bounded where decompressions fail', () => {
  test('a pack of 17 MiB of false frames is salvaged', (context) => {
    const { status, text } = attack(context, ['backup', 'check', '--repair'], (made) => {
      made.snapshot(null);
      made.writePack(newPackId(), packOfFalseFrames(17 * MiB));
    });
    assert.equal(status, 0, text);
    assert.match(text, /1 blob/);
  });

  test('a pack all of whose 250 frames fail is checked', (context) => {
    const { status, text } = attack(context, ['backup', 'check', '--read-data'], (made) => {
      made.snapshot(null);
      addPackOfFailingFrames(made, 250);
    });
    assert.equal(status, 4, text);
    assert.match(text, /cannot be decoded/);
  });

  test('60 packs whose directories fail are listed', (context) => {
    const { status, text } = attack(context, ['backup', 'list'], (made) => {
      made.snapshot(null);
      for (let count = 0; count < 60; count++) {
        const { id, bytes } = packOfFailingDirectory();
        made.writePack(id, bytes);
      }
    });
    assert.equal(status, 4, text);
    assert.equal(text.match(/directory: its compressed bytes cannot be decoded/g)?.length, 60);
  });

  test('150 snapshot files whose records fail are listed', (context) => {
    const { status, text } = attack(context, ['backup', 'list'], (made) => {
      made.snapshot(null);
      addFailingSnapshots(made, 150);
    });
    assert.equal(status, 4, text);
    assert.equal(text.match(/its compressed bytes cannot be decoded/g)?.length, 150);
  });
});
