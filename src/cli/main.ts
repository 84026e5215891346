/** The command line. Loads no more than it needs to understand its words; each command loads what it runs. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { exuviaVersion } from '../index.ts';
import { exitCodeHelp, exitCodes } from './exit-codes.ts';
import { writeError, writeOut } from './output.ts';
import { jsonText } from './text.ts';
import { registerBackup } from './words/backup.ts';
import { registerConfig } from './words/config.ts';
import { registerDoctor } from './words/doctor.ts';
import { registerKey } from './words/key.ts';
import { registerRepository } from './words/repository.ts';
import { registerSchedule } from './words/schedule.ts';
import { registerSessions } from './words/sessions.ts';
import { registerSettings } from './words/settings.ts';
import { registerShim } from './words/shim.ts';
import { registerWatch } from './words/watch.ts';

const groups: Readonly<Record<string, (program: Command, name: string) => void>> = {
  backup: registerBackup,
  config: registerConfig,
  sessions: registerSessions,
  settings: registerSettings,
  schedule: registerSchedule,
  watch: registerWatch,
  shim: registerShim,
  key: registerKey,
  repository: registerRepository,
  doctor: registerDoctor,
};

/** Knows no more than what its first words name, where they name a command: `backup create`. */
export function buildProgram(group = '', name = ''): Command {
  const program = new Command('exuvia')
    .description('Incremental, deduplicated, restorable backups of an OpenClaw home.')
    .version(exuviaVersion, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut, writeErr: writeError })
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .addHelpText('after', exitCodeHelp);
  addGlobalOptions(program);
  const named = Object.hasOwn(groups, group) ? [groups[group]] : Object.values(groups);
  for (const register of named) register?.(program, name);
  return program;
}

function addGlobalOptions(program: Command): void {
  program
    .option('--repository <folder>', 'where snapshots are kept (EXUVIA_REPOSITORY; default <state>/backups)')
    .option('--state-dir <folder>', "OpenClaw's state directory (OPENCLAW_STATE_DIR; default ~/.openclaw)")
    .option('--profile <name>', "OpenClaw's profile (OPENCLAW_PROFILE)")
    .addOption(new Option('--dev', 'the profile "dev"').implies({ profile: 'dev' }).hideHelp())
    .option('--key-file <file>', 'the key of an encrypted repository (EXUVIA_KEY_FILE), or identities of age')
    .option('--passphrase-file <file>', 'its passphrase, in the first line (or EXUVIA_PASSPHRASE)')
    .option('--passphrase-command <command>', 'prints its passphrase')
    .option('--identity <file>', 'opens an encrypted archive: identities as age-keygen writes them')
    .option(
      '--archive-passphrase-file <file>',
      'passphrase of an encrypted archive, read or written (EXUVIA_ARCHIVE_PASSPHRASE to read)',
    )
    .option('--json', 'print one JSON object')
    .option('-q, --quiet', 'print nothing but errors and what was asked for')
    .option('--no-progress', 'draw no progress bar')
    .addOption(
      new Option('--lock-wait <seconds>', 'how long to wait for another run').argParser(parseSeconds),
    );
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds < 0) {
    throw new InvalidArgumentError('Want a number of seconds.');
  }
  return seconds;
}

async function main(): Promise<void> {
  try {
    await buildProgram(...process.argv.slice(2, 4)).parseAsync(process.argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error.exitCode !== 0 && process.argv.includes('--json')) {
      const message = error.message.replace(/^error: /, '');
      writeOut(`${jsonText({ error: { code: 'ERR_USAGE', message } }, 2)}\n`);
    }
  }
}

void main();
