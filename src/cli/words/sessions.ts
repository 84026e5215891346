/** `exuvia sessions …` */
import { type Command, Option } from 'commander';
import { action } from '../run.ts';
import { addExitCodes, examples } from './words.ts';

export function registerSessions(program: Command): void {
  const sessions = program.command('sessions').description('export and import conversations of OpenClaw');
  sessions
    .command('export')
    .argument('[session]', 'session key, such as agent:main:main, or session id')
    .description('print one session or all with their transcripts, as one document')
    .option('--all', 'every session')
    .option('--agent <id>', 'only of this agent')
    .addOption(
      new Option('--format <format>', 'json, which can be imported again, or markdown, for reading')
        .choices(['json', 'markdown'])
        .default('json'),
    )
    .option('-o, --output <file>', 'write it to a file that only you can read')
    .option('--overwrite', 'replace the file if it exists')
    .addHelpText(
      'after',
      examples([
        'exuvia sessions export agent:main:main > session-backup.json',
        'exuvia sessions export --all --output all-sessions.json',
        'exuvia sessions export agent:main:main --format markdown > conversation.md',
      ]),
    )
    .action(action(async () => (await import('../commands/sessions.ts')).runSessionsExport));
  sessions
    .command('import')
    .argument('[file]', 'what sessions export wrote; standard input when there is none')
    .description('put sessions into the home, after a snapshot of what is there')
    .option('--agent <id>', 'make all of them sessions of this agent')
    .addOption(
      new Option('--on-conflict <policy>', 'what to do with a session whose key is there with other content')
        .choices(['skip', 'replace', 'rename'])
        .default('skip'),
    )
    .option('--no-snapshot', 'take no snapshot of the present state first')
    .option('--force', 'import although a gateway runs')
    .option('--dry-run', 'print what would be done, and change nothing')
    .addHelpText(
      'after',
      examples([
        'exuvia sessions import session-backup.json',
        'exuvia sessions import all-sessions.json --on-conflict rename --dry-run',
        'exuvia sessions import --agent work < session-backup.json',
      ]),
    )
    .action(action(async () => (await import('../commands/sessions.ts')).runSessionsImport));
  addExitCodes(sessions);
}
