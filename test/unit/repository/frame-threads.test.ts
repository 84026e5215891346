/** Threads only save time: where there are none, frames are written and read all the same. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { awaitCount } from '../../../src/repository/frame-threads.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const modules = new URL('../../../src/repository/', import.meta.url).href;

/** Writes, reads and verifies enough for threads; tells whether they are there. */
const program = `
  import { randomBytes } from 'node:crypto';
  import { FrameThreads } from '${modules}frame-threads.ts';
  import { Repository } from '${modules}repository.ts';
  const options = { create: true, lockWaitMs: 1000, nowMs: 0, random: randomBytes };
  const blobs = Array.from({ length: 600 }, () => randomBytes(50_000));
  const ids = await withRepository('append', async (repository) => {
    const written = [];
    for (const blob of blobs) {
      written.push(repository.writeBlob('data', blob));
      await new Promise(setImmediate);
    }
    repository.flush();
    return written;
  });
  await withRepository('read', (repository) => {
    for (let at = 0; at < ids.length; at += 50) {
      repository.expectBlobs(ids.slice(at, at + 100));
      for (let index = at; index < at + 50; index++)
        if (!blobs[index].equals(repository.readBlob(ids[index]))) throw new Error('other bytes');
    }
  });
  await withRepository('read', ({ maintenance }) => {
    maintenance.beginVerifying();
    const packs = [...maintenance.packDirectories()].map(({ found }) => found.directory);
    maintenance.expectVerified(packs);
    for (const pack of packs)
      for (const { bad } of maintenance.verifyFrames(pack)) if (bad !== undefined) throw new Error(bad.detail);
  });
  const threads = new FrameThreads(2);
  for (let tries = 0; tries < 300 && !threads.areReady; tries++) await new Promise((go) => setTimeout(go, 10));
  console.log(threads.areReady ? 'threads' : 'no threads');
  await threads.end();

  async function withRepository(mode, work) {
    await using repository = Repository.open(process.env.ROOT, { ...options, mode });
    return await work(repository);
  }
`;

const failingThreads = `--import "data:text/javascript,
  import { isMainThread } from 'node:worker_threads';
  if (!isMainThread) throw new Error('no thread starts');"`.replaceAll(/\n */g, '');

for (const [how, nodeOptions, found] of [
  ['in a program that is no file', '', 'threads'],
  ['where threads fail when they start', failingThreads, 'no threads'],
] as const) {
  test(`frames are written, read and verified ${how}`, { timeout: 60_000 }, async (context) => {
    const args = ['--input-type=module', '--eval', program];
    const env = { ...process.env, ROOT: temporaryFolder(context), NODE_OPTIONS: nodeOptions };
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    assert.deepEqual({ stdout: stdout.trim(), stderr, status }, { stdout: found, stderr: '', status: 0 });
  });
}

test('who waits for an answer does not take being woken for one', async () => {
  const count = new Int32Array(new SharedArrayBuffer(4));
  const waker = new Worker(
    `const { workerData: count } = require('node:worker_threads');
     const nothing = new Int32Array(new SharedArrayBuffer(4));
     for (let times = 0; times < 40; times++) {
       Atomics.wait(nothing, 0, 0, 5);
       Atomics.notify(count, 0); // as a thread that was stopped after it had counted the answer before
     }
     Atomics.add(count, 0, 1);
     Atomics.notify(count, 0);`,
    { eval: true, workerData: count },
  );
  assert.equal(awaitCount(count, 0, 60_000), true);
  assert.equal(count[0], 1);
  assert.equal(awaitCount(count, 1, 20), false);
  await waker.terminate();
});

test('a thread that gets on is waited for as long as it does', async () => {
  const count = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(
    `const { workerData: count } = require('node:worker_threads');
     const nothing = new Int32Array(new SharedArrayBuffer(4));
     for (let times = 0; times < 30; times++) {
       Atomics.wait(nothing, 0, 0, 50);
       Atomics.add(count, 1, 1);
     }
     Atomics.wait(nothing, 0, 0, 50);
     Atomics.add(count, 0, 1);
     Atomics.notify(count, 0);`,
    { eval: true, workerData: count },
  );
  assert.equal(
    awaitCount(count, 0, 700, () => Atomics.load(count, 1)),
    true,
  );
  assert.equal(
    awaitCount(count, 1, 100, () => Atomics.load(count, 1)),
    false,
  );
  await worker.terminate();
});
