/** `exuvia config …` */
import type { Command } from 'commander';
import { action } from '../run.ts';
import { addExitCodes, examples } from './words.ts';

export function registerConfig(program: Command): void {
  const config = program.command('config').description('export and import the configuration of OpenClaw');
  config
    .command('export')
    .description('print the configuration as it is, or with all that belongs to it as one document')
    .option('--full', 'with included files, .env, secrets, credentials, approvals and auth profiles, as JSON')
    .option('--redact', 'put a mark in the place of each secret; an import keeps the secrets that are there')
    .option('-o, --output <file>', 'write it to a file that only you can read')
    .option('--overwrite', 'replace the file if it exists')
    .addHelpText(
      'after',
      examples([
        'exuvia config export > config-export.json',
        'exuvia config export --full > full-export.json',
        'exuvia config export --redact --output for-the-forum.json5',
      ]),
    )
    .action(action(async () => (await import('../commands/config.ts')).runConfigExport));
  config
    .command('import')
    .argument('[file]', 'what config export wrote, or a configuration; standard input when there is none')
    .description('put a configuration in place, after a snapshot of what is there')
    .option('--no-snapshot', 'take no snapshot of the present state first')
    .option('--force', 'import although a gateway runs')
    .option(
      '--keep-paths',
      'leave the absolute paths of another home, in what --full exported there, as they are',
    )
    .option('--dry-run', 'print what would change, and change nothing')
    .addHelpText(
      'after',
      examples([
        'exuvia config import < config-export.json',
        'exuvia config import full-export.json --dry-run',
        'exuvia config import full-export.json --keep-paths',
      ]),
    )
    .action(action(async () => (await import('../commands/config.ts')).runConfigImport));
  addExitCodes(config);
}
