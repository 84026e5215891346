/** What a run of the command line asks of the system, counted by strace, so that no clock decides. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { launcherPath } from './cli.ts';

/** All of them of one folder and what is below it. */
export interface WorkCounts {
  /** Each time a path was asked for its size and times. */
  looks: number;
  filesOpened: number;
  foldersOpened: number;
  readBytes: number;
  writtenBytes: number;
  /** Files and folders made durable. */
  syncs: number;
}

const looks = new Set(['stat', 'lstat', 'newfstatat', 'statx']);
const reads = new Set(['read', 'pread64', 'readv', 'preadv']);
const writes = new Set(['write', 'pwrite64', 'writev', 'pwritev']);
const syncs = new Set(['fsync', 'fdatasync']);
const opens = new Set(['open', 'openat']);
const watched = [...looks, ...reads, ...writes, ...syncs, ...opens];

export interface CountedRun {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly json: any;
  readonly below: (folder: string) => WorkCounts;
}

/** Runs exuvia with all its threads and children watched; it has to succeed. */
export function runCounted(
  args: readonly string[],
  options: { readonly home: string; readonly traceFile: string },
): CountedRun {
  const words = ['-f', '-y', '-qq', '-s', '0', '-o', options.traceFile];
  const calls = watched.map((call) => `?${call}`).join(',');
  const command = [process.execPath, launcherPath, ...args];
  const { stdout, stderr, status } = spawnSync('strace', [...words, '-e', `trace=${calls}`, ...command], {
    cwd: options.home,
    env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', HOME: options.home },
    timeout: 120_000,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
  const lines = wholeLines(readFileSync(options.traceFile, 'utf8').split('\n'));
  return { json: JSON.parse(stdout), below: (folder) => countsOf(lines, folder) };
}

/** Where another thread came in between, strace prints a call in two parts. */
function wholeLines(lines: readonly string[]): string[] {
  const begun = new Map<string, string>();
  const whole: string[] = [];
  for (const line of lines) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const start = /^(.*) <unfinished \.\.\.>$/.exec(text)?.[1];
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    if (start !== undefined) begun.set(thread, start);
    else whole.push(rest === undefined ? text : `${begun.get(thread) ?? ''}${rest}`);
  }
  return whole;
}

function countsOf(lines: readonly string[], folder: string): WorkCounts {
  const counts = { looks: 0, filesOpened: 0, foldersOpened: 0, readBytes: 0, writtenBytes: 0, syncs: 0 };
  for (const line of lines) {
    const [, call = '', rest = ''] = /^(\w+)\((.*)$/.exec(line) ?? [];
    const result = Number(/ = (-?\d+)[^=]*$/.exec(rest)?.[1] ?? -1);
    if (result < 0 || !isBelow(rest, folder)) continue;
    if (looks.has(call)) counts.looks++;
    else if (opens.has(call)) counts[rest.includes('O_DIRECTORY') ? 'foldersOpened' : 'filesOpened']++;
    else if (reads.has(call)) counts.readBytes += result;
    else if (writes.has(call)) counts.writtenBytes += result;
    else if (syncs.has(call)) counts.syncs++;
  }
  return counts;
}

/** The path of a call, or of the file it reads: `"/…"` or `21</…>`. The folder a relative path begins in does not count. */
function isBelow(rest: string, folder: string): boolean {
  const path = /^\w+<[^>]*>, "([^"]+)"/.exec(rest)?.[1] ?? /^(?:"|\d+<)([^">]+)/.exec(rest)?.[1];
  return path !== undefined && (path === folder || path.startsWith(`${folder}/`));
}
