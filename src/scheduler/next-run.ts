/** When a schedule runs next. Pure; the library is croner, see docs/decisions/0010-cron.md. */
import { createRequire } from 'node:module';
import type { Cron } from 'croner';
import { UsageError } from '../model/errors.ts';

const require = createRequire(import.meta.url);

/**
 * The first run after `afterMs`. A time that a change to summer time skips runs at the end of the gap, one that comes twice runs once.
 * @param timezone an IANA name, for tests; the system's own otherwise
 * @throws UsageError for an expression that never comes
 */
export function nextRunMs(schedule: string, afterMs: number, timezone?: string): number {
  const { Cron: CronClass } = require('croner') as { Cron: typeof Cron };
  const cron = new CronClass(schedule, { paused: true, ...(timezone === undefined ? {} : { timezone }) });
  const next = cron.nextRun(new Date(afterMs));
  if (next === null) throw new UsageError(`The schedule ${JSON.stringify(schedule)} never comes`);
  return next.getTime();
}

/** The last run at or before `nowMs` of those after `afterMs`, or undefined when none was due. */
export function lastDueMs(
  schedule: string,
  afterMs: number,
  nowMs: number,
  timezone?: string,
): number | undefined {
  // Of many that were missed only the last one matters: look close to now first, then further back.
  for (const backMs of [2 * dayMs, 40 * dayMs, 400 * dayMs, Number.POSITIVE_INFINITY]) {
    const fromMs = Math.max(afterMs, nowMs - backMs);
    let due: number | undefined;
    for (
      let next = nextRunMs(schedule, fromMs, timezone);
      next <= nowMs;
      next = nextRunMs(schedule, next, timezone)
    )
      due = next;
    if (due !== undefined || fromMs === afterMs) return due;
  }
  return undefined;
}

const dayMs = 86_400_000;
