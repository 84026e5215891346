/**
 * The process that captures databases: requests come as lines on standard input, results leave as lines on standard
 * output, one at a time. It is a process of its own because closing any descriptor of a file drops all the locks that the
 * process holds on it, SQLite's too; and because a crash in native code must cost one database, not the run.
 */
import { readSync, rmSync, writeSync } from 'node:fs';
import { errnoOf } from '../model/errors.ts';
import { byteStringFromBytes } from '../model/paths.ts';
import { captureDatabase } from './capture-database.ts';
import { eachLine } from './lines.ts';
import {
  type CaptureRequest,
  type CaptureResult,
  type CaptureSource,
  leaveRequest,
  type UncheckedCopy,
} from './result.ts';

process.umask(0o077); // SQLite makes its files 0644 before the umask
// An interrupt reaches the whole group of processes. The parent decides, and tells by ending our input.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});

const standardInput = 0;
/** `process.stdout` is a stream, which takes 2 ms to make. */
const standardOutput = 1;
const newline = 0x0a;
/** More than the longest path of any system, in base64, and a folder. */
const requestBytesMax = 256 * 1024;

let folder: string | undefined;

const first = readFirstLine();
if (first !== undefined) void onRequest(first);
eachLine(process.stdin, (line) => void onRequest(line));
process.stdin.on('close', leave);

async function onRequest(line: string): Promise<void> {
  const task = parseRequest(line);
  if (task === undefined) {
    folder = undefined; // the parent removes the copy when it has read it
    return;
  }
  folder = task.folder;
  tell(await captureDatabase(task, tell));
}

/**
 * The first request is there when we are, or will be in a moment. To make a stream of the input takes 6 ms, which is done while nobody
 * waits for it. Undefined where the input cannot be read so, or has ended.
 */
function readFirstLine(): string | undefined {
  const buffer = Buffer.alloc(requestBytesMax);
  let bytes = 0;
  try {
    while (bytes < buffer.length) {
      const count = readSync(standardInput, buffer, bytes, buffer.length - bytes, null);
      bytes += count;
      if (count === 0) return undefined;
      if (buffer[bytes - 1] === newline) return buffer.toString('utf8', 0, bytes - 1);
    }
  } catch (error) {
    if (errnoOf(error) === undefined || bytes > 0) throw error;
  }
  return undefined;
}

/** Results are small, and a pipe takes them at once, which matters before a check that takes long. */
function tell(message: UncheckedCopy | CaptureResult): void {
  try {
    writeSync(standardOutput, `${JSON.stringify(message)}\n`);
  } catch (error) {
    if (errnoOf(error) !== 'EPIPE') throw error; // the parent has ended, and so has our input
  }
}

/** Undefined for the last one. */
function parseRequest(line: string): CaptureSource | undefined {
  const request = JSON.parse(line) as CaptureRequest | typeof leaveRequest;
  if (request === leaveRequest) return undefined;
  const source = byteStringFromBytes(Buffer.from(request.path, 'base64'));
  return { source, folder: request.folder };
}

/** The parent has ended, or ended us. If it was killed, nobody else would remove the copy. */
function leave(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  process.exit();
}
