/**
 * A marked block in the user's crontab; every other line stays as it is. What it starts is a small script of our own, because a line
 * of a crontab holds less than a thousand characters. cron forgets what was due while the machine slept or was off: one look
 * an hour and one at its start make up for that.
 */
import { UsageError } from '../../model/errors.ts';
import { parseSchedule } from '../next-run.ts';
import { ownMark, shellQuoted, type TimerJob, type TimerStep } from './job.ts';

export interface CrontabPlaces {
  /** For our script. */
  readonly folder: string;
  /** The crontab as it is. */
  readonly crontab: string;
}

export function crontabScriptPath(job: TimerJob, { folder }: Pick<CrontabPlaces, 'folder'>): string {
  return `${folder}/${job.id}.sh`;
}

export function planCrontab(job: TimerJob, places: CrontabPlaces): TimerStep[] {
  const path = crontabScriptPath(job, places);
  return [
    { do: 'write', path, content: crontabScript(job) },
    { do: 'run', words: ['crontab', '-'], input: withBlock(places.crontab, job, crontabBlock(job, path)) },
  ];
}

export function planCrontabRemoval(job: TimerJob, places: CrontabPlaces): TimerStep[] {
  const without = withBlock(places.crontab, job, '');
  return [
    ...(without === places.crontab
      ? []
      : [{ do: 'run', words: ['crontab', '-'], input: without } satisfies TimerStep]),
    { do: 'remove', path: crontabScriptPath(job, places) },
  ];
}

export function crontabScript({ tick, env }: TimerJob): string {
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${shellQuoted(value)}\n`);
  return `#!/bin/sh
# ${ownMark}
${variables.join('')}exec ${tick.map(shellQuoted).join(' ')}
`;
}

export function crontabBlock(job: TimerJob, script: string): string {
  if (script.includes('\n')) throw new UsageError(`A crontab cannot name ${JSON.stringify(script)}`);
  const command = `/bin/sh ${shellQuoted(script)}`.replaceAll('%', '\\%'); // a bare percent sign ends the command
  return `${beginOf(job)}
${parseSchedule(job.schedule).join(' ')} ${command}
17 * * * * ${command}
@reboot ${command}
${endOf(job)}
`;
}

/** The text with this job's block replaced, added at the end, or (an empty one) taken out. */
export function withBlock(crontab: string, job: TimerJob, block: string): string {
  const lines = crontab.split('\n');
  const begin = lines.indexOf(beginOf(job));
  const end = lines.indexOf(endOf(job), begin + 1);
  if (begin >= 0 && end > begin) {
    const before = lines.slice(0, begin).map((line) => `${line}\n`);
    return before.join('') + block + lines.slice(end + 1).join('\n');
  }
  const isEnded = crontab === '' || crontab.endsWith('\n');
  return block === '' ? crontab : `${crontab}${isEnded ? '' : '\n'}${block}`;
}

function beginOf({ id }: TimerJob): string {
  return `# begin ${id}, ${ownMark}`;
}

function endOf({ id }: TimerJob): string {
  return `# end ${id}`;
}
