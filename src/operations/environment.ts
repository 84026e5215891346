/** What the operations take from the machine they run on, in one value, so that tests can give another. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, hostname, userInfo } from 'node:os';
import { type Clock, type RandomBytes, systemClock } from '../model/clock.ts';
import { errnoOf, UsageError } from '../model/errors.ts';
import { type Progress, silentProgress } from '../model/progress.ts';
import type { KeySource } from './key-source.ts';

export interface Environment {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly osHome: string;
  readonly host: string;
  readonly user: string;
  readonly platform: string;
  readonly nodeVersion: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** For names, which are to be unique and are no secret; `random` where there is none. */
  readonly unique?: RandomBytes;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  readonly lockWaitMs: number;
  /** Where the key of an encrypted repository comes from, besides the variables of the environment. */
  readonly keySource?: KeySource | undefined;
}

const defaultLockWaitMs = 60_000;
const require = createRequire(import.meta.url);

/** node:crypto takes 5 ms to load, and a run with nothing to store needs no random bytes. */
function randomBytes(count: number): Uint8Array {
  const crypto = require('node:crypto') as typeof import('node:crypto');
  return crypto.randomBytes(count);
}

/** The system's own, which takes 0.2 ms: a run that adds a little to a plain repository needs one name. */
function uniqueBytes(count: number): Uint8Array {
  return (process.platform === 'linux' && readDevice(count)) || randomBytes(count);
}

/** Undefined where it is not that device, or cannot be read. */
function readDevice(count: number): Uint8Array | undefined {
  const bytes = Buffer.alloc(count);
  try {
    const fd = openSync('/dev/urandom', 'r');
    try {
      const isWhole = fstatSync(fd).rdev === urandomDevice && readSync(fd, bytes, 0, count, null) === count;
      return isWhole ? bytes : undefined;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Major 1, minor 9. */
const urandomDevice = 0x109;

export function systemEnvironment(changes: Partial<Environment> = {}): Environment {
  return {
    env: process.env,
    cwd: currentFolder(),
    osHome: homedir(),
    host: hostname(),
    user: userName(),
    platform: process.platform,
    nodeVersion: process.version,
    clock: systemClock,
    random: randomBytes,
    unique: changes.random ?? uniqueBytes,
    progress: silentProgress,
    lockWaitMs: defaultLockWaitMs,
    ...changes,
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return ''; // A user id without a name, as in many containers.
  }
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new UsageError(
      'The current folder was removed',
      'Change to a folder that is there, and run the command again.',
    );
  }
}
