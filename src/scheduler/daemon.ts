/**
 * The foreground daemon: sleeps until the schedule's next time, runs, and begins again. Clock, sleep and run are passed in.
 *
 * Runs never overlap: there is one loop. Times that passed while the machine slept, while nothing ran or during a long run are
 * made up for by one run. A run that fails is logged, and the next one comes at its time. A run that was killed or interrupted is
 * begun again, but not for ever: it may be what brings the machine down.
 */
import type { Clock } from '../model/clock.ts';
import { InterruptedError, messageOf } from '../model/errors.ts';
import { lastDueMs, nextRunMs } from './next-run.ts';

export interface DaemonOptions {
  readonly clock: Clock;
  /** Ends at the time, or early at the signal or when `isOver`. */
  readonly sleepUntil: (timeMs: number, signal: AbortSignal, isOver: () => boolean) => Promise<void>;
  /** Read again and again: settings may change while it runs. When they are wrong then, the last good schedule stays. */
  readonly schedule: () => string;
  readonly run: (event: ScheduledRun) => Promise<void>;
  readonly log: (event: DaemonEvent) => void;
  readonly state: ScheduleState;
  readonly signal: AbortSignal;
  /** An IANA name, for tests. */
  readonly timezone?: string;
}

export interface ScheduledRun {
  /** The time the schedule named. */
  readonly dueMs: number;
  /** Whether that time had passed when it could begin. */
  readonly isLate: boolean;
}

/** Which time of the schedule was served last; kept so that a restart neither misses nor doubles one. */
export interface ScheduleState {
  read(): number | undefined;
  /** Counts the attempts to serve this time, this one included. */
  begin(dueMs: number): number;
  /** The time is served, well or not. */
  write(dueMs: number): void;
}

export type DaemonEvent =
  | { readonly kind: 'waiting'; readonly nextMs: number }
  | { readonly kind: 'started'; readonly dueMs: number; readonly isLate: boolean }
  | { readonly kind: 'done'; readonly dueMs: number; readonly durationMs: number }
  | { readonly kind: 'failed'; readonly dueMs: number; readonly reason: string }
  | { readonly kind: 'settings'; readonly reason: string }
  /** At the start: runs will fail until there is a key. */
  | { readonly kind: 'no-key'; readonly reason: string }
  | { readonly kind: 'stopped' };

/** A served time further ahead than this comes from a clock that was wrong, and has been put right. */
export const futureMsMax = 3_600_000;

/** How often a run is begun that never ends. */
export const attemptsMax = 3;

/** Later than this a run counts as late: timers are not exact. */
const lateMs = 5000;

/** @throws when the schedule cannot be read at the start */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { clock, state, signal, log, sleepUntil, timezone } = options;
  const readSchedule = keepLastGood(options);
  let servedMs = state.read() ?? beginNow(options);
  while (!signal.aborted) {
    const schedule = readSchedule();
    if (servedMs > clock.nowMs() + futureMsMax) servedMs = beginNow(options);
    const dueMs = lastDueMs(schedule, servedMs, clock.nowMs(), timezone);
    if (dueMs !== undefined) {
      await runOnce(options, { dueMs, isLate: clock.nowMs() - dueMs > lateMs });
      servedMs = dueMs;
      continue;
    }
    const nextMs = nextRunMs(schedule, Math.max(servedMs, clock.nowMs()), timezone);
    log({ kind: 'waiting', nextMs });
    await sleepUntil(nextMs, signal, () => readSchedule() !== schedule);
  }
  log({ kind: 'stopped' });
}

/** What is wrong with a schedule that was changed is said once. */
function keepLastGood({ schedule, clock, log, timezone }: DaemonOptions): () => string {
  let good: string | undefined;
  let said = '';
  return () => {
    try {
      const text = schedule();
      if (text !== good) nextRunMs(text, clock.nowMs(), timezone); // throws for one that never comes
      said = '';
      good = text;
    } catch (error) {
      if (good === undefined) throw error;
      const reason = messageOf(error);
      if (reason !== said) log({ kind: 'settings', reason });
      said = reason;
    }
    return good;
  };
}

/** The first start has missed nothing; what comes after it counts, also when the machine is off by then. */
function beginNow({ clock, state }: DaemonOptions): number {
  const nowMs = clock.nowMs();
  state.write(nowMs);
  return nowMs;
}

async function runOnce({ clock, run, log, state }: DaemonOptions, event: ScheduledRun): Promise<void> {
  const startedMs = clock.nowMs();
  const { dueMs } = event;
  try {
    await serve(state, dueMs, async () => {
      log({ kind: 'started', ...event });
      await run(event);
    });
    log({ kind: 'done', dueMs, durationMs: Math.round(clock.nowMs() - startedMs) });
  } catch (error) {
    // The daemon goes on: what was wrong now may be right next time.
    log({ kind: 'failed', dueMs, reason: messageOf(error) });
  }
}

/** A time counts as served when its run has ended, unless it was interrupted. A crash in it leaves the time unserved. */
export async function serve<T>(state: ScheduleState, dueMs: number, run: () => Promise<T>): Promise<T> {
  try {
    if (state.begin(dueMs) > attemptsMax)
      throw new Error(
        `this run was begun ${attemptsMax} times and never came to its end; the next one follows the schedule`,
      );
    const result = await run();
    state.write(dueMs);
    return result;
  } catch (error) {
    if (!(error instanceof InterruptedError)) state.write(dueMs);
    throw error;
  }
}

/** A machine may sleep through a timer, and settings may change: both are looked at at least this often. */
const lookAgainMs = 30_000;

/** Sleeps by the wall clock, which jumps when a machine wakes. */
export async function sleepByClock(
  clock: Clock,
  timeMs: number,
  signal: AbortSignal,
  isOver: () => boolean = () => false,
): Promise<void> {
  for (;;) {
    const left = timeMs - clock.nowMs();
    if (left <= 0 || signal.aborted || isOver()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(end, Math.min(left, lookAgainMs));
      signal.addEventListener('abort', end, { once: true });
      function end(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      }
    });
  }
}
