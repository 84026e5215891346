/** Runs the built command line on a terminal, and types at it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { launcherPath } from './cli.ts';

const program = fileURLToPath(new URL('terminal.py', import.meta.url));

/** What to do when the terminal shows `expect`. */
export type TerminalStep = { readonly expect: string } & (
  | { readonly type: string }
  | { readonly signal: number }
);

export interface TerminalRun {
  /** What it showed: errors, questions, and what is typed where it is echoed. */
  readonly screen: string;
  readonly stdout: string;
  /** The exit code; negative for a signal that ended it. */
  readonly status: number;
  /** Steps at which typing would have been shown. */
  readonly echoed: number;
  readonly echoesAfterwards: boolean;
  readonly makesLinesAfterwards: boolean;
}

export function runOnTerminal(
  words: readonly string[],
  steps: readonly TerminalStep[],
  { home, env = {} }: { readonly home: string; readonly env?: Readonly<Record<string, string>> },
): TerminalRun {
  const command = [process.execPath, launcherPath, ...words];
  const { status, stdout, stderr, error } = spawnSync(
    'python3',
    [program, JSON.stringify(steps), ...command],
    {
      cwd: home,
      env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', TERM: 'xterm', HOME: home, ...env },
      encoding: 'utf8',
      timeout: 120_000,
    },
  );
  if (status !== 0) throw new Error(`the terminal failed: ${error ?? stderr}`);
  return JSON.parse(stdout);
}
