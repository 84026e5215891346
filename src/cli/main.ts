/** The command line. Loads no more than it needs to understand its words; each command loads what it runs. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { exuviaVersion } from '../index.ts';
import { exitCodeHelp, exitCodes } from './exit-codes.ts';
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

export function buildProgram(): Command {
  const program = new Command('exuvia')
    .description('Incremental, deduplicated, restorable backups of an OpenClaw home.')
    .version(exuviaVersion, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .addHelpText('after', exitCodeHelp);
  addGlobalOptions(program);
  registerBackup(program);
  registerConfig(program);
  registerSessions(program);
  registerSettings(program);
  registerSchedule(program);
  registerWatch(program);
  registerShim(program);
  registerKey(program);
  registerRepository(program);
  registerDoctor(program);
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

/** Who reads our output may stop early (`exuvia backup list | head -1`): that is no failure of ours. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? exitCodes.done);
}

async function main(): Promise<void> {
  process.stdout.on('error', endWithReader);
  process.stderr.on('error', endWithReader);
  try {
    await buildProgram().parseAsync(process.argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error.exitCode !== 0 && process.argv.includes('--json')) {
      const message = error.message.replace(/^error: /, '');
      process.stdout.write(`${jsonText({ error: { code: 'ERR_USAGE', message } }, 2)}\n`);
    }
  }
}

void main();
