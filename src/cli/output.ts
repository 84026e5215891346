/**
 * Standard output and standard error without the streams that Node makes of them: to load those takes as long as a small command
 * runs (measured: 6 ms of processor time of 110). Where a plain call does not do, the stream takes over.
 */
import { fstatSync, statSync, writeSync } from 'node:fs';
import { FileSystemError } from '../index.ts';
import { exitCodes } from './exit-codes.ts';

/** 0, 1 and 2: input, output and errors. */
export function isTerminal(fd: 0 | 1 | 2): boolean {
  if (process.platform !== 'win32' && cannotBeTerminal(fd)) return false;
  const stream = fd === 0 ? process.stdin : fd === 1 ? process.stdout : process.stderr;
  return stream.isTTY === true;
}

/** A file, a pipe, a socket or the null device, as seen without asking what it can do. */
function cannotBeTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return !stat.isCharacterDevice() || stat.rdev === statSync('/dev/null').rdev;
  } catch {
    return false; // closed, or a system without that name: the stream knows
  }
}

/** What is written through the stream once is written through it from then on: it may have kept some back. */
const streamed = new Set<1 | 2>();
/** Whether nobody can be told anything any more: its reader has gone, or its disk is full. */
let isMute = false;

export function writeOut(text: string | Uint8Array): void {
  write(1, text);
}

export function writeError(text: string): void {
  if (!isMute) write(2, text);
}

/** For what has to wait until its reader has taken some. */
export function outputStream(): NodeJS.WriteStream {
  return streamOf(1);
}

function write(fd: 1 | 2, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const rest = process.platform === 'win32' || streamed.has(fd) ? bytes : writeAtOnce(fd, bytes);
  if (rest.length > 0) streamOf(fd).write(rest);
}

/** Returns what could not be written: the stream waits for the reader, or says what is wrong. */
function writeAtOnce(fd: number, bytes: Uint8Array): Uint8Array {
  let done = 0;
  try {
    while (done < bytes.length) done += writeSync(fd, bytes, done);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
  }
  return bytes.subarray(done);
}

function streamOf(fd: 1 | 2): NodeJS.WriteStream {
  const stream = fd === 1 ? process.stdout : process.stderr;
  // A backup is worth more than what is said beside it: it goes on.
  if (!streamed.has(fd)) stream.on('error', fd === 1 ? endWithoutOutput : () => (isMute = true));
  streamed.add(fd);
  return stream;
}

/** Who reads our output may stop early (`exuvia backup list | head -1`): that is no failure of ours. Anything else is. */
function endWithoutOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? exitCodes.done);
  const { message } = new FileSystemError('write', 'the output', error);
  writeError(`exuvia: ${message}\n`);
  process.exit(exitCodes.failed);
}
