/**
 * Watching and disturbing a program's system calls with strace. Only the main thread is traced: the product does its file
 * work there with synchronous calls, so the n-th call of a name is the same call in the next run, give or take a folder
 * whose name is random.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Calls that change what is stored, or that decide whether it is durable. */
const watchedCalls = [
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'copy_file_range', 'sendfile', 'fallocate'],
  ...['fsync', 'fdatasync', 'ftruncate', 'truncate', 'openat', 'creat', 'open'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat', 'unlink', 'unlinkat'],
  ...['mkdir', 'mkdirat', 'rmdir', 'chmod', 'fchmod', 'fchmodat', 'chown', 'fchown', 'lchown', 'fchownat'],
  ...['utimensat', 'utimes', 'utime', 'futimesat'],
];

export interface CallPoint {
  readonly call: string;
  /** Counted from 1 among all calls of this name in the main thread. */
  readonly ordinal: number;
  /** The call as strace prints it, without the folder it was seen in. */
  readonly text: string;
}

export interface TracedRun {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly lines: readonly string[];
}

export interface ProgramRun {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Why this machine cannot trace, or undefined when it can. */
export function whyNoTracing(): string | undefined {
  if (process.platform !== 'linux') return 'strace is for Linux';
  const probe = spawnSync('strace', ['-qq', '-e', 'trace=none', 'true'], { encoding: 'utf8' });
  if (probe.error !== undefined) return 'strace is not installed';
  return probe.status === 0 ? undefined : `strace may not trace here: ${probe.stderr.trim()}`;
}

/** Runs a program, with `inject` as strace's own words for what is to happen (`fsync:error=EIO:when=3`). */
export async function runTraced(run: ProgramRun, traceFile: string, inject?: string): Promise<TracedRun> {
  const calls = inject === undefined ? watchedCalls.map((call) => `?${call}`) : [inject.split(':')[0]];
  const words = ['-y', '-qq', '-s', '0', '-o', traceFile, '-e', `trace=${calls.join(',')}`];
  if (inject !== undefined) words.push('-e', `inject=${inject}`);
  const ended = await runProgram({ ...run, program: 'strace', args: [...words, run.program, ...run.args] });
  return { ...ended, lines: readFileSync(traceFile, 'utf8').split('\n') };
}

export async function runProgram(run: ProgramRun): Promise<Omit<TracedRun, 'lines'>> {
  const child = spawn(run.program, run.args, {
    cwd: run.cwd,
    env: run.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    // `close` and not `exit`: a child of the program that outlives it holds the pipes, and may still be writing.
    child.once('close', (status, signal) =>
      resolve({
        status,
        signal,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      }),
    );
  });
}

/** The calls of a recorded run that are about something in one of the `folders` of `root`. */
export function pointsBelow(
  lines: readonly string[],
  root: string,
  folders: readonly string[],
): { readonly changes: CallPoint[]; readonly readings: CallPoint[] } {
  const seen = new Map<string, number>();
  const changes: CallPoint[] = [];
  const readings: CallPoint[] = [];
  for (const line of lines) {
    const call = /^(\w+)\(/.exec(line)?.[1];
    if (call === undefined) continue;
    const ordinal = (seen.get(call) ?? 0) + 1;
    seen.set(call, ordinal);
    const text = line.replaceAll(`AT_FDCWD<${root}/home>`, 'AT_FDCWD');
    if (!folders.some((folder) => text.includes(`${root}/${folder}`))) continue;
    (isReading(call, text) ? readings : changes).push({
      call,
      ordinal,
      text: text.replaceAll(`${root}/`, ''),
    });
  }
  return { changes, readings };
}

function isReading(call: string, line: string): boolean {
  return (call === 'openat' || call === 'open') && !/O_CREAT|O_TRUNC/.test(line);
}
