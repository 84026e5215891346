/** `exuvia repository …`: what a repository is as a whole. */
import type { Command } from 'commander';
import { action } from '../run.ts';
import { addExitCodes, examples } from './words.ts';

export function registerRepository(program: Command): void {
  const repository = program.command('repository').description('convert a repository');
  repository
    .command('encrypt')
    .description(
      'encrypt a repository that is not: all of it is written anew, then the old files are removed',
    )
    .addHelpText(
      'after',
      examples([
        'exuvia repository encrypt',
        'exuvia repository encrypt --key-file ~/.config/exuvia/backup.key',
      ]),
    )
    .action(action(async () => (await import('../commands/repository.ts')).runEncrypt));
  repository
    .command('decrypt')
    .description('make a repository that anybody can read of an encrypted one')
    .addHelpText('after', examples(['exuvia repository decrypt --key-file ~/.config/exuvia/backup.key']))
    .action(action(async () => (await import('../commands/repository.ts')).runDecrypt));
  addExitCodes(repository);
}
