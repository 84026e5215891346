/** Hooks: commands of the user, run in the user's shell. Their output goes to standard error, so that results stay alone. */
import { createRequire } from 'node:module';
import type { SettingName } from '../openclaw/settings.ts';
import type { Environment } from './environment.ts';
import type { LoadedSettings } from './settings.ts';
import { isUntrusted } from './trusted-settings.ts';

const require = createRequire(import.meta.url);

export type HookName = Extract<SettingName, 'preBackup' | 'postBackup' | 'onFailure'>;

export interface HookRun {
  readonly name: HookName;
  /** Exit code; null when it was killed or could not be started. */
  readonly status: number | null;
  readonly durationMs: number;
  /** Why it counts as failed; undefined for success. */
  readonly problem: string | undefined;
}

/** Undefined when there is no such hook. Never rejects: a hook's failure is in the result. */
export async function runHook(
  environment: Environment,
  loaded: LoadedSettings,
  name: HookName,
  variables: Readonly<Record<string, string>>,
): Promise<HookRun | undefined> {
  const command = loaded.settings[name];
  if (command === undefined) return undefined;
  const origin = loaded.origins[name];
  const file = loaded.files[origin];
  if (file !== undefined && isUntrusted(environment, file)) {
    const problem = `it is not run: ${file.path} came with a restore or an import. Look at it, then run exuvia settings trust`;
    return { name, status: null, durationMs: 0, problem };
  }
  environment.progress.step(`Running ${name}`);
  const startedMs = environment.clock.nowMs();
  const { status, problem } = await runInShell(command, {
    env: { ...withoutSecrets(environment.env), ...variables, EXUVIA_HOOK: name },
    limitSeconds: loaded.settings.hookTimeLimit,
    signal: environment.signal,
  });
  return { name, status, durationMs: Math.round(environment.clock.nowMs() - startedMs), problem };
}

/** The passphrase is nobody else's business: what a hook starts may print its environment. */
function withoutSecrets({
  EXUVIA_PASSPHRASE: _,
  EXUVIA_ARCHIVE_PASSPHRASE: __,
  ...env
}: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return env;
}

interface ShellOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly limitSeconds: number;
  readonly signal: AbortSignal | undefined;
}

type ShellResult = Pick<HookRun, 'status' | 'problem'>;

function runInShell(command: string, options: ShellOptions): Promise<ShellResult> {
  const { spawn } = require('node:child_process') as typeof import('node:child_process');
  const { promise, resolve } = Promise.withResolvers<ShellResult>();
  const isWindows = process.platform === 'win32';
  const [shell, words] = isWindows
    ? [options.env['ComSpec'] ?? 'cmd.exe', ['/d', '/s', '/c', command]]
    : [options.env['SHELL'] || '/bin/sh', ['-c', command]];
  // A group of its own, so that everything it started ends with it.
  const child = spawn(shell, words, { env: options.env, stdio: ['ignore', 2, 2], detached: !isWindows });
  let killedBecause: string | undefined;
  const kill = (because: string): void => {
    killedBecause = because;
    if (isWindows || child.pid === undefined) child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(
    () => kill(`it took longer than ${options.limitSeconds} s`),
    options.limitSeconds * 1000,
  );
  const onAbort = (): void => kill('it was interrupted');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const end = (result: ShellResult): void => {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
    resolve(result);
  };
  child.on('error', (error) => end({ status: null, problem: `${shell} did not start: ${error.message}` }));
  child.on('exit', (status, signal) =>
    end({ status, problem: killedBecause ?? exitProblem(status, signal) }),
  );
  return promise;
}

function exitProblem(status: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (status === 0) return undefined;
  return signal === null ? `it ended with exit code ${status}` : `it was ended by ${signal}`;
}
