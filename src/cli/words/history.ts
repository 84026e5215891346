/** `exuvia backup log, blame, find, grep` */
import type { Command } from 'commander';
import { action } from '../run.ts';
import { collect, examples } from './words.ts';

export function registerHistory(backup: Command): void {
  backup
    .command('log')
    .argument('<path>', 'file or folder, relative to its source or absolute')
    .description('show every version of a file: when it came, changed and went, and which snapshots have it')
    .addHelpText(
      'after',
      examples(['exuvia backup log workspace/MEMORY.md', 'exuvia backup log openclaw.json --json']),
    )
    .action(action(async () => (await import('../commands/history.ts')).runLog));
  backup
    .command('blame')
    .argument('<path>', 'a text file, relative to its source or absolute')
    .description('show for each line of a file which snapshot first had it')
    .option('--show-secrets', 'show secrets as they are, and not as fingerprints')
    .addHelpText('after', examples(['exuvia backup blame workspace/MEMORY.md']))
    .action(action(async () => (await import('../commands/history.ts')).runBlame));
  backup
    .command('find')
    .argument('<globs...>', 'what to look for; a pattern without a slash matches at any depth')
    .description('find files in all snapshots, also those that are gone')
    .addHelpText(
      'after',
      examples(['exuvia backup find "*.md"', 'exuvia backup find "workspace/**/report*"']),
    )
    .action(action(async () => (await import('../commands/history.ts')).runFind));
  backup
    .command('grep')
    .argument('<text>', 'what to look for, as it is')
    .description(
      'find a text in all snapshots, in lines and in rows of databases, and say which had it first and last',
    )
    .option('-i, --ignore-case', 'capital and small letters are the same')
    .option('--include <glob>', 'only in files that match (may be repeated)', collect)
    .option('--show-secrets', 'show secrets as they are, and not as fingerprints')
    .addHelpText(
      'after',
      examples([
        'exuvia backup grep "remember this"',
        'exuvia backup grep -i invoice --include "workspace/**"',
      ]),
    )
    .action(action(async () => (await import('../commands/history.ts')).runGrep));
}
