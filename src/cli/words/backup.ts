/** `exuvia backup …`: the words of each command. What they do is in commands/. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { action } from '../run.ts';
import { registerDiff } from './diff.ts';
import { registerHistory } from './history.ts';
import { registerMaintenance } from './maintenance.ts';
import { addExitCodes, append, collect, examples, referenceHelp } from './words.ts';

interface Part {
  readonly names: readonly string[];
  readonly register: (backup: Command) => void;
}

const parts: readonly Part[] = [
  { names: ['create'], register: registerCreate },
  {
    names: ['list', 'show', 'ls', 'cat', 'stats', 'components', 'verify', 'rebuild-index'],
    register: registerLooking,
  },
  { names: ['diff'], register: registerDiff },
  { names: ['log', 'blame', 'find', 'grep'], register: registerHistory },
  { names: ['restore'], register: registerRestore },
  { names: ['export', 'import'], register: registerArchives },
  { names: ['forget'], register: registerForget },
  { names: ['check', 'prune', 'tag', 'pin', 'unpin', 'purge'], register: registerMaintenance },
];

/** Where `name` is one of the commands, those that come with it are enough: to make all takes longer than to run a small one. */
export function registerBackup(program: Command, name: string): void {
  const backup = program.command('backup').description('make, look into and restore snapshots');
  const named = parts.filter(({ names }) => names.includes(name));
  for (const part of named.length > 0 ? named : parts) part.register(backup);
  addExitCodes(backup);
}

function layoutOption(): Option {
  return new Option('--layout <name>', 'how the archive is laid out')
    .choices(['openclaw', 'home'])
    .default('openclaw');
}

function registerCreate(backup: Command): void {
  backup
    .command('create')
    .description('take a snapshot of the OpenClaw home, or of any folder')
    .option('--only <components>', 'only these components, such as config,credentials,workspace', collect)
    .option('--include <what>', 'also these components or globs, which are left out by default', collect)
    .option('--exclude <what>', 'leave out these components or globs', collect)
    .option('--source <path>', 'back up this folder or file instead (may be repeated)', append)
    .option('-o, --output <path>', 'also write the snapshot as an archive (.tar.gz, .tar.zst, .tar)')
    .addOption(layoutOption())
    .option('--overwrite', 'replace the archive if it exists')
    .option('--encrypt-to <age1…>', 'encrypt the archive for this recipient of age (may be repeated)', append)
    .option('--encrypt', 'encrypt the repository, which is made now; asks for a passphrase, or takes a key')
    .option('--tag <name>', 'tag the snapshot (may be repeated)', collect)
    .option('-m, --message <text>', 'say what the snapshot is for')
    .option('--force', 'read every file again, also those that seem unchanged')
    .option('--skip-if-unchanged', 'make no snapshot when nothing differs from the one before')
    .option('--dry-run', 'say what would be stored, and store nothing')
    .addHelpText(
      'after',
      examples([
        'exuvia backup create',
        'exuvia backup create --only config,credentials,workspace',
        'exuvia backup create --output transfer.tar.gz',
        'exuvia backup create --source ~/notes --repository /mnt/disk/backups',
      ]),
    )
    .action(action(async () => (await import('../commands/create.ts')).runCreate));
}

function registerLooking(backup: Command): void {
  backup
    .command('list')
    .description('list the snapshots, oldest first')
    .option('--tag <name>', 'only those with this tag')
    .option('--latest <count>', 'only the newest ones')
    .addHelpText('after', examples(['exuvia backup list', 'exuvia backup list --json']))
    .action(action(async () => (await import('../commands/look.ts')).runList));
  backup
    .command('show')
    .argument('<snapshot>', referenceHelp)
    .description('show one snapshot')
    .addHelpText('after', examples(['exuvia backup show latest', 'exuvia backup show "2 hours ago"']))
    .action(action(async () => (await import('../commands/look.ts')).runShow));
  backup
    .command('ls')
    .argument('<snapshot>', referenceHelp)
    .argument('[path]', 'folder or file in it', '')
    .description('list the files of a snapshot')
    .option('-r, --recursive', 'also what is inside folders')
    .addHelpText('after', examples(['exuvia backup ls latest', 'exuvia backup ls latest~1 workspace']))
    .action(action(async () => (await import('../commands/look.ts')).runLs));
  backup
    .command('cat')
    .argument('<snapshot>', referenceHelp)
    .argument('<path>', 'file in it')
    .description('print one file of a snapshot')
    .addHelpText(
      'after',
      examples([
        'exuvia backup cat latest workspace/MEMORY.md',
        'exuvia backup cat 2026-11-20 openclaw.json',
      ]),
    )
    .action(action(async () => (await import('../commands/look.ts')).runCat));
  backup
    .command('stats')
    .description('show what the repository holds and what it costs')
    .addHelpText('after', examples(['exuvia backup stats']))
    .action(action(async () => (await import('../commands/look.ts')).runStats));
  backup
    .command('components')
    .description('show what the home consists of, part by part, and what is left out by default')
    .addHelpText('after', examples(['exuvia backup components', 'exuvia backup components --json']))
    .action(action(async () => (await import('../commands/inspect.ts')).runComponents));
  backup
    .command('verify')
    .argument('<snapshot-or-archive>', `${referenceHelp}, or an archive`)
    .description('read all of it, and say whether it can be restored here')
    .addHelpText('after', examples(['exuvia backup verify latest', 'exuvia backup verify transfer.tar.gz']))
    .action(action(async () => (await import('../commands/inspect.ts')).runVerify));
  backup
    .command('rebuild-index')
    .description('make the index anew from packs and snapshots')
    .addHelpText('after', examples(['exuvia backup rebuild-index']))
    .action(action(async () => (await import('../commands/look.ts')).runRebuildIndex));
}

function registerRestore(backup: Command): void {
  backup
    .command('restore')
    .argument('[snapshot-or-archive]', `${referenceHelp}, or an archive`)
    .description('put files back: everything or a part, in place or into another folder')
    .option('--only <components>', 'only these components, such as config,workspace', collect)
    .option('--path <glob>', 'only what matches (may be repeated)', collect)
    .option('--target <folder>', 'restore into this folder and not in place')
    .addOption(
      new Option('--conflict <policy>', 'what to do with files that differ').choices([
        'overwrite',
        'keep',
        'newer',
        'fail',
      ]),
    )
    .option('--delete', 'remove files that the snapshot does not have')
    .option('--undo', 'go back to the state before the last restore')
    .option('--keep-paths', 'leave the absolute paths of another home as they are')
    .option('--no-snapshot', 'take no snapshot of the present state first')
    .option('--force', 'restore although a gateway runs, or into a folder that is not empty')
    .option('--dry-run', 'print the plan, and change nothing')
    .addHelpText(
      'after',
      examples([
        'exuvia backup restore latest',
        'exuvia backup restore transfer.tar.gz --only config,workspace',
        'exuvia backup restore latest --path "workspace/memory/**"',
        'exuvia backup restore 3f9a --target /tmp/look',
        'exuvia backup restore --undo',
      ]),
    )
    .action(action(async () => (await import('../commands/restore.ts')).runRestore));
}

function registerArchives(backup: Command): void {
  backup
    .command('export')
    .argument('<snapshot>', referenceHelp)
    .argument('<path>', 'archive to write: .tar.gz, .tar.zst or .tar, or a folder')
    .description('write a snapshot as an archive that any machine can restore')
    .addOption(layoutOption())
    .addOption(new Option('--format <name>', 'kind of archive').choices(['tar.gz', 'tar.zst', 'tar']))
    .option('--overwrite', 'replace the archive if it exists')
    .option('--redact', 'put marks in the place of secrets, and list them')
    .option('--encrypt-to <age1…>', 'encrypt the archive for this recipient of age (may be repeated)', append)
    .addHelpText(
      'after',
      examples([
        'exuvia backup export latest transfer.tar.gz',
        'exuvia backup export latest ~/home.tar.gz --layout home',
        'exuvia backup export latest for-support.tar.gz --redact',
      ]),
    )
    .action(action(async () => (await import('../commands/archives.ts')).runExport));
  backup
    .command('import')
    .argument('<archive>', 'archive made by exuvia, by OpenClaw, by tar or by zip')
    .description('store an archive in the repository as a snapshot')
    .option('--tag <name>', 'tag the snapshot (may be repeated)', collect)
    .option('-m, --message <text>', 'say what the snapshot is for')
    .addHelpText(
      'after',
      examples(['exuvia backup import transfer.tar.gz', 'exuvia backup import openclaw-backup.zip']),
    )
    .action(action(async () => (await import('../commands/archives.ts')).runImport));
}

function registerForget(backup: Command): void {
  const forget = backup
    .command('forget')
    .argument(
      '[snapshots...]',
      `${referenceHelp}; without any, the rules below decide, or those of the settings`,
    )
    .description('drop snapshots that are named, or that no rule keeps');
  for (const [name, what] of [
    ['last', 'the newest ones'],
    ['hourly', 'the last of each of so many hours'],
    ['daily', 'the last of each of so many days'],
    ['weekly', 'the last of each of so many weeks'],
    ['monthly', 'the last of each of so many months'],
    ['yearly', 'the last of each of so many years'],
  ] as const) {
    forget.addOption(new Option(`--keep-${name} <count>`, `keep ${what}`).argParser(parseCount));
  }
  forget
    .option('--keep-within <time>', 'keep what is younger than 30d, 2w, 6m or 1y before the newest')
    .option('--keep-tag <name>', 'keep what has this tag (may be repeated)', collect)
    .option('--dry-run', 'say what would be forgotten and why the others are kept')
    .addHelpText(
      'after',
      examples([
        'exuvia backup forget --keep-daily 7 --keep-weekly 4 --dry-run',
        'exuvia backup forget 3f9a 41bc',
        'exuvia backup forget',
      ]),
    )
    .action(action(async () => (await import('../commands/forget.ts')).runForget));
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('Want a whole number.');
}
