/** `exuvia key …`: keys of an encrypted repository. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { action } from '../run.ts';
import { addExitCodes, examples } from './words.ts';

export function registerKey(program: Command): void {
  const key = program.command('key').description('the keys of an encrypted repository');
  newKeyOptions(
    key.command('add').description('let one more passphrase, key file or recipient of age open it'),
  )
    .option('--add-only', 'it adds snapshots and cannot read any: for a machine that may be broken into')
    .addHelpText(
      'after',
      examples([
        'exuvia key add --label laptop',
        'exuvia key add --add-only --new-key-file server.key',
        'exuvia key add --new-key-file ~/.config/exuvia/backup.key',
        'exuvia key add --recipient age1…',
      ]),
    )
    .action(action(async () => (await import('../commands/key.ts')).runKeyAdd));
  key
    .command('remove')
    .argument('<key>', 'id or label of it')
    .description('let a key not open it any more; never the last one')
    .addHelpText('after', examples(['exuvia key remove 3f9a12c0', 'exuvia key remove laptop']))
    .action(action(async () => (await import('../commands/key.ts')).runKeyRemove));
  newKeyOptions(
    key
      .command('change')
      .argument('[key]', 'id or label of it; without it the key that opens the repository now')
      .description('replace a key by another'),
  )
    .addHelpText(
      'after',
      examples(['exuvia key change', 'exuvia key change laptop --new-passphrase-file new.txt']),
    )
    .action(action(async () => (await import('../commands/key.ts')).runKeyChange));
  key
    .command('list')
    .description('list the keys; needs none')
    .addHelpText('after', examples(['exuvia key list']))
    .action(action(async () => (await import('../commands/key.ts')).runKeyList));
  key
    .command('export')
    .argument('<file>', 'a new file, to be kept in a safe place')
    .description('write the master key, which opens the repository whatever keys are removed')
    .addHelpText('after', examples(['exuvia key export /media/stick/exuvia-master-key.txt']))
    .action(action(async () => (await import('../commands/key.ts')).runKeyExport));
  key
    .command('unlock')
    .description('keep the key for a while, so that backups neither ask nor spend time on it')
    .addOption(
      new Option('--for <time>', 'how long, such as 8h, 30m or 2d').default('12h').argParser(parseTime),
    )
    .option('--in-repository', 'keep it in the folder "local" of the repository, not in that of this session')
    .addHelpText('after', examples(['exuvia key unlock', 'exuvia key unlock --for 2d']))
    .action(action(async () => (await import('../commands/key.ts')).runKeyUnlock));
  key
    .command('lock')
    .description('forget the key that was kept')
    .addHelpText('after', examples(['exuvia key lock']))
    .action(action(async () => (await import('../commands/key.ts')).runKeyLock));
  addExitCodes(key);
}

function newKeyOptions(command: Command): Command {
  return command
    .option('--new-key-file <file>', 'the new key; the file is made when it is not there')
    .option('--new-passphrase-file <file>', 'the new passphrase, in the first line')
    .option('--new-passphrase-command <command>', 'prints the new passphrase')
    .option('--recipient <age1…>', 'whoever has the identity of age can open it')
    .option('--label <text>', 'what it is for');
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const longestMs = 30 * 86_400_000;

/** In milliseconds; the default is not parsed. */
function parseTime(text: string): number {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const ms = Number(count) * (unitMs[unit ?? ''] ?? Number.NaN);
  if (ms > 0 && ms <= longestMs) return ms;
  throw new InvalidArgumentError('Want a time such as 30m, 8h or 2d, at most 30d.');
}

export const defaultUnlockMs = 12 * 3_600_000;
