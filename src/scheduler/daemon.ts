/**
 * The foreground daemon: sleeps until the schedule's next time, runs, and begins again. Clock, sleep and run are passed in.
 *
 * Runs never overlap: there is one loop. Times that passed while the machine slept, while nothing ran or during a long run are
 * made up for by one run. A run that fails is logged, and the next one comes at its time.
 */
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import { lastDueMs, nextRunMs } from './next-run.ts';

export interface DaemonOptions {
  readonly clock: Clock;
  /** Ends at the time, or early when the signal says so. */
  readonly sleepUntil: (timeMs: number, signal: AbortSignal) => Promise<void>;
  /** Read anew before each wait: settings may change while it runs. */
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
  write(dueMs: number): void;
}

export type DaemonEvent =
  | { readonly kind: 'waiting'; readonly nextMs: number }
  | { readonly kind: 'started'; readonly dueMs: number; readonly isLate: boolean }
  | { readonly kind: 'done'; readonly dueMs: number; readonly durationMs: number }
  | { readonly kind: 'failed'; readonly dueMs: number; readonly reason: string }
  | { readonly kind: 'stopped' };

/** A served time further ahead than this comes from a clock that was wrong, and has been put right. */
export const futureMsMax = 3_600_000;

/** Later than this a run counts as late: timers are not exact. */
const lateMs = 5000;

export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { clock, schedule, state, signal, log, sleepUntil, timezone } = options;
  let servedMs = state.read() ?? beginNow(options);
  while (!signal.aborted) {
    if (servedMs > clock.nowMs() + futureMsMax) servedMs = beginNow(options);
    const dueMs = lastDueMs(schedule(), servedMs, clock.nowMs(), timezone);
    if (dueMs !== undefined) {
      servedMs = dueMs;
      state.write(dueMs); // before the run: a run that brings the machine down is not begun again at once
      await runOnce(options, { dueMs, isLate: clock.nowMs() - dueMs > lateMs });
      continue;
    }
    const nextMs = nextRunMs(schedule(), Math.max(servedMs, clock.nowMs()), timezone);
    log({ kind: 'waiting', nextMs });
    await sleepUntil(nextMs, signal);
  }
  log({ kind: 'stopped' });
}

/** The first start has missed nothing; what comes after it counts, also when the machine is off by then. */
function beginNow({ clock, state }: DaemonOptions): number {
  const nowMs = clock.nowMs();
  state.write(nowMs);
  return nowMs;
}

async function runOnce({ clock, run, log }: DaemonOptions, event: ScheduledRun): Promise<void> {
  const startedMs = clock.nowMs();
  log({ kind: 'started', ...event });
  try {
    await run(event);
    log({ kind: 'done', dueMs: event.dueMs, durationMs: Math.round(clock.nowMs() - startedMs) });
  } catch (error) {
    // The daemon goes on: what was wrong now may be right next time.
    log({ kind: 'failed', dueMs: event.dueMs, reason: messageOf(error) });
  }
}

/** A machine may sleep through a timer: the clock is looked at again at least this often. */
const lookAgainMs = 30_000;

/** Sleeps by the wall clock, which jumps when a machine wakes. */
export async function sleepByClock(clock: Clock, timeMs: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const left = timeMs - clock.nowMs();
    if (left <= 0 || signal.aborted) return;
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
