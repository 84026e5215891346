/**
 * The parent's side of capturing: starts the child, ahead of the first database where one is expected, asks it one database at a time, and
 * outlives its death.
 */
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { makePrivateFolder, removeTemporary } from '../io/files.ts';
import { errnoOf, messageOf } from '../model/errors.ts';
import { type ByteString, byteStringFromLatin1, byteStringToBytes, fsPath } from '../model/paths.ts';
import { eachLine } from './lines.ts';
import {
  type CaptureRequest,
  type CaptureResult,
  leaveRequest,
  type OnCopied,
  type UncheckedCopy,
} from './result.ts';

export type { CaptureMethod, CaptureResult, OnCopied, UncheckedCopy } from './result.ts';

export interface CaptureProcessOptions {
  /** The child's program; by default the one that belongs to this module. */
  readonly childPath?: string;
  /** How long a capture of so many bytes may take. */
  readonly timeLimitMs?: (bytes: number) => number;
}

/** Slower than any disk that is not broken: a minute, and a second for each MiB. */
export function captureTimeLimitMs(bytes: number): number {
  return 60_000 + Math.ceil(bytes / (1024 * 1024)) * 1000;
}

/** The child takes 50 MB, and 40 ms to start: where databases come one after another, one serves all. */
const idleMs = 500;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** A started child. `settle` answers the request that is under way, if there is one. */
interface RunningChild {
  readonly process: Child;
  readonly ended: Promise<void>;
  settle: ((result: CaptureResult) => void) | undefined;
  /** What is told of a copy that it has made meanwhile. */
  onCopied: OnCopied;
  /** Why we killed it, where we did. */
  killedBecause: string | undefined;
}

export class CaptureProcess implements AsyncDisposable {
  readonly #options: CaptureProcessOptions;
  #child: RunningChild | undefined;
  /** Children that were told to end. */
  readonly #leaving: RunningChild[] = [];
  #folder: string | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  constructor(options: CaptureProcessOptions = {}) {
    this.#options = options;
  }

  /** Starts the child before it is asked for anything: that takes longer than what it does with a small database. */
  start(): void {
    this.#runningChild();
  }

  /**
   * Captures the database at the absolute path `path` into `stagingDir`, which is made if it is missing. A second call waits for the first. The
   * copy is there until the next capture begins, or until `release`; `onCopied` hears of it before it is checked, and opens it at once if at all.
   * Does not reject for anything that is wrong with the database.
   */
  capture(path: ByteString, stagingDir: string, onCopied: OnCopied = () => {}): Promise<CaptureResult> {
    const result = this.#last.then(() => this.#capture(path, stagingDir, onCopied));
    this.#last = result.catch(() => {});
    return result;
  }

  /** Removes the copy, and lets the child go: one that is at work is gone afterwards, another one ends meanwhile. */
  async release(): Promise<void> {
    clearTimeout(this.#idle);
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined) {
      this.#leaving.push(child);
      const isAtWork = child.settle !== undefined;
      kill(child, runEnded); // it would take 10 ms to end by itself
      if (isAtWork) await child.ended;
    }
    this.#removeCopy();
  }

  /** Ends the child, at once if it is at work, and removes the copy. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.release();
    await Promise.all(this.#leaving.map(({ ended }) => ended));
  }

  async #capture(path: ByteString, stagingDir: string, onCopied: OnCopied): Promise<CaptureResult> {
    if (this.#isDisposed) return failed(runEnded);
    clearTimeout(this.#idle);
    const folder = this.#freshFolder(stagingDir);
    const child = this.#runningChild();
    const limitMs = (this.#options.timeLimitMs ?? captureTimeLimitMs)(bytesToCopy(path));
    const timer = setTimeout(() => kill(child, `it took longer than ${limitMs / 1000} s`), limitMs);
    try {
      return await ask(child, { path: byteStringToBytes(path).toString('base64'), folder }, onCopied);
    } finally {
      clearTimeout(timer);
      this.#idle = setTimeout(() => this.#letGo(), idleMs).unref();
    }
  }

  /** The copy stays: somebody may still be reading it. */
  #letGo(): void {
    const child = this.#child;
    if (child === undefined || child.settle !== undefined) return;
    this.#child = undefined;
    this.#leaving.push(child);
    child.process.stdin.end(`${JSON.stringify(leaveRequest)}\n`);
  }

  #freshFolder(stagingDir: string): string {
    this.#removeCopy();
    makePrivateFolder(stagingDir);
    this.#folder = mkdtempSync(join(stagingDir, 'capture-')); // 0700
    return this.#folder;
  }

  #removeCopy(): void {
    if (this.#folder !== undefined) removeTemporary(this.#folder);
    this.#folder = undefined;
  }

  #runningChild(): RunningChild {
    this.#child ??= startChild(this.#options.childPath ?? defaultChildPath(), (child) => {
      if (this.#child === child) this.#child = undefined;
    });
    return this.#child;
  }
}

const runEnded = 'the run ended before it was captured';

/** Beside this module, in the form that runs: TypeScript, JavaScript or a bundle. */
function defaultChildPath(): string {
  const self = fileURLToPath(import.meta.url);
  return join(dirname(self), `capture-child${extname(self)}`);
}

const require = createRequire(import.meta.url);

/**
 * Node starts in 26 ms instead of 32 where V8 does not give the strings that it begins with new hashes. That is a defence against who
 * chooses names to be hashed, and the child hears of none but ours. A flag that V8 does not know would end it, so who is newer is not asked.
 */
function childFlags(): string[] {
  const major = Number(process.versions.node.split('.')[0]);
  const quick = major <= nodeMajorKnown ? ['--no-rehash-snapshot'] : [];
  return ['--disable-warning=ExperimentalWarning', ...quick];
}

const nodeMajorKnown = 24;

function startChild(program: string, onEnd: (child: RunningChild) => void): RunningChild {
  // Loaded here: it takes 5 ms, and most runs capture nothing.
  const { spawn } = require('node:child_process') as typeof import('node:child_process');
  const started = spawn(process.execPath, [...childFlags(), program], {
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const errors = lastText(started.stderr);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const child: RunningChild = {
    process: started,
    ended,
    settle: undefined,
    onCopied: () => {},
    killedBecause: undefined,
  };
  const end = (reason: string) => {
    onEnd(child);
    settle(child, failed(child.killedBecause ?? reason));
    resolve();
  };
  eachLine(started.stdout, (line) => hear(child, parseMessage(line)));
  started.stdin.on('error', () => {}); // the child is gone: its end says why
  started.on('error', (error) => end(`the capturing process did not start: ${messageOf(error)}`));
  started.on('close', (code, signal) => end(describeEnd(code, signal, errors())));
  return child;
}

function ask(child: RunningChild, request: CaptureRequest, onCopied: OnCopied): Promise<CaptureResult> {
  return new Promise((resolve) => {
    child.onCopied = onCopied;
    child.settle = resolve;
    child.process.stdin.write(`${JSON.stringify(request)}\n`);
  });
}

function hear(child: RunningChild, message: UncheckedCopy | CaptureResult): void {
  if (message.kind !== 'copied') settle(child, message);
  else if (child.settle !== undefined) child.onCopied(message);
}

function settle(child: RunningChild, result: CaptureResult): void {
  const resolve = child.settle;
  child.settle = undefined;
  resolve?.(result);
}

function kill(child: RunningChild, because: string): void {
  child.killedBecause = because;
  child.process.kill('SIGKILL');
}

function failed(reason: string): CaptureResult {
  return { kind: 'failed', reason, retryable: true };
}

function parseMessage(line: string): UncheckedCopy | CaptureResult {
  try {
    return JSON.parse(line) as UncheckedCopy | CaptureResult;
  } catch {
    return failed(`the capturing process answered ${JSON.stringify(line.slice(0, 200))}`);
  }
}

function describeEnd(code: number | null, signal: string | null, errorText: string): string {
  const how = signal === null ? `with code ${code}` : `by ${signal}`;
  const detail = /^\w*Error.*$/m.exec(errorText)?.[0];
  return `the capturing process ended ${how}${detail === undefined ? '' : `: ${detail}`}`;
}

/** Keeps the end of what comes, to say why a child died. */
function lastText(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-4096);
  });
  return () => text;
}

/** What decides how long the capture takes; 0 when nothing is there, which the child will say. */
function bytesToCopy(path: ByteString): number {
  return fileBytes(path) + fileBytes(byteStringFromLatin1(`${path}-wal`));
}

function fileBytes(path: ByteString): number {
  try {
    return statSync(fsPath(path)).size;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return 0;
  }
}
