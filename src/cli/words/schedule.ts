/** `exuvia schedule …` */
import type { Command } from 'commander';
import { action } from '../run.ts';
import { addExitCodes, examples } from './words.ts';

export function registerSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('back up at the times of the settings ("schedule"), and keep what "retention" says');
  schedule
    .command('run')
    .description('stay in the foreground and back up whenever it is time')
    .option('--once', 'make one backup now, as the schedule would, and end')
    .addHelpText('after', examples(['exuvia schedule run', 'exuvia schedule run --once']))
    .action(action(async () => (await import('../commands/schedule.ts')).runScheduleCommand));
  schedule
    .command('status')
    .description('say when the next backup is due, and when the last one was')
    .addHelpText('after', examples(['exuvia schedule status', 'exuvia schedule status --json']))
    .action(action(async () => (await import('../commands/schedule.ts')).runScheduleStatus));
  addExitCodes(schedule);
}
