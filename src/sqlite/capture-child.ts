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
/** Read, and not yet answered. */
let waiting: string[] = [];

void serve();

/**
 * Requests are read by plain calls, as there is nothing else to do: to make a stream of the input takes 6 ms and more. A capture that waits
 * for something has to hear that the parent has ended, though, and makes one.
 */
async function serve(): Promise<void> {
  let isListening = false;
  const listen = (): void => {
    isListening = true;
    eachLine(process.stdin, (line) => void onRequest(line));
    process.stdin.on('close', leave);
  };
  while (!isListening) {
    const line = readLine();
    if (line === undefined) return listen();
    const waits = setImmediate(listen);
    await onRequest(line);
    clearImmediate(waits);
  }
}

async function onRequest(line: string): Promise<void> {
  const task = parseRequest(line);
  if (task === undefined) {
    folder = undefined; // the parent removes the copy when it has read it
    return;
  }
  folder = task.folder;
  tell(await captureDatabase(task, tell));
}

/** The next request: it is there, or will be. Leaves at the end of the input; undefined where it cannot be read so. */
function readLine(): string | undefined {
  if (waiting.length > 0) return waiting.shift();
  const buffer = Buffer.allocUnsafe(requestBytesMax);
  let bytes = 0;
  try {
    while (bytes === 0 || buffer[bytes - 1] !== newline) {
      const count = readSync(standardInput, buffer, bytes, buffer.length - bytes, null);
      if (count === 0) leave();
      bytes += count;
    }
  } catch (error) {
    if (errnoOf(error) === undefined || bytes > 0) throw error;
    return undefined;
  }
  waiting = buffer.toString('utf8', 0, bytes - 1).split('\n');
  return waiting.shift();
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
function leave(): never {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  process.exit();
}
