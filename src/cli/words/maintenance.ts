/** The commands of `exuvia backup` that keep a repository small and sound. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { action } from '../run.ts';
import { parseBytes } from '../text.ts';
import { collect, examples, referenceHelp } from './words.ts';

export function registerMaintenance(backup: Command): void {
  registerCheck(backup);
  registerPrune(backup);
  registerTags(backup);
  registerPurge(backup);
}

function registerCheck(backup: Command): void {
  backup
    .command('check')
    .argument('[snapshots...]', `${referenceHelp}; all without any`)
    .description('prove that the snapshots can be restored, and repair what is damaged')
    .option('--read-data', 'read and verify every stored byte as well')
    .addOption(
      new Option(
        '--read-data-subset <share>',
        'read only a part: 10%, 1/7 (the first of seven parts), or a size such as 2G',
      ).argParser(parseSubset),
    )
    .option('--repair', 'make the index anew, save what can be read, and free the snapshots of what is lost')
    .option('--dry-run', 'with --repair: say what would be done, and change nothing')
    .addHelpText(
      'after',
      examples([
        'exuvia backup check',
        'exuvia backup check --read-data',
        'exuvia backup check --read-data-subset 1/7',
        'exuvia backup check --repair --dry-run',
      ]),
    )
    .action(action(async () => (await import('../commands/check.ts')).runCheck));
}

function registerTags(backup: Command): void {
  backup
    .command('tag')
    .argument('<snapshots...>', referenceHelp)
    .description('change the tags of snapshots')
    .option('--add <name>', 'add this tag (may be repeated)', collect)
    .option('--remove <name>', 'take this tag away (may be repeated)', collect)
    .option('--set <name>', 'these tags instead of all there are', collect)
    .option('--dry-run', 'say what would change, and change nothing')
    .addHelpText(
      'after',
      examples(['exuvia backup tag latest --add good', 'exuvia backup tag 3f9a --remove good']),
    )
    .action(action(async () => (await import('../commands/tag.ts')).runTag));
  backup
    .command('pin')
    .argument('<snapshots...>', referenceHelp)
    .description('keep snapshots whatever the retention policy says')
    .option('--dry-run', 'say what would change, and change nothing')
    .addHelpText('after', examples(['exuvia backup pin latest']))
    .action(action(async () => (await import('../commands/tag.ts')).runPin));
  backup
    .command('unpin')
    .argument('<snapshots...>', referenceHelp)
    .description('let the retention policy decide again')
    .option('--dry-run', 'say what would change, and change nothing')
    .addHelpText('after', examples(['exuvia backup unpin 3f9a']))
    .action(action(async () => (await import('../commands/tag.ts')).runUnpin));
}

function registerPurge(backup: Command): void {
  backup
    .command('purge')
    .argument('<paths...>', 'paths in the home, absolute paths, or globs such as "**/secret.txt"')
    .description('take files out of every snapshot, so that nothing of them is left in the repository')
    .option('--dry-run', 'say what would be purged, and change nothing')
    .addHelpText(
      'after',
      examples([
        'exuvia backup purge workspace/secret.txt --dry-run',
        'exuvia backup purge "workspace/**/*.key"',
      ]),
    )
    .action(action(async () => (await import('../commands/purge.ts')).runPurge));
}

/** What `--read-data-subset` says. */
export type Subset =
  | { readonly part: number; readonly of: number }
  | { readonly ratio: number }
  | { readonly bytes: number };

function parseSubset(text: string): Subset {
  const [, part, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (part !== undefined && Number(part) >= 1 && Number(part) <= Number(of)) {
    return { part: Number(part), of: Number(of) };
  }
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100)
    return { ratio: Number(percent) / 100 };
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes > 0) return { bytes };
  throw new InvalidArgumentError('Want a share such as 10%, a part such as 1/7, or a size such as 2G.');
}

function registerPrune(backup: Command): void {
  backup
    .command('prune')
    .description('free the space of what no snapshot refers to any more')
    .addOption(
      new Option(
        '--max-unused <limit>',
        'unused data that may stay: a share such as 5%, a size, or unlimited',
      )
        .default('5%')
        .argParser(parseShare),
    )
    .addOption(
      new Option('--max-repack <size>', 'data that is written again at most, such as 500M').argParser(
        parseSize,
      ),
    )
    .addOption(
      new Option('--recompress [level]', 'write all data again, compressed harder (1 to 22)')
        .preset('19')
        .argParser(parseLevel),
    )
    .option('--dry-run', 'say what would be freed, and change nothing')
    .addHelpText(
      'after',
      examples([
        'exuvia backup prune --dry-run',
        'exuvia backup prune --max-unused 0',
        'exuvia backup prune --max-repack 500M',
      ]),
    )
    .action(action(async () => (await import('../commands/prune.ts')).runPrune));
}

/** A share of the used data, or a number of bytes. */
export type Share = { readonly ratio: number } | { readonly bytes: number };

function parseShare(text: string): Share {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) < 100) return { ratio: Number(percent) / 100 };
  if (text === 'unlimited') return { ratio: Number.POSITIVE_INFINITY };
  const bytes = parseBytes(text);
  if (bytes !== undefined) return { bytes };
  throw new InvalidArgumentError('Want a share below 100%, a size such as 200M, or unlimited.');
}

function parseSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== undefined) return bytes;
  throw new InvalidArgumentError('Want a size such as 200M or 2G.');
}

function parseLevel(text: string): number {
  const level = Number(text);
  if (/^\d+$/.test(text) && level >= 1 && level <= 22) return level;
  throw new InvalidArgumentError('Want a level from 1 to 22.');
}
