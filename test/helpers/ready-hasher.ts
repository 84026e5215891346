import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { ThreadHasher } from '../../src/repository/file-hasher.ts';

/** Threads that run before they are needed: which files they get does not depend on how busy the machine is. */
export async function readyHasher(): Promise<ThreadHasher> {
  const hasher = new ThreadHasher();
  hasher.start();
  for (let tries = 0; !hasher.hasRoom; tries++) {
    assert.ok(tries < 1000, 'no thread has started');
    await setTimeout(10);
  }
  return hasher;
}
