/** `schedule run`: the daemon with the real clock, the settings of the home, and a state file beside the repository's index. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makePrivateFolder, publishFile, temporaryBeside } from '../io/files.ts';
import { errnoOf, FileSystemError, LockedError } from '../model/errors.ts';
import { type ConfiguredBackup, createConfiguredBackup } from '../operations/configured-backup.ts';
import type { Environment } from '../operations/environment.ts';
import { forgetBackups } from '../operations/forget-backups.ts';
import { type Maintained, maintainRepository } from '../operations/maintain-repository.ts';
import {
  findHome,
  findKeyProblem,
  findRepository,
  isAttended,
  type PlaceOptions,
} from '../operations/places.ts';
import { loadSettings } from '../operations/settings.ts';
import {
  type DaemonEvent,
  futureMsMax,
  runDaemon,
  type ScheduleState,
  serve,
  sleepByClock,
} from './daemon.ts';
import { lockSchedule } from './lock.ts';
import { lastDueMs, nextRunMs } from './next-run.ts';

export interface ScheduledBackup {
  readonly backup: ConfiguredBackup;
  /** Snapshots that the retention policy of the settings dropped. */
  readonly forgotten: number;
  /** Undefined when there was nothing to free. */
  readonly maintained: Maintained | undefined;
}

/** One scheduled backup: a snapshot, then the retention policy, if there is one, then what that has freed. */
export async function runScheduledBackup(
  environment: Environment,
  options: PlaceOptions & { readonly skipIfUnchanged?: boolean },
): Promise<ScheduledBackup> {
  const backup = await createConfiguredBackup(environment, { ...options, reason: 'scheduled' });
  if (backup.unchanged) return { backup, forgotten: 0, maintained: undefined };
  const { retention } = loadSettings(findHome(environment, options)).settings;
  const { forgotten } =
    retention === undefined ? { forgotten: [] } : await forgetBackups(environment, options, []);
  const maintained = await maintainRepository(environment, options, forgotten.length);
  return { backup, forgotten: forgotten.length, maintained };
}

/** How far back a time counts as missed when nothing was ever served: the timers look at least once an hour. */
const firstLookBackMs = 3_600_000;

/**
 * The look of a platform's timer: a backup if the schedule names a time that is not served yet. Undefined when nothing is due, or
 * when another process sees to it.
 */
export async function runScheduledBackupIfDue(
  environment: Environment,
  options: PlaceOptions,
): Promise<ScheduledBackup | undefined> {
  const home = findHome(environment, options);
  const { schedule } = loadSettings(home).settings;
  using lock = lockSchedule(findRepository(environment, options, home));
  if (lock === undefined) return undefined;
  const state = scheduleState(environment, options);
  const nowMs = environment.clock.nowMs();
  const servedMs = state.read();
  const dueMs = lastDueMs(schedule, servedMs ?? nowMs - firstLookBackMs, nowMs);
  if (dueMs !== undefined) return await serve(state, dueMs, () => runScheduledBackup(environment, options));
  if (servedMs === undefined) state.write(nowMs);
  return undefined;
}

export interface ScheduleRunOptions extends PlaceOptions {
  readonly signal: AbortSignal;
  readonly log: (event: DaemonEvent) => void;
  readonly onBackup: (done: ScheduledBackup) => void;
}

/**
 * Until the signal. @throws SettingsError when the settings are wrong at the start, and WrongKeyError when somebody is there to
 * give another key; later either is a failed run
 */
export async function runSchedule(environment: Environment, options: ScheduleRunOptions): Promise<void> {
  const { signal, log, onBackup, ...places } = options;
  const readSchedule = (): string => loadSettings(findHome(environment, places)).settings.schedule;
  nextRunMs(readSchedule(), environment.clock.nowMs());
  const root = findRepository(environment, places, findHome(environment, places));
  using lock = lockSchedule(root);
  if (lock === undefined) throw new LockedError(root, 'another exuvia schedule run sees to it');
  const problem = await findKeyProblem(environment, root);
  if (problem !== undefined && isAttended(environment)) throw problem;
  // What starts it again and again when it ends would only say the same again and again.
  if (problem !== undefined) log({ kind: 'no-key', reason: problem.message });
  await runDaemon({
    clock: environment.clock,
    sleepUntil: (timeMs, stop, isOver) => sleepByClock(environment.clock, timeMs, stop, isOver),
    schedule: readSchedule,
    run: async () => onBackup(await runScheduledBackup({ ...environment, signal }, places)),
    log,
    state: scheduleState(environment, places),
    signal,
  });
}

export interface ScheduleTimes {
  readonly schedule: string;
  readonly auto: boolean;
  readonly next: string;
  /** The time of the schedule that was served last. */
  readonly last: string | null;
}

export function scheduleTimes(environment: Environment, options: PlaceOptions): ScheduleTimes {
  const { schedule, auto } = loadSettings(findHome(environment, options)).settings;
  const last = scheduleState(environment, options).read();
  return {
    schedule,
    auto,
    next: new Date(nextRunMs(schedule, environment.clock.nowMs())).toISOString(),
    last: last === undefined ? null : new Date(last).toISOString(),
  };
}

/** In the repository's `local/`: it belongs to this machine. */
function scheduleState(environment: Environment, options: PlaceOptions): ScheduleState {
  const root = findRepository(environment, options, findHome(environment, options));
  const path = join(root, 'local', 'schedule.json');
  const save = (file: StateFile): void => {
    makePrivateFolder(dirname(path));
    const unique = Buffer.from(environment.random(6)).toString('hex');
    publishFile(path, Buffer.from(`${JSON.stringify(file)}\n`), temporaryBeside(path, unique));
  };
  return {
    read: () => servedMsOf(readState(path), environment.clock.nowMs()),
    begin: (dueMs) => {
      const { served, begun } = readState(path);
      const due = new Date(dueMs).toISOString();
      const attempts = begun?.due === due ? begun.attempts + 1 : 1;
      save({ ...(served === undefined ? {} : { served }), begun: { due, attempts } });
      return attempts;
    },
    write: (dueMs) => save({ served: new Date(dueMs).toISOString() }),
  };
}

interface StateFile {
  /** Times in ISO 8601. */
  readonly served?: string;
  /** A run that has not ended. */
  readonly begun?: { readonly due: string; readonly attempts: number };
}

function servedMsOf({ served }: StateFile, nowMs: number): number | undefined {
  const servedMs = served === undefined ? Number.NaN : Date.parse(served);
  // From a clock that was wrong: waiting for that time would mean no backups until then.
  const isFuture = servedMs > nowMs + futureMsMax;
  return Number.isNaN(servedMs) || isFuture ? undefined : servedMs;
}

function readState(path: string): StateFile {
  try {
    const { served, begun } = (JSON.parse(readFileSync(path, 'utf8')) ?? {}) as Partial<StateFile>;
    return {
      ...(typeof served === 'string' ? { served } : {}),
      ...(Number.isSafeInteger(begun?.attempts) && begun !== undefined ? { begun } : {}),
    };
  } catch (error) {
    // Not there yet, or torn by hand: the schedule begins anew.
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR')
      return {};
    throw new FileSystemError('read', path, error);
  }
}
