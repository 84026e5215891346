/** `doctor`: whether backups of this home work, a line for each thing, with what to do where it does not. */
import { existsSync, lstatSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ExuviaError } from '../model/errors.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import { detectGateway } from '../openclaw/gateway.ts';
import type { Repository } from '../repository/repository.ts';
import type { Environment } from './environment.ts';
import { findHome, findRepository, openRepository, type PlaceOptions } from './places.ts';
import { type LoadedSettings, loadSettings } from './settings.ts';
import { isUntrusted } from './trusted-settings.ts';

export type DoctorLevel = 'ok' | 'warning' | 'error';

export interface DoctorLine {
  readonly about:
    | 'state directory'
    | 'configuration'
    | 'settings'
    | 'gateway'
    | 'repository'
    | 'last backup'
    | 'automatic backup'
    | 'timer'
    | 'free space'
    | 'permissions';
  readonly level: DoctorLevel;
  readonly message: string;
  /** What to do, where something is to be done. */
  readonly hint?: string;
}

export interface DoctorReport {
  readonly ok: boolean;
  readonly lines: readonly DoctorLine[];
}

/** All that can be told without the scheduler. */
export async function examineHome(environment: Environment, options: PlaceOptions): Promise<DoctorReport> {
  const home = findHome(environment, options);
  const settings = tried('settings', () => loadSettings(home));
  const lines: DoctorLine[] = [
    stateLine(home),
    ...configurationLines(home),
    ...settingsLines(environment, settings),
    await gatewayLine(environment, home),
    ...(await repositoryLines(environment, options, home, settings)),
    ...permissionLines(home),
  ];
  return { ok: lines.every((line) => line.level !== 'error'), lines };
}

type Tried<T> = { readonly value: T } | { readonly line: DoctorLine };

/** What throws a clear sentence is a line; a bug goes on. */
function tried<T>(about: DoctorLine['about'], work: () => T): Tried<T> {
  try {
    return { value: work() };
  } catch (error) {
    return { line: errorLine(about, error) };
  }
}

async function triedLater<T>(about: DoctorLine['about'], work: () => Promise<T>): Promise<Tried<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { line: errorLine(about, error) };
  }
}

function errorLine(about: DoctorLine['about'], error: unknown): DoctorLine {
  if (!(error instanceof ExuviaError)) throw error;
  return {
    about,
    level: 'error',
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}

function stateLine(home: OpenClawHome): DoctorLine {
  if (home.stateDirExists) return { about: 'state directory', level: 'ok', message: home.stateDir };
  return {
    about: 'state directory',
    level: 'error',
    message: `${home.stateDir} is not there`,
    hint: 'Name it with --state-dir or OPENCLAW_STATE_DIR.',
  };
}

function configurationLines(home: OpenClawHome): DoctorLine[] {
  const problems = home.problems.map(
    (message): DoctorLine => ({ about: 'configuration', level: 'warning', message }),
  );
  if (problems.length > 0) return problems;
  const message = existsSync(home.configPath)
    ? `${home.configPath}${home.version === undefined ? '' : `, written by OpenClaw ${home.version}`}`
    : `there is none at ${home.configPath}`;
  return [{ about: 'configuration', level: 'ok', message }];
}

function settingsLines(environment: Environment, tryOf: Tried<LoadedSettings>): DoctorLine[] {
  if ('line' in tryOf) return [tryOf.line];
  const { path, files, warnings, settings } = tryOf.value;
  const untrusted = Object.values(files).filter((file) => isUntrusted(environment, file));
  const automatic: DoctorLine = settings.auto
    ? { about: 'automatic backup', level: 'ok', message: `wanted at "${settings.schedule}"` }
    : {
        about: 'automatic backup',
        level: 'warning',
        message: 'not wanted: "auto" is false',
        hint: 'Set auto: true in the settings to be safe without thinking of it.',
      };
  return [
    { about: 'settings', level: 'ok', message: files['exuvia.json5'] === undefined ? 'the defaults' : path },
    ...warnings.map((message): DoctorLine => ({ about: 'settings', level: 'warning', message })),
    ...untrusted.map(
      (file): DoctorLine => ({
        about: 'settings',
        level: 'warning',
        message: `commands of ${file.path} do not run: it came with a restore or an import`,
        hint: 'Look at it, then run exuvia settings trust.',
      }),
    ),
    automatic,
  ];
}

async function gatewayLine(environment: Environment, home: OpenClawHome): Promise<DoctorLine> {
  const { running, evidence } = await detectGateway(home, environment.env);
  const message = running
    ? `at work: ${evidence}; backups work, restores in place wait`
    : `not at work: ${evidence}`;
  return { about: 'gateway', level: 'ok', message };
}

async function repositoryLines(
  environment: Environment,
  options: PlaceOptions,
  home: OpenClawHome,
  settings: Tried<LoadedSettings>,
): Promise<DoctorLine[]> {
  if ('line' in settings && options.repository === undefined) return []; // where it is, only the settings know
  const root = findRepository(environment, options, home);
  const space = spaceLine(root);
  const opened = await triedLater('repository', () => openRepository(environment, root, 'read'));
  if ('line' in opened) return [opened.line, space];
  await using repository = opened.value;
  return [...contentLines(environment, repository), space];
}

const dayMs = 86_400_000;
const oldDays = 7;

function contentLines(environment: Environment, repository: Repository): DoctorLine[] {
  const snapshots = repository.listSnapshots();
  const { damage, root } = repository;
  const whole: DoctorLine =
    damage.length === 0
      ? {
          about: 'repository',
          level: 'ok',
          message: `${root}, ${snapshots.length} ${snapshots.length === 1 ? 'snapshot' : 'snapshots'}`,
        }
      : {
          about: 'repository',
          level: 'error',
          message: `${damage.length} damaged in ${root}, such as ${damage[0]?.message}`,
          hint: 'exuvia backup check says what is lost, and what to do.',
        };
  return [whole, lastBackupLine(environment, snapshots.at(-1))];
}

function lastBackupLine(
  environment: Environment,
  last: { readonly time: string; readonly unreadableCount: number } | undefined,
): DoctorLine {
  if (last === undefined)
    return {
      about: 'last backup',
      level: 'warning',
      message: 'there is none yet',
      hint: 'Run exuvia backup create.',
    };
  const days = Math.floor((environment.clock.nowMs() - Date.parse(last.time)) / dayMs);
  if (days >= oldDays)
    return {
      about: 'last backup',
      level: 'warning',
      message: `${days} days ago`,
      hint: 'Run exuvia backup create.',
    };
  if (last.unreadableCount > 0) {
    return {
      about: 'last backup',
      level: 'warning',
      message: `${last.time}; ${last.unreadableCount} files could not be read`,
      hint: 'exuvia backup show latest lists them.',
    };
  }
  return { about: 'last backup', level: 'ok', message: last.time };
}

const freeBytesWanted = 1024 ** 3;

function spaceLine(root: string): DoctorLine {
  const { bavail, bsize } = statfsSync(nearestFolder(root));
  const free = bavail * bsize;
  const message = `${(free / 1e9).toFixed(1)} GB free where snapshots are kept`;
  return free >= freeBytesWanted
    ? { about: 'free space', level: 'ok', message }
    : {
        about: 'free space',
        level: 'warning',
        message,
        hint: 'Free some, or choose another place with the setting "path".',
      };
}

function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}

/** What holds secrets, and should be closed to others. */
function permissionLines(home: OpenClawHome): DoctorLine[] {
  if (process.platform === 'win32' || !home.stateDirExists) return [];
  const secret = [home.stateDir, home.configPath, home.credentialsDir, join(home.stateDir, '.env')];
  const open = secret.filter((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat !== undefined && !stat.isSymbolicLink() && (stat.mode & 0o077) !== 0;
  });
  if (open.length === 0)
    return [{ about: 'permissions', level: 'ok', message: 'secrets are closed to others' }];
  return open.map((path) => ({
    about: 'permissions',
    level: 'warning',
    message: `${path} is open to others`,
    hint: `chmod go-rwx ${path}`,
  }));
}
