/** `exuvia shim …` */
import type { Command } from 'commander';
import { action } from '../run.ts';
import { addExitCodes, examples } from './words.ts';

export function registerShim(program: Command): void {
  const shim = program
    .command('shim')
    .description('an "openclaw" that sends backup, config and sessions export and import to exuvia');
  shim
    .command('install')
    .description('write it; put its folder first on PATH afterwards')
    .option('--dir <folder>', 'where it is put (default ~/.exuvia/bin)')
    .option('--dry-run', 'print it, and write nothing')
    .addHelpText('after', examples(['exuvia shim install', 'exuvia shim install --dir ~/bin']))
    .action(action(async () => (await import('../commands/shim.ts')).runInstallShim));
  shim
    .command('remove')
    .description('remove it again')
    .option('--dir <folder>', 'where it is')
    .option('--dry-run', 'say what would be removed')
    .addHelpText('after', examples(['exuvia shim remove']))
    .action(action(async () => (await import('../commands/shim.ts')).runRemoveShim));
  shim
    .command('status')
    .description('say whether it is there, and first on PATH')
    .option('--dir <folder>', 'where it is')
    .addHelpText('after', examples(['exuvia shim status']))
    .action(action(async () => (await import('../commands/shim.ts')).runShimStatus));
  addExitCodes(shim);
}
