/**
 * A daemon of the system (cron, systemd) in a mount namespace of its own, so that it sees nothing of this machine's jobs and
 * this machine nothing of its. Needs root, and `unshare` and `nsenter` of util-linux.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PrivateMachineOptions {
  /** Shell lines that mount what the daemon is to see, then `exec` it. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** Words of a program that ends with 0 when the daemon is at work. */
  readonly isReady: readonly string[];
  /** When the daemon has ended. */
  readonly cleanUp?: () => void;
}

const readyWaitMs = 20_000;

/** Why a daemon cannot be had here, or undefined. */
export function whyNoPrivateMachine(programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, for a mount namespace';
  const missing = ['unshare', 'nsenter', ...programs].find(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  if (missing !== undefined) return `needs ${missing}`;
  const { status, stderr } = spawnSync('unshare', ['--mount', 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `needs a mount namespace: ${stderr.trim()}`;
}

export class PrivateMachine {
  readonly #child: ChildProcess;
  readonly #options: PrivateMachineOptions;

  private constructor(child: ChildProcess, options: PrivateMachineOptions) {
    this.#child = child;
    this.#options = options;
  }

  static async start(context: TestContext, options: PrivateMachineOptions): Promise<PrivateMachine> {
    const script = `set -e\nmount --make-rprivate /\n${options.script}`;
    const child = spawn('unshare', ['--mount', 'sh', '-c', script], {
      env: options.env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const machine = new PrivateMachine(child, options);
    context.after(() => machine.stop());
    const deadline = Date.now() + readyWaitMs;
    while (machine.run(options.isReady).status !== 0) {
      assert.equal(child.exitCode, null, 'the daemon has ended');
      assert.ok(Date.now() < deadline, 'the daemon is not at work');
      await sleep(200);
    }
    return machine;
  }

  /** Runs a program inside. */
  run(words: readonly string[]): SpawnSyncReturns<string> {
    return spawnSync('nsenter', ['--target', String(this.#child.pid), '--mount', ...words], {
      env: this.#options.env,
      encoding: 'utf8',
      timeout: 60_000,
    });
  }

  must(words: readonly string[]): string {
    const { status, stdout, stderr } = this.run(words);
    assert.equal(status, 0, `${words.join(' ')}\n${stderr}`);
    return stdout;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
    this.#options.cleanUp?.();
  }
}
