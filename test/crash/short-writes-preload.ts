/** Loaded into the program before anything else: a write takes about half of what it is given, as on a full pipe or a remote disk. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { writeSync } = fs;

fs.writeSync = ((fd: number, bytes: unknown, ...words: unknown[]) => {
  const [offset, length, position] = words;
  if (!(bytes instanceof Uint8Array) || typeof offset === 'object' || fd <= 2)
    return (writeSync as (...all: unknown[]) => number)(fd, bytes, ...words);
  const from = typeof offset === 'number' ? offset : 0;
  const count = typeof length === 'number' ? length : bytes.length - from;
  return writeSync(fd, bytes, from, Math.ceil(count / 2), position as number | null);
}) as typeof fs.writeSync;
syncBuiltinESMExports();
