/** `exuvia sessions …` */
import type { Command } from 'commander';
import { action } from '../run.ts';
import { addExitCodes, examples } from './words.ts';

export function registerSessions(program: Command): void {
  const sessions = program.command('sessions').description('export and import conversations of OpenClaw');
  sessions
    .command('export')
    .argument('[session]', 'session key, such as agent:main:main, or session id')
    .description('print one session or all with their transcripts, as one JSON document')
    .option('--all', 'every session')
    .option('--agent <id>', 'only of this agent')
    .option('-o, --output <file>', 'write it to a file that only you can read')
    .option('--overwrite', 'replace the file if it exists')
    .addHelpText(
      'after',
      examples([
        'exuvia sessions export agent:main:main > session-backup.json',
        'exuvia sessions export --all --output all-sessions.json',
      ]),
    )
    .action(action(async () => (await import('../commands/sessions.ts')).runSessionsExport));
  addExitCodes(sessions);
}
