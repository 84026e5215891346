/** `exuvia settings …` */
import type { Command } from 'commander';
import { action } from '../run.ts';
import { addExitCodes, examples } from './words.ts';

export function registerSettings(program: Command): void {
  const settings = program
    .command('settings')
    .description('show the settings in force, and where each comes from')
    .addHelpText('after', examples(['exuvia settings', 'exuvia settings --json', 'exuvia settings init']))
    .action(action(async () => (await import('../commands/settings.ts')).runShowSettings));
  settings
    .command('init')
    .description('write a commented exuvia.json5 into the state directory')
    .addHelpText('after', examples(['exuvia settings init']))
    .action(action(async () => (await import('../commands/settings.ts')).runInitSettings));
  settings
    .command('trust')
    .description('let hooks run that came with a restore or an import, after looking at them')
    .addHelpText('after', examples(['exuvia settings trust']))
    .action(action(async () => (await import('../commands/settings.ts')).runTrustSettings));
  addExitCodes(settings);
}
