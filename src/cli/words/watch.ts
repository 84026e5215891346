/** `exuvia watch` */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCodeHelp } from '../exit-codes.ts';
import { action } from '../run.ts';
import { examples } from './words.ts';

export function registerWatch(program: Command): void {
  program
    .command('watch')
    .description('stay in the foreground and take a snapshot shortly after the home stops changing')
    .addOption(
      new Option('--quiet-for <seconds>', 'how long nothing may have changed before a snapshot')
        .default(5)
        .argParser(parseSeconds),
    )
    .addOption(
      new Option(
        '--at-most-every <seconds>',
        'least distance of two snapshots; a home that is never quiet gets one after so long',
      )
        .default(60)
        .argParser(parseSeconds),
    )
    .addHelpText('after', examples(['exuvia watch', 'exuvia watch --quiet-for 10 --at-most-every 300']))
    .addHelpText('after', exitCodeHelp)
    .action(action(async () => (await import('../commands/watch.ts')).runWatch));
}

const secondsMax = 30 * 24 * 3600;

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds > 0 && seconds <= secondsMax) return seconds;
  throw new InvalidArgumentError(`Want seconds: a number above 0, and at most ${secondsMax}.`);
}
