/** `exuvia backup diff` */
import type { Command } from 'commander';
import { action } from '../run.ts';
import { collect, examples, referenceHelp } from './words.ts';

const sideHelp = `${referenceHelp}, an archive, a folder, or live`;

export function registerDiff(backup: Command): void {
  backup
    .command('diff')
    .argument('[a]', `the older side: ${sideHelp} (default: latest~1, and latest for the other)`)
    .argument('[b]', 'the newer side (default: live, the present state)')
    .argument('[paths...]', 'only these files and folders')
    .description('show what differs between two backups, or a backup and the present state')
    .option('--stat', 'only the sums, component by component')
    .option('--name-only', 'only the paths')
    .option('--content', 'also what differs inside files: keys, records, lines')
    .option('--show-secrets', 'with --content: show secrets as they are')
    .option('--html <file>', 'write a page of it, with what differs inside files, to read in a browser')
    .option('--overwrite', 'with --html: replace the file if it exists')
    .option('--times', 'also files of which only the time differs')
    .option('--include <glob>', 'only what matches (may be repeated)', collect)
    .option('--exclude <glob>', 'without what matches (may be repeated)', collect)
    .option('--exit-code', 'end with 1 when something differs')
    .addHelpText(
      'after',
      examples([
        'exuvia backup diff',
        'exuvia backup diff latest',
        'exuvia backup diff latest~1 latest --content',
        'exuvia backup diff yesterday latest workspace --stat',
        'exuvia backup diff ./before.tar.gz live',
        'exuvia backup diff latest~1 latest --html changes.html',
      ]),
    )
    .action(action(async () => (await import('../commands/diff.ts')).runDiff));
}
