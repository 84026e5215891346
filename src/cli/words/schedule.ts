/** `exuvia schedule …` */
import { type Command, Option } from 'commander';
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
    .option('--if-due', 'make one backup if it is time for one, and end: what timers start')
    .addHelpText('after', examples(['exuvia schedule run', 'exuvia schedule run --once']))
    .action(action(async () => (await import('../commands/schedule.ts')).runScheduleCommand));
  schedule
    .command('enable')
    .description('have the system back up at those times: by systemd, launchd, cron or a task of Windows')
    .addOption(methodOption())
    .option('--dry-run', 'print what would be written and run, and do nothing')
    .addHelpText('after', examples(['exuvia schedule enable', 'exuvia schedule enable --dry-run']))
    .action(action(async () => (await import('../commands/timers.ts')).runEnable));
  schedule
    .command('disable')
    .description('take away what enable put there')
    .addOption(methodOption())
    .option('--dry-run', 'print what would be removed and run, and do nothing')
    .addHelpText('after', examples(['exuvia schedule disable']))
    .action(action(async () => (await import('../commands/timers.ts')).runDisable));
  schedule
    .command('status')
    .description('say who backs up, when the next backup is due, and when the last one was')
    .addHelpText('after', examples(['exuvia schedule status', 'exuvia schedule status --json']))
    .action(action(async () => (await import('../commands/schedule.ts')).runScheduleStatus));
  addExitCodes(schedule);
}

function methodOption(): Option {
  return new Option('--method <kind>', 'which kind of timer (default: what this system has)').choices([
    'systemd',
    'launchd',
    'crontab',
    'windows',
  ]);
}
