/** Runs a command and measures it: wall time, time on processors, and the memory of the process and of all that it starts. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly wallMs: number;
  /**
   * Time on processors of the command and of all it waited for, in steps of 10 ms; the same on a busy machine, about. Undefined
   * where there is no /proc; wrong when this process runs two commands at once.
   */
  readonly cpuMs: number | undefined;
  /**
   * Resident bytes at the worst moment: the highest sum, over samples 20 ms apart, of the high-water marks (VmHWM) of the
   * processes alive then. Undefined where there is no /proc.
   */
  readonly memoryBytesMax: number | undefined;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Sampling costs a little time; off unless asked for. */
  readonly measureMemory?: boolean;
  /** Codes that are not failures; 0 by default. */
  readonly exitCodes?: readonly number[];
}

const sampleMs = 20;
/** A program that fails for each of a hundred thousand files says so as often. */
const errorLettersMost = 2000;
export const launcher = fileURLToPath(new URL('../../dist/launcher.cjs', import.meta.url));

/** Runs the built command line with the Node that runs this. */
export function runExuvia(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(process.execPath, [launcher, ...args], options);
}

/** Fails, with what the command wrote, when it ends with a code not in `exitCodes`. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const cpuBeforeMs = childrenCpuMs();
  const startMs = performance.now();
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
  const memory = options.measureMemory === true ? sampleMemory(child.pid) : undefined;
  try {
    const exitCode = await new Promise<number | undefined>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve(code ?? undefined));
    });
    const wallMs = performance.now() - startMs;
    const cpuAfterMs = childrenCpuMs();
    const cpuMs =
      cpuBeforeMs === undefined || cpuAfterMs === undefined ? undefined : cpuAfterMs - cpuBeforeMs;
    const stderr = Buffer.concat(err).toString();
    const stdout = Buffer.concat(out).toString();
    if (exitCode === undefined || !(options.exitCodes ?? [0]).includes(exitCode)) {
      throw new Error(
        `${command} ${args.join(' ')} ended with ${exitCode ?? 'a signal'}: ${`${stderr}${stdout}`.slice(-errorLettersMost)}`,
      );
    }
    return { stdout, stderr, exitCode, wallMs, cpuMs, memoryBytesMax: memory?.bytesMax() };
  } finally {
    memory?.stop();
  }
}

const ticksPerSecond = 100;

/** Of all children that this process has waited for. */
function childrenCpuMs(): number | undefined {
  if (!existsSync('/proc/self/stat')) return undefined;
  const stat = readFileSync('/proc/self/stat', 'latin1');
  // After the name, which is in parentheses and may hold anything: 14th and 15th of what proc(5) counts from 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[13]) + Number(fields[14])) * 1000) / ticksPerSecond;
}

function sampleMemory(pid: number | undefined): { bytesMax(): number | undefined; stop(): void } {
  let bytesMax: number | undefined;
  const timer = setInterval(() => {
    if (pid === undefined) return;
    const bytes = treeMemoryBytes(pid);
    if (bytes !== undefined) bytesMax = Math.max(bytesMax ?? 0, bytes);
  }, sampleMs);
  return { bytesMax: () => bytesMax, stop: () => clearInterval(timer) };
}

/** The high-water marks of a process and its descendants, added up; undefined when it is gone. */
export function treeMemoryBytes(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    if (kilobytes === undefined) return undefined;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
    return children.reduce(
      (sum, child) => sum + (treeMemoryBytes(Number(child)) ?? 0),
      Number(kilobytes) * 1024,
    );
  } catch (error) {
    // A process that ended between two looks has no memory any more.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
