/** Runs the built command line as a user would. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const launcherPath = fileURLToPath(new URL('../../dist/launcher.cjs', import.meta.url));

export interface CliRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout parsed; throws when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly json: any;
}

export interface CliOptions {
  readonly home: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** HOME is `home`; nothing of the environment that names an OpenClaw or a repository gets through. */
export function runCli(args: readonly string[], options: CliOptions): CliRun {
  const { stdout, stderr, status } = spawnSync(process.execPath, [launcherPath, ...args], {
    cwd: options.cwd ?? options.home,
    env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', HOME: options.home, ...options.env },
    timeout: 120_000,
    killSignal: 'SIGKILL',
    maxBuffer: 256 * 1024 * 1024,
  });
  const text = stdout.toString('utf8');
  return {
    status,
    stdout: text,
    stderr: stderr.toString('utf8'),
    get json() {
      return JSON.parse(text);
    },
  };
}
