import {
  type DaemonEvent,
  type InstalledTimer,
  listTimers,
  runSchedule,
  runScheduledBackup,
  runScheduledBackupIfDue,
  type ScheduledBackup,
  scheduleTimes,
  UsageError,
} from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText, durationText, safeText, timeText } from '../text.ts';

type RunWords = GlobalOptions & { readonly once?: boolean; readonly ifDue?: boolean };

export async function runScheduleCommand(
  { environment, console }: CommandContext,
  options: RunWords,
): Promise<ExitCode> {
  if (options.once && options.ifDue) throw new UsageError('--once and --if-due exclude each other');
  if (options.once) return reportOne(console, await runScheduledBackup(environment, options));
  if (options.ifDue) return reportOne(console, await runScheduledBackupIfDue(environment, options));
  // A line for each event, as a log: text, or one JSON object a line.
  const log = (value: unknown, text: string): void =>
    console.line(value, `${timeText(new Date().toISOString())} ${text}`);
  await runSchedule(environment, {
    ...options,
    signal: environment.signal ?? new AbortController().signal,
    log: (event) => log({ event: event.kind, ...event, kind: undefined }, eventText(event)),
    onBackup: (done) => log({ event: 'backup', ...doneJson(done) }, doneText(done)),
  });
  return exitCodes.done;
}

function reportOne(console: CommandContext['console'], done: ScheduledBackup | undefined): ExitCode {
  if (done === undefined) {
    console.result({ snapshot: null, isDue: false }, () => 'No backup is due');
    return exitCodes.done;
  }
  console.result(doneJson(done), () => doneText(done));
  console.incomplete(problemsOf(done));
  return isWhole(done) ? exitCodes.done : exitCodes.incomplete;
}

function isWhole({ backup }: ScheduledBackup): boolean {
  return backup.unreadable.length === 0 && backup.hooks.every((hook) => hook.problem === undefined);
}

export function doneJson({ backup, forgotten, maintained }: ScheduledBackup) {
  const { snapshot, stats, unchanged, unreadable, hooks, repository } = backup;
  const base = { repository, snapshot: snapshot?.id ?? null, unchanged, stats, unreadable, hooks };
  return { ...base, forgotten, maintained: maintained ?? null };
}

export function doneText(done: ScheduledBackup): string {
  const { backup, forgotten, maintained } = done;
  const { snapshot, stats } = backup;
  return [
    `snapshot ${snapshot?.id.slice(0, 8)}: ${countText(stats.files, 'file')}, ${bytesText(stats.addedBytes)} new`,
    ...(forgotten > 0 ? [`${countText(forgotten, 'old snapshot')} dropped`] : []),
    ...maintainedText(maintained),
    ...problemsOf(done),
  ].join('; ');
}

function problemsOf({ backup: { unreadable, hooks } }: ScheduledBackup): string[] {
  return [
    ...(unreadable.length > 0 ? [`${countText(unreadable.length, 'file')} not readable`] : []),
    ...hooks.flatMap(({ name, problem }) =>
      problem === undefined ? [] : [`${name} failed: ${safeText(problem)}`],
    ),
  ];
}

function maintainedText(maintained: ScheduledBackup['maintained']): string[] {
  if (maintained === undefined) return [];
  if ('problem' in maintained) return [`space not freed: ${safeText(maintained.problem)}`];
  const { freedBytes } = maintained.pruned;
  return freedBytes > 0 ? [`${bytesText(freedBytes)} freed`] : [];
}

function eventText(event: DaemonEvent): string {
  switch (event.kind) {
    case 'waiting':
      return `next backup at ${timeText(new Date(event.nextMs).toISOString())}`;
    case 'started':
      return event.isLate ? `backup of ${timeText(new Date(event.dueMs).toISOString())}, late` : 'backup';
    case 'done':
      return `done in ${durationText(event.durationMs)}`;
    case 'failed':
      return `failed: ${safeText(event.reason)}`;
    case 'settings':
      return `the schedule before stays in force: ${safeText(event.reason)}`;
    case 'no-key':
      return `no backups without a key: ${safeText(event.reason)}`;
    case 'stopped':
      return 'stopped';
  }
}

export async function runScheduleStatus(
  { environment, console }: CommandContext,
  options: GlobalOptions,
): Promise<ExitCode> {
  const times = scheduleTimes(environment, options);
  const timers = listTimers(environment, options);
  console.payload({ ...times, timers }, () =>
    [
      ...(timers.length === 0
        ? ['Timer: none of this system; exuvia schedule enable makes one']
        : timers.map(timerText)),
      `Schedule: ${times.schedule} (${times.auto ? 'wanted' : 'not wanted: set auto: true in the settings'})`,
      `Next: ${timeText(times.next)}`,
      `Last: ${times.last === null ? 'never by the schedule' : timeText(times.last)}`,
    ].join('\n'),
  );
  return exitCodes.done;
}

function timerText({ method, path, isCurrent }: InstalledTimer): string {
  const change = isCurrent ? '' : '; the schedule has changed: run exuvia schedule enable again';
  return `Timer: ${method}, ${safeText(path)}${change}`;
}
