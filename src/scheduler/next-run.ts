/**
 * When a schedule runs. Pure; the library is croner, see docs/decisions/0010-cron.md.
 *
 * Times are those of the machine's time zone. A time that a change to summer time skips runs at the end of the gap, one that comes
 * twice runs once. What has a `*` or a step in its minutes or hours goes on in real time: two runs an hour stay two runs an hour.
 */
import { createRequire } from 'node:module';
import type { Cron } from 'croner';
import { messageOf, UsageError } from '../model/errors.ts';
import { cronProblem } from '../openclaw/settings.ts';

const require = createRequire(import.meta.url);

const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** The highest value of each field: minute, hour, day of the month, month, day of the week. */
const highest = [59, 23, 31, 12, 7] as const;

/**
 * The five fields of an expression, in words that every cron understands: `@daily` and the like are written out, names are numbers,
 * and `5/15` is `5-59/15`.
 * @throws UsageError that names the field
 */
export function parseSchedule(text: string): readonly string[] {
  const expression = nicknames[text.trim()] ?? text.trim();
  const problem = cronProblem(expression);
  if (problem !== undefined) throw wrongSchedule(text, problem);
  return expression
    .toLowerCase()
    .split(/\s+/)
    .map((field, index) => field.replaceAll(/[a-z]+/g, (name) => numberOf(name, index)))
    .map((field, index) => field.replaceAll(/(?<=^|,)(\d+)\/(\d+)/g, `$1-${highest[index]}/$2`));
}

const monthNames = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

function numberOf(name: string, field: number): string {
  return String((field === 3 ? monthNames : weekdayNames).indexOf(name));
}

/**
 * The first run after `afterMs`.
 * @param timezone an IANA name, for tests; the system's own otherwise
 * @throws UsageError for an expression that is none, or that never comes
 */
export function nextRunMs(schedule: string, afterMs: number, timezone?: string): number {
  const next = cronOf(schedule, timezone).nextRun(new Date(afterMs));
  if (next === null) throw new UsageError(`The schedule ${JSON.stringify(schedule)} never comes`);
  return next.getTime();
}

function cronOf(schedule: string, timezone: string | undefined): Cron {
  const expression = parseSchedule(schedule).join(' ');
  const { Cron: CronClass } = require('croner') as { Cron: typeof Cron };
  try {
    return new CronClass(expression, {
      paused: true,
      mode: '5-part',
      fixedTimeRule: 'no-wildcard', // "30 2,14 * * *" are fixed times as well: none is lost in a gap
      ...(timezone === undefined ? {} : { timezone }),
    });
  } catch (error) {
    throw wrongSchedule(schedule, messageOf(error));
  }
}

function wrongSchedule(schedule: string, problem: string): UsageError {
  return new UsageError(
    `The schedule is ${JSON.stringify(schedule)}: ${problem}`,
    'Want five fields such as "0 2 * * *": minute, hour, day of the month, month, day of the week.',
  );
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
