/** `exuvia doctor` */
import type { Command } from 'commander';
import { exitCodeHelp } from '../exit-codes.ts';
import { action } from '../run.ts';
import { examples } from './words.ts';

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('say whether backups of this home work, and what to do where they do not')
    .addHelpText('after', examples(['exuvia doctor', 'exuvia doctor --json']))
    .addHelpText('after', exitCodeHelp)
    .action(action(async () => (await import('../commands/doctor.ts')).runDoctorCommand));
}
