/** Threads that hash files: each question has its own answer, whatever became of those before it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fingerprintOf } from '../../../src/archiver/fingerprint.ts';
import { hashBytes } from '../../../src/codec/hash.ts';
import { byteStringOf } from '../../../src/model/paths.ts';
import type { FilesToHash } from '../../../src/model/store.ts';
import { readyHasher } from '../../helpers/ready-hasher.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const zeros = Buffer.alloc(32);

function question(paths: readonly string[]): FilesToHash {
  return {
    paths: paths.map((path) => byteStringOf(path)).join('\0'),
    stamps: Buffer.concat(paths.map((path) => fingerprintOf(lstatSync(path, { bigint: true }), []))),
  };
}

function hashAt(hashes: Uint8Array, number: number): Buffer {
  return Buffer.from(hashes.subarray(32 * number, 32 * (number + 1)));
}

function folderOf(context: TestContext, sizes: readonly number[]): { paths: string[]; contents: Buffer[] } {
  const root = temporaryFolder(context);
  const random = new Seeded(2);
  const contents = sizes.map((size) => random.bytes(size));
  const paths = contents.map((content, number) => {
    const path = join(root, `ä ${number}`);
    writeFileSync(path, content);
    return path;
  });
  return { paths, contents };
}

test('files of every size are hashed', async (context) => {
  const MiB = 1024 * 1024;
  const { paths, contents } = folderOf(context, [0, 1, 4096, MiB - 1, MiB, MiB + 1, 5 * MiB + 17]);
  await using hasher = await readyHasher();
  const hashes = hasher.hash(question(paths))();
  for (const [number, content] of contents.entries())
    assert.deepEqual(hashAt(hashes, number), Buffer.from(hashBytes(content)), `${content.length} bytes`);
});

test('an answer that nobody asks for is not given to the next question', async (context) => {
  const { paths, contents } = folderOf(context, [5000, 5000, 5000, 5000]);
  await using hasher = await readyHasher();
  const answers = paths.map((path) => hasher.hash(question([path])));
  for (const number of [2, 0, 3, 1, 2])
    assert.deepEqual(Buffer.from(answers[number]!()), Buffer.from(hashBytes(contents[number]!)));
});

test('room comes back where nobody asks for answers', async (context) => {
  const { paths } = folderOf(context, [5000]);
  await using hasher = await readyHasher();
  for (let tasks = 0; tasks < 200; tasks++) {
    for (let tries = 0; !hasher.hasRoom; tries++) {
      assert.ok(tries < 1000, `no room after ${tasks} questions`);
      await setTimeout(1);
    }
    hasher.hash(question(paths));
  }
});

test('what is not as it was looked at has no hash', {
  skip: process.platform === 'win32',
}, async (context) => {
  const { paths, contents } = folderOf(context, [3000, 3000, 3000, 3000, 3000, 3000, 2_000_000]);
  const asked = question(paths);
  const [grown, gone, folder, pipe, link, replaced, cut] = paths as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  appendFileSync(grown, 'x');
  rmSync(gone);
  rmSync(folder);
  mkdirSync(folder);
  rmSync(pipe);
  execFileSync('mkfifo', [pipe]);
  renameSync(link, `${link} moved`);
  symlinkSync(`${link} moved`, link);
  writeFileSync(`${replaced} new`, contents[5]!);
  renameSync(`${replaced} new`, replaced);
  writeFileSync(cut, contents[6]!.subarray(0, 1_500_000));
  await using hasher = await readyHasher();
  const hashes = hasher.hash(asked)();
  for (const [number, path] of paths.entries()) assert.deepEqual(hashAt(hashes, number), zeros, path);
});
