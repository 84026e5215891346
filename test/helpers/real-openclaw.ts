/** A real OpenClaw in a folder of its own: its command line, its gateway, and conversations through a stub model. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

export const openclawVersion = '2026.9.6';

const commandTimeoutMs = 180_000;
const installTimeoutMs = 480_000;
const gatewayStartMs = 120_000;
const gatewayStopMs = 30_000;

/** Installs OpenClaw with npm into `folder`, or takes what `EXUVIA_TEST_OPENCLAW` names. Returns the folder of the package. */
export function installOpenClaw(folder: string): string {
  const named = process.env['EXUVIA_TEST_OPENCLAW'];
  const root = named ?? folder;
  if (named === undefined) {
    mkdirSync(root, { recursive: true });
    const words = ['install', '--no-audit', '--no-fund', '--loglevel=error', `openclaw@${openclawVersion}`];
    const { status, stderr } = spawnSync('npm', [...words, '--prefix', root], {
      env: { ...process.env, PATH: pathWithThisNode() },
      timeout: installTimeoutMs,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
    });
    assert.equal(status, 0, `npm install openclaw: ${stderr}`);
  }
  const installed = join(root, 'node_modules', 'openclaw');
  const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    version: string;
  };
  assert.equal(version, openclawVersion);
  return installed;
}

/** OpenClaw starts `node` by name too. */
function pathWithThisNode(): string {
  return [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
}

export interface OpenClawRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout from its first brace on; throws when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly json: any;
}

export class RealOpenClaw {
  readonly home: string;
  readonly stateDir: string;
  readonly #program: string;
  readonly #temporary: string;

  /** `temporary` may be shared: OpenClaw keeps its compiled code there, which makes it start faster. */
  constructor(installed: string, home: string, temporary: string) {
    this.home = home;
    this.stateDir = join(home, '.openclaw');
    this.#program = join(installed, 'openclaw.mjs');
    this.#temporary = temporary;
    for (const folder of [home, temporary]) mkdirSync(folder, { recursive: true });
  }

  get #env(): NodeJS.ProcessEnv {
    const { home, stateDir } = this;
    return {
      PATH: pathWithThisNode(),
      TZ: 'UTC',
      TMPDIR: this.#temporary,
      HOME: home,
      OPENCLAW_STATE_DIR: stateDir,
      GIT_CONFIG_GLOBAL: '/dev/null',
    };
  }

  run(args: readonly string[]): OpenClawRun {
    const { stdout, stderr, status } = spawnSync(process.execPath, [this.#program, ...args], {
      cwd: this.home,
      env: this.#env,
      timeout: commandTimeoutMs,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    return {
      status,
      stdout,
      stderr,
      get json() {
        return JSON.parse(stdout.slice(stdout.search(/[[{]/)));
      },
    };
  }

  /** A command that has to succeed. */
  mustRun(args: readonly string[]): OpenClawRun {
    const run = this.run(args);
    assert.equal(run.status, 0, `openclaw ${args.join(' ')}: ${run.stderr || run.stdout}`);
    return run;
  }

  /** Baseline folders first, then a model, as a person without a terminal would. */
  setUp(modelUrl: string, gatewayPort: number): void {
    this.mustRun(['setup', '--baseline']);
    const model = ['--custom-model-id', 'stub', '--custom-provider-id', 'stub'];
    const endpoint = ['--custom-base-url', modelUrl, '--custom-api-key', 'sk-test'];
    const skipped = ['daemon', 'health', 'channels', 'skills', 'search', 'ui', 'hooks'];
    this.mustRun([
      ...['setup', '--non-interactive', '--accept-risk', '--mode', 'local'],
      ...['--gateway-port', String(gatewayPort), '--auth-choice', 'custom-api-key', ...endpoint, ...model],
      ...skipped.map((name) => `--skip-${name}`),
    ]);
  }

  /** One turn of a conversation without a gateway. */
  converse(message: string, sessionKey = 'agent:main:main'): void {
    this.mustRun([...['agent', '--local', '--agent', 'main', '--session-key', sessionKey, '-m', message]]);
  }

  /** Runs beside the caller; ends with the exit code. */
  start(args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<number | null> } {
    const child = spawn(process.execPath, [this.#program, ...args], {
      cwd: this.home,
      env: this.#env,
      stdio: 'ignore',
    });
    return { child, ended: new Promise((resolve) => child.once('exit', (status) => resolve(status))) };
  }

  /** Runs a gateway in the foreground and waits until it says that it is ready. */
  async startGateway(port: number): Promise<RunningGateway> {
    const log = join(this.home, 'gateway.log');
    // Not a pipe: nobody reads it while a test waits for a command, and a full one would stop the gateway.
    const fd = openSync(log, 'w');
    const child = spawn(process.execPath, [this.#program, 'gateway', 'run', '--port', String(port)], {
      cwd: this.home,
      env: this.#env,
      stdio: ['ignore', fd, fd],
      detached: true,
    });
    closeSync(fd);
    const gateway = new RunningGateway(child, log);
    try {
      await gateway.ready();
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }
}

export class RunningGateway {
  readonly #child: ChildProcess;
  readonly #log: string;

  constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.#log = log;
    process.once('exit', this.#killGroup);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ready(): Promise<void> {
    const deadline = Date.now() + gatewayStartMs;
    for (;;) {
      const output = stripVTControlCharacters(readFileSync(this.#log, 'utf8'));
      if (/\[gateway\] ready$/m.test(output)) return;
      const hasEnded = this.#child.exitCode !== null || this.#child.signalCode !== null;
      assert.ok(!hasEnded && Date.now() < deadline, `the gateway did not start: ${output}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Ends it, gently at first. SIGKILL leaves its lock files behind. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), gatewayStopMs);
    this.#child.kill(signal);
    await ended;
    clearTimeout(timer);
    this.#killGroup();
    process.off('exit', this.#killGroup);
  }

  /** What the gateway started has to go too; it leads a process group of its own. */
  readonly #killGroup = (): void => {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    }
  };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Where an official restore puts what was at `path`. */
export function officiallyRestored(target: string, archiveRoot: string, path: string): string {
  return join(target, archiveRoot, 'payload', 'posix', path);
}
