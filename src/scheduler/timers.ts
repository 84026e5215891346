/** Timers of this machine: which kind works here, which of ours are there, and putting one there or taking it away. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makePrivateFolder, publishFile, temporaryBeside, withPath } from '../io/files.ts';
import { ExuviaError, errnoOf, FileSystemError } from '../model/errors.ts';
import type { Environment } from '../operations/environment.ts';
import { findHome, type PlaceOptions, resolvePath } from '../operations/places.ts';
import { loadSettings } from '../operations/settings.ts';
import { nextRunMs } from './next-run.ts';
import { crontabScriptPath, planCrontab, planCrontabRemoval, withBlock } from './platform/crontab.ts';
import { ownMark, type TimerJob, type TimerMethod, type TimerStep, timerMethods } from './platform/job.ts';
import { launchdFile, planLaunchd, planLaunchdRemoval } from './platform/launchd.ts';
import { planSystemd, planSystemdRemoval, systemdFiles } from './platform/systemd.ts';
import { planWindows, planWindowsRemoval, windowsFile } from './platform/windows.ts';

export interface TimerOptions extends PlaceOptions {
  /** Found out when not given. */
  readonly method?: TimerMethod;
  readonly dryRun?: boolean;
}

/** What a timer starts: a Node and the command line's launcher, as absolute paths. */
export interface TimerProgram {
  readonly node: string;
  readonly launcher: string;
}

export interface ChangedTimers {
  readonly id: string;
  readonly methods: readonly TimerMethod[];
  readonly dryRun: boolean;
  /** In order; done unless it is a dry run. */
  readonly steps: readonly TimerStep[];
  /** What a user should know, as sentences. */
  readonly notes: readonly string[];
}

export interface InstalledTimer {
  readonly method: TimerMethod;
  /** The file, or one of the files, that says so. */
  readonly path: string;
  /** False when the schedule in the settings is another one by now. */
  readonly isCurrent: boolean;
}

/**
 * Puts a timer there, or renews it. One of another kind for the same home is taken away: a home has one timer.
 * @throws ExuviaError before anything is changed when a file is in the way that Exuvia did not write
 */
export function enableTimer(
  environment: Environment,
  options: TimerOptions,
  program: TimerProgram,
): ChangedTimers {
  const method = options.method ?? findMethod(environment);
  const job = jobOf(environment, options, program);
  nextRunMs(job.schedule, environment.clock.nowMs());
  const others = installedMethods(environment, job).filter((other) => other !== method);
  const steps = [
    ...others.flatMap((other) => removalSteps(environment, job, other)),
    ...enableSteps(environment, job, method),
  ];
  for (const step of steps) if (step.do === 'write') refuseForeign(step.path);
  if (!options.dryRun) executeSteps(environment, steps);
  const notes = method === 'systemd' ? [lingerNote(environment)] : [];
  return { id: job.id, methods: [method], dryRun: options.dryRun ?? false, steps, notes };
}

/** Takes away what `enableTimer` put there for this home, of any kind, and nothing else. */
export function disableTimer(environment: Environment, options: TimerOptions): ChangedTimers {
  const job = jobOf(environment, options, noProgram);
  const installed = installedMethods(environment, job);
  const methods = installed.filter((method) => options.method === undefined || options.method === method);
  const steps = methods.flatMap((method) => removalSteps(environment, job, method));
  if (!options.dryRun) executeSteps(environment, steps);
  return { id: job.id, methods, dryRun: options.dryRun ?? false, steps, notes: [] };
}

export function listTimers(environment: Environment, options: PlaceOptions): InstalledTimer[] {
  const job = jobOf(environment, options, noProgram);
  return installedMethods(environment, job).map((method) => ({
    method,
    path: pathsOf(environment, job, method)[0] ?? '',
    isCurrent: isCurrent(environment, job, method),
  }));
}

/** For looking and removing: what is started does not matter then. */
const noProgram: TimerProgram = { node: 'node', launcher: 'exuvia' };

function jobOf(environment: Environment, options: PlaceOptions, program: TimerProgram): TimerJob {
  const home = findHome(environment, options);
  const { repository = environment.env['EXUVIA_REPOSITORY'], profile } = options;
  const places = [
    '--state-dir',
    home.stateDir,
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...(repository ? ['--repository', resolvePath(environment, repository)] : []),
  ];
  const daemon = [program.node, program.launcher, 'schedule', 'run', ...places];
  return {
    id: jobId(environment, home.stateDir),
    schedule: loadSettings(home).settings.schedule,
    tick: [...daemon, '--if-due', '--quiet'],
    daemon,
    env: keptVariables(environment),
  };
}

function jobId({ osHome }: Environment, stateDir: string): string {
  if (stateDir === join(osHome, '.openclaw')) return 'exuvia-backup';
  return `exuvia-backup-${createHash('sha256').update(stateDir).digest('hex').slice(0, 8)}`;
}

/** Hooks want the user's PATH, and where things are must not depend on who starts us. No secrets. */
const variableNames = [
  'PATH',
  'SHELL',
  'TZ',
  'XDG_STATE_HOME',
  'OPENCLAW_HOME',
  'OPENCLAW_CONFIG_PATH',
  'OPENCLAW_PROFILE',
  'OPENCLAW_WORKSPACE_DIR',
  'OPENCLAW_OAUTH_DIR',
  'OPENCLAW_INCLUDE_ROOTS',
] as const;

function keptVariables({ env }: Environment): Record<string, string> {
  return Object.fromEntries(variableNames.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

interface Places {
  readonly folder: string;
  readonly log: string;
  readonly userId: number;
  readonly user: string;
}

function placesOf({ env, osHome, user }: Environment, method: TimerMethod): Places {
  const folders: Readonly<Record<TimerMethod, string>> = {
    systemd: join(env['XDG_CONFIG_HOME'] || join(osHome, '.config'), 'systemd', 'user'),
    launchd: join(osHome, 'Library', 'LaunchAgents'),
    crontab: join(osHome, '.exuvia', 'schedule'),
    windows: `${env['LOCALAPPDATA'] ?? join(osHome, 'AppData', 'Local')}\\Exuvia`,
  };
  const domain = env['USERDOMAIN'];
  return {
    folder: folders[method],
    log: join(osHome, 'Library', 'Logs', 'exuvia.log'),
    userId: process.getuid?.() ?? 0,
    user: domain ? `${domain}\\${user}` : user,
  };
}

function enableSteps(environment: Environment, job: TimerJob, method: TimerMethod): TimerStep[] {
  const places = placesOf(environment, method);
  switch (method) {
    case 'systemd':
      return planSystemd(job, places);
    case 'launchd':
      return planLaunchd(job, places);
    case 'crontab':
      return planCrontab(job, { ...places, crontab: mustReadCrontab(environment) });
    case 'windows':
      return planWindows(job, places);
  }
}

function removalSteps(environment: Environment, job: TimerJob, method: TimerMethod): TimerStep[] {
  const places = placesOf(environment, method);
  const steps = {
    systemd: () => planSystemdRemoval(job, places),
    launchd: () => planLaunchdRemoval(job, places),
    crontab: () => planCrontabRemoval(job, { ...places, crontab: mustReadCrontab(environment) }),
    windows: () => planWindowsRemoval(job, places),
  }[method]();
  return steps.filter((step) => step.do !== 'remove' || isOwnFile(step.path));
}

/** The files that `enable` writes, the one that holds the schedule first. */
function pathsOf(environment: Environment, job: TimerJob, method: TimerMethod): string[] {
  const places = placesOf(environment, method);
  switch (method) {
    case 'systemd': {
      const { service, timer } = systemdFiles(job, places);
      return [timer, service];
    }
    case 'launchd':
      return [launchdFile(job, places)];
    case 'crontab':
      return [crontabScriptPath(job, places)];
    case 'windows':
      return [windowsFile(job, places)];
  }
}

/** A crontab's block without its script, or a script without its block, is a half that `disable` takes away as well. */
function installedMethods(environment: Environment, job: TimerJob): TimerMethod[] {
  return timerMethods.filter((method) => {
    if (pathsOf(environment, job, method).some(isOwnFile)) return true;
    if (method !== 'crontab') return false;
    const crontab = readCrontab(environment);
    return crontab !== undefined && withBlock(crontab, job, '') !== crontab;
  });
}

/** Daemons read the schedule themselves. */
function isCurrent(environment: Environment, job: TimerJob, method: TimerMethod): boolean {
  if (method === 'launchd' || method === 'windows') return true;
  const steps = enableSteps(environment, job, method);
  if (method === 'crontab')
    return steps.some((step) => step.do === 'run' && step.input === readCrontab(environment));
  const [timer = ''] = pathsOf(environment, job, method);
  return steps.some(
    (step) => step.do === 'write' && step.path === timer && step.content === readText(timer)?.toString(),
  );
}

function readText(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw new FileSystemError('read', path, error);
  }
}

function isOwnFile(path: string): boolean {
  const content = readText(path);
  return content !== undefined && (content.includes(ownMark) || content.includes(ownMark, 0, 'utf16le'));
}

function refuseForeign(path: string): void {
  if (readText(path) === undefined || isOwnFile(path)) return;
  throw new ExuviaError(`${path} was not written by exuvia schedule enable: it is left as it is`, {
    code: 'ERR_EXISTS',
    hint: 'Move it away, or choose another kind of timer with --method.',
  });
}

/** The kind that this system has. @throws ExuviaError when none works for this user */
function findMethod(environment: Environment): TimerMethod {
  if (environment.platform === 'win32') return 'windows';
  if (environment.platform === 'darwin') return 'launchd';
  if (runProgram(environment, ['systemctl', '--user', 'show-environment']).status === 0) return 'systemd';
  if (readCrontab(environment) !== undefined) return 'crontab';
  throw new ExuviaError(
    'No timer works here: systemd has no manager for this user, and there is no crontab',
    {
      code: 'ERR_NO_TIMER',
      hint: 'Start "exuvia schedule run" with the machine, or name a kind with --method.',
    },
  );
}

function lingerNote({ user }: Environment): string {
  return `The timer works while you are logged in; "loginctl enable-linger ${user}" makes it work always.`;
}

/** Undefined when this user cannot have one. A user without a crontab has an empty one. */
function readCrontab(environment: Environment): string | undefined {
  const { status, stdout, stderr } = runProgram(environment, ['crontab', '-l']);
  if (status === 0) return stdout;
  return /no crontab|can't open .*no such file/i.test(stderr) ? '' : undefined;
}

function mustReadCrontab(environment: Environment): string {
  const crontab = readCrontab(environment);
  if (crontab !== undefined) return crontab;
  throw new ExuviaError('Cannot read the crontab of this user: "crontab -l" fails', {
    code: 'ERR_CRONTAB',
    hint: 'Install cron, or choose another kind of timer with --method.',
  });
}

function executeSteps(environment: Environment, steps: readonly TimerStep[]): void {
  for (const step of steps) {
    switch (step.do) {
      case 'write':
        writeOwnFile(environment, step.path, Buffer.from(step.content, step.encoding ?? 'utf8'));
        break;
      case 'remove':
        withPath('remove', step.path, () => rmSync(step.path, { force: true }));
        break;
      case 'run':
        mustRun(environment, step);
        break;
    }
  }
}

function writeOwnFile(environment: Environment, path: string, bytes: Buffer): void {
  makePrivateFolder(dirname(path));
  const unique = Buffer.from(environment.random(6)).toString('hex');
  publishFile(path, bytes, temporaryBeside(path, unique));
}

function mustRun(environment: Environment, step: Extract<TimerStep, { do: 'run' }>): void {
  const { status, stderr, problem } = runProgram(environment, step.words, step.input);
  if (status === 0 || step.mayFail) return;
  const reason = problem ?? (stderr.trim().split('\n').at(-1) || `exit code ${status}`);
  throw new ExuviaError(`"${step.words.join(' ')}" failed: ${reason}`, {
    code: 'ERR_TIMER',
    hint: 'Run exuvia schedule enable again when that is mended, or exuvia schedule disable to take away what is there.',
  });
}

interface ProgramResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly problem: string | undefined;
}

const programLimitMs = 30_000;

function runProgram(
  { env }: Environment,
  [program = '', ...words]: readonly string[],
  input = '',
): ProgramResult {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    env: { ...env, LC_ALL: 'C' }, // what it says is looked at
    input,
    encoding: 'utf8',
    timeout: programLimitMs,
  });
  return { status, stdout: stdout ?? '', stderr: stderr ?? '', problem: error?.message };
}
