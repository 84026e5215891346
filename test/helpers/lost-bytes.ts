/** A disk that loses what it was given, in place of `fsync` and `fsyncSync`. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

/** As Linux tells it: each opening of the file is told once, whichever thread asks. Returns what ends it before the test does. */
export function loseBytes(context: TestContext): () => void {
  const { fsync, fsyncSync } = fs;
  const told = new Set<number>();
  const lost = (fd: number): Error | null => {
    if (told.has(fd)) return null;
    told.add(fd);
    return Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', syscall: 'fsync' });
  };
  fs.fsyncSync = (fd) => {
    const error = lost(fd);
    if (error !== null) throw error;
  };
  fs.fsync = ((fd: number, done: (error: Error | null) => void) => {
    const error = lost(fd); // in a thread, while this one goes on
    setImmediate(done, error);
  }) as typeof fs.fsync;
  syncBuiltinESMExports();
  const stop = () => {
    Object.assign(fs, { fsync, fsyncSync });
    syncBuiltinESMExports();
  };
  context.after(stop);
  return stop;
}
