/**
 * A timer of systemd's user manager. The calendar lines are the schedule; the hourly one is for what systemd leaves out: a time in
 * the gap of a change to summer time (it skips the day), and a schedule that was changed in the settings. Each starts a look at
 * what is due, so more of them never make more backups.
 */
import { parseSchedule } from '../next-run.ts';
import { ownMark, type TimerJob, type TimerStep } from './job.ts';

export interface SystemdPlaces {
  /** `~/.config/systemd/user` */
  readonly folder: string;
}

export function systemdFiles(job: TimerJob, { folder }: SystemdPlaces): { service: string; timer: string } {
  return { service: `${folder}/${job.id}.service`, timer: `${folder}/${job.id}.timer` };
}

export function planSystemd(job: TimerJob, places: SystemdPlaces): TimerStep[] {
  const { service, timer } = systemdFiles(job, places);
  return [
    { do: 'write', path: service, content: systemdService(job) },
    { do: 'write', path: timer, content: systemdTimer(job) },
    { do: 'run', words: ['systemctl', '--user', 'daemon-reload'] },
    { do: 'run', words: ['systemctl', '--user', 'enable', `${job.id}.timer`] },
    { do: 'run', words: ['systemctl', '--user', 'restart', `${job.id}.timer`] },
  ];
}

export function planSystemdRemoval(job: TimerJob, places: SystemdPlaces): TimerStep[] {
  const { service, timer } = systemdFiles(job, places);
  return [
    { do: 'run', words: ['systemctl', '--user', 'disable', '--now', `${job.id}.timer`], mayFail: true },
    { do: 'remove', path: timer },
    { do: 'remove', path: service },
    { do: 'run', words: ['systemctl', '--user', 'daemon-reload'], mayFail: true },
  ];
}

export function systemdService({ tick, env }: TimerJob): string {
  return `# ${ownMark}
[Unit]
Description=Backup of an OpenClaw home by Exuvia

[Service]
Type=oneshot
${Object.entries(env)
  .map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}\n`)
  .join('')}ExecStart=${tick.map(commandWord).join(' ')}
SuccessExitStatus=3
Nice=10
IOSchedulingClass=idle
`;
}

export function systemdTimer({ schedule }: TimerJob): string {
  return `# ${ownMark}
[Unit]
Description=Backups of an OpenClaw home by Exuvia: ${schedule}

[Timer]
${calendarLines(schedule)
  .map((line) => `OnCalendar=${line}\n`)
  .join('')}OnCalendar=hourly
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
`;
}

/** Variables are replaced in all words but the first. */
function commandWord(word: string, index: number): string {
  return index === 0 ? quoted(word) : quoted(word).replaceAll('$', '$$$$');
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
/**
 * The schedule in systemd's words. A day of the month and a day of the week are joined by "or" in cron and by "and" in systemd:
 * where both are given, each has a line.
 */
export function calendarLines(schedule: string): string[] {
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] = parseSchedule(schedule);
  const line = (dayOfWeek: string, dayOfMonth: string): string =>
    `${dayOfWeek}*-${numbers(month, 1, 12)}-${numbers(dayOfMonth, 1, 31)} ` +
    `${numbers(hour, 0, 23)}:${numbers(minute, 0, 59)}:00`;
  if (weekday === '*') return [line('', day)];
  const indexes = listed(weekday, 0, 7).map((index) => index % 7);
  const names = [...new Set(indexes)].sort().map((index) => weekdays[index]);
  const words = `${names.join(',')} `;
  return day === '*' ? [line(words, '*')] : [line(words, '*'), line('', day)];
}

function numbers(field: string, min: number, max: number): string {
  return field === '*' ? '*' : listed(field, min, max).join(',');
}

/** The numbers of a field, in order: `1-5/2,9` is 1, 3, 5, 9. */
function listed(field: string, min: number, max: number): number[] {
  const all = field.split(',').flatMap((item) => {
    const [range = '*', step = '1'] = item.split('/');
    const [first = '', last = first] = range === '*' ? [`${min}`, `${max}`] : range.split('-');
    const count = Number(last) - Number(first) + 1;
    return Array.from({ length: count }, (_, index) => Number(first) + index).filter(
      (_, index) => index % Number(step) === 0,
    );
  });
  return [...new Set(all)].sort((a, b) => a - b);
}

/** In quotes, with what systemd would replace written so that it stays. */
function quoted(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('%', '%%');
  return `"${escaped}"`;
}
