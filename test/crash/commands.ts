/** The commands that are killed and disturbed: what each begins with, what it may change, and how to tell that it is done. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareFolders } from '../helpers/compare-folders.ts';
import { pathsBelow } from './site.ts';
import type { Workshop } from './workshop.ts';
import { failureText, isTemporary } from './workshop.ts';

export interface CrashCommand {
  readonly name: string;
  /** Changes the prepared folder before the run, once. */
  readonly prepare?: (shop: Workshop) => void | Promise<void>;
  readonly args: (shop: Workshop) => readonly string[];
  /** It stores nothing but this machine's index, which may be lost. */
  readonly isReading?: true;
  /** How a user runs it again after it was killed; the same words when not given. */
  readonly argsAgain?: (shop: Workshop) => readonly string[];
  /** Snapshots that may be gone afterwards. */
  readonly mayRemove?: (shop: Workshop) => readonly string[];
  /** In what a snapshot that was there may differ afterwards. */
  readonly mayDiffer?: (difference: string) => boolean;
  /** What a snapshot that it adds restores to: the home as it is, or whatever the undisturbed run made. */
  readonly adds?: 'home' | 'other';
  /** Wrong things in what a killed run left, apart from the repository. */
  readonly problemsBetween?: (shop: Workshop) => readonly string[];
  /** Wrong things once it has run to its end. */
  readonly problemsAfter?: (shop: Workshop) => readonly string[] | Promise<readonly string[]>;
}

const oldest = (shop: Workshop): string => shop.baseIds[0] ?? '';
const target = (shop: Workshop): string => join(shop.root, 'out/target');
const exported = (shop: Workshop): string => join(shop.root, 'out/snapshot.tar.gz');
const restoreOldest = (shop: Workshop): string[] => [
  'backup',
  'restore',
  oldest(shop),
  '--target',
  target(shop),
];

const restoreNewest = (shop: Workshop): string[] => [
  'backup',
  'restore',
  shop.baseIds.at(-1) ?? '',
  '--target',
  target(shop),
];
const importedConfig = '{ "gateway": { "port": 18999 } }\n';

export const crashCommands: readonly CrashCommand[] = [
  {
    name: 'create, the first',
    prepare: (shop) => rmSync(shop.repository, { recursive: true }),
    args: () => ['backup', 'create'],
    mayRemove: (shop) => shop.baseIds, // there is no repository to begin with
    adds: 'home',
  },
  { name: 'create, a later one', args: () => ['backup', 'create', '--tag', 'more'], adds: 'home' },
  {
    name: 'create --output',
    args: (shop) => ['backup', 'create', '--output', exported(shop)],
    argsAgain: (shop) => ['backup', 'create', '--output', exported(shop), '--overwrite'],
    adds: 'home',
    problemsBetween: archiveProblems,
    problemsAfter: wholeArchiveProblems,
  },
  { name: 'import', args: (shop) => ['backup', 'import', shop.archive], adds: 'other' },
  {
    name: 'export',
    args: (shop) => ['backup', 'export', oldest(shop), exported(shop)],
    argsAgain: (shop) => ['backup', 'export', oldest(shop), exported(shop), '--overwrite'],
    problemsBetween: archiveProblems,
    problemsAfter: wholeArchiveProblems,
  },
  {
    name: 'forget',
    args: (shop) => ['backup', 'forget', oldest(shop)],
    argsAgain: () => ['backup', 'forget', '--keep-last', '1'],
    mayRemove: (shop) => [oldest(shop)],
    problemsAfter: async (shop) => {
      const listed = await shop.list();
      if (typeof listed === 'string') return [listed];
      return listed.ids.includes(oldest(shop)) ? ['the snapshot is still there'] : [];
    },
  },
  {
    name: 'restore --target',
    args: restoreOldest,
    argsAgain: (shop) => [...restoreOldest(shop), '--conflict', 'overwrite', '--no-snapshot'],
    problemsAfter: (shop) => [
      ...compareFolders(shop.expected.get(oldest(shop)) ?? '', target(shop), { ignore: isTemporary }),
      ...shop.leftoverProblems('out'),
    ],
  },
  {
    name: 'restore in place',
    args: (shop) => ['backup', 'restore', oldest(shop), '--delete'],
    adds: 'home',
    problemsBetween: mixedFiles,
    problemsAfter: (shop) => homeProblems(shop, oldest(shop)),
  },
  {
    name: 'restore --undo',
    prepare: async (shop) => {
      const { stdout } = await shop.mustRun(['backup', 'restore', oldest(shop), '--delete', '--json']);
      beforeRestore.set(shop, JSON.parse(stdout).before);
    },
    args: () => ['backup', 'restore', '--undo'],
    // Undoing once more would go back to before the run that was killed.
    argsAgain: (shop) => ['backup', 'restore', beforeRestore.get(shop) ?? '', '--delete'],
    adds: 'other',
    problemsBetween: mixedFiles,
    problemsAfter: (shop) => homeProblems(shop, 'home'),
  },
  {
    name: 'restore an archive',
    args: (shop) => ['backup', 'restore', shop.archive, '--target', target(shop)],
    argsAgain: (shop) => [
      ...['backup', 'restore', shop.archive, '--target', target(shop)],
      ...['--conflict', 'overwrite', '--no-snapshot'],
    ],
    adds: 'other',
    problemsAfter: (shop) => [
      ...compareFolders(join(shop.root, 'elsewhere'), target(shop), {
        ignore: isTemporary,
        skipContent: (path) => path.endsWith('.sqlite'),
      }),
      ...shop.leftoverProblems('out'),
    ],
  },
  {
    name: 'tag',
    args: (shop) => ['backup', 'tag', newest(shop), '--add', 'good'],
  },
  { name: 'pin', args: (shop) => ['backup', 'pin', oldest(shop)] },
  {
    name: 'unpin',
    prepare: async (shop) => void (await shop.mustRun(['backup', 'pin', oldest(shop)])),
    args: (shop) => ['backup', 'unpin', oldest(shop)],
  },
  {
    name: 'prune',
    prepare: async (shop) => void (await shop.mustRun(['backup', 'forget', oldest(shop)])),
    args: () => ['backup', 'prune', '--max-unused', '0'],
    mayRemove: (shop) => [oldest(shop)],
    problemsAfter: soundProblems,
  },
  {
    name: 'purge',
    args: () => ['backup', 'purge', 'workspace/large.bin'],
    mayDiffer: (difference) => difference.includes('"workspace/large.bin" only in a'),
    problemsAfter: async (shop) => {
      const problems = await soundProblems(shop);
      for (const id of shop.baseIds) {
        const differences = await shop.differencesOf(id, shop.expected.get(id) ?? '');
        if (differences.length === 0) problems.push(`${id}: the file is still there`);
      }
      return problems;
    },
  },
  {
    name: 'check --repair',
    prepare: (shop) => flipLastPack(shop),
    args: () => ['backup', 'check', '--repair'],
    mayDiffer: (difference) =>
      / only in a$|cannot be read|no pack holds it|checksum is/.test(difference) || isFolderTime(difference),
    problemsAfter: soundProblems,
  },
  {
    name: 'check --repair, a pack gone',
    prepare: (shop) => rmSync(join(shop.root, shop.packs().at(-1) ?? '')),
    args: () => ['backup', 'check', '--repair'],
    mayDiffer: (difference) =>
      / only in a$|cannot be read|no pack holds it/.test(difference) || isFolderTime(difference),
    mayRemove: (shop) => shop.baseIds, // those of which nothing is left
    problemsBetween: keptRecords,
    problemsAfter: async (shop) => [...keptRecords(shop), ...(await soundProblems(shop))],
  },
  {
    name: 'forget by a policy',
    args: () => ['backup', 'forget', '--keep-last', '1'],
    mayRemove: (shop) => [oldest(shop)],
  },
  {
    name: 'prune --recompress',
    args: () => ['backup', 'prune', '--recompress', '19'],
    problemsAfter: soundProblems,
  },
  {
    name: 'purge a folder',
    args: () => ['backup', 'purge', 'workspace'],
    mayDiffer: (difference) => difference.includes('"workspace') && difference.includes(' only in a'),
    problemsAfter: soundProblems,
  },
  {
    name: 'restore --no-snapshot',
    args: (shop) => ['backup', 'restore', oldest(shop), '--delete', '--no-snapshot'],
    problemsBetween: mixedFiles,
    problemsAfter: (shop) => homeProblems(shop, oldest(shop)),
  },
  {
    name: 'restore into a folder that has something in it',
    prepare: async (shop) => void (await shop.mustRun(restoreNewest(shop))),
    args: (shop) => [...restoreOldest(shop), '--conflict', 'overwrite', '--delete'],
    adds: 'other',
    problemsAfter: (shop) => [
      ...compareFolders(shop.expected.get(oldest(shop)) ?? '', target(shop), { ignore: isTemporary }),
      ...shop.leftoverProblems('out'),
    ],
  },
  {
    name: 'config import',
    prepare: (shop) => writeFileSync(join(shop.root, 'out/config.json'), importedConfig),
    args: (shop) => ['config', 'import', join(shop.root, 'out/config.json')],
    argsAgain: (shop) => ['config', 'import', join(shop.root, 'out/config.json'), '--no-snapshot'],
    adds: 'other',
    problemsBetween: (shop) => {
      const now = readFileSync(join(shop.stateDir, 'openclaw.json'), 'utf8');
      const before = readFileSync(join(shop.expected.get('home') ?? '', 'openclaw.json'), 'utf8');
      return now === before || now === importedConfig
        ? []
        : ['openclaw.json is neither the old nor the new one'];
    },
    problemsAfter: (shop) =>
      readFileSync(join(shop.stateDir, 'openclaw.json'), 'utf8') === importedConfig
        ? shop.leftoverProblems('home')
        : ['the configuration was not imported'],
  },
  { name: 'rebuild-index', args: () => ['backup', 'rebuild-index'] },
  {
    name: 'list without an index',
    prepare: (shop) => rmSync(join(shop.repository, 'local'), { recursive: true }),
    args: () => ['backup', 'list'],
    isReading: true,
  },
];

/** The snapshot to which undoing goes back. */
const beforeRestore = new WeakMap<Workshop, string>();

function homeProblems(shop: Workshop, name: string): string[] {
  return [
    ...compareFolders(shop.expected.get(name) ?? '', shop.stateDir, { ignore: isTemporary }),
    ...shop.leftoverProblems('home'),
  ];
}

const newest = (shop: Workshop): string => shop.baseIds.at(-1) ?? '';

/** A snapshot of which nothing is left goes to `damaged/`; until it is there its file stays. */
function keptRecords(shop: Workshop): string[] {
  const names = ['snapshots', 'damaged'].map((folder) => join(shop.repository, folder));
  const files = names.flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  return shop.baseIds
    .filter((id) => !files.some((name) => name.includes(id)))
    .map((id) => `no record of ${id}`);
}

async function soundProblems(shop: Workshop): Promise<string[]> {
  const ended = await shop.run(['backup', 'check', '--read-data']);
  return ended.status === 0 ? [] : [`check: ${failureText(ended)}`];
}

/** A byte of the newest pack is another: some file of it is lost. */
function flipLastPack(shop: Workshop): void {
  const path = join(shop.root, shop.packs().at(-1) ?? '');
  const bytes = readFileSync(path);
  bytes[200] = (bytes[200] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** A folder whose own entry is lost is made anew, with the time of what is left in it. */
function isFolderTime(difference: string): boolean {
  return /: "(|empty|credentials|workspace(\/memory)?|agents(\/main(\/sessions)?)?)": time \d/.test(
    difference,
  );
}

/** Under its own name there is either no archive or a whole one. */
function archiveProblems(shop: Workshop): string[] {
  if (!existsSync(exported(shop))) return [];
  const end = readFileSync(exported(shop)).subarray(0, 2);
  return end.equals(Buffer.from([0x1f, 0x8b])) ? [] : ['the archive does not begin as one'];
}

async function wholeArchiveProblems(shop: Workshop): Promise<string[]> {
  const ended = await shop.run(['backup', 'verify', exported(shop)]);
  const left = shop.leftoverProblems('out');
  return ended.status === 0 ? left : [`verify: ${failureText(ended)}`, ...left];
}

/** In place each file is the one that was there or the one from the snapshot, whole. */
function mixedFiles(shop: Workshop): string[] {
  const before = shop.expected.get('home') ?? '';
  const after = shop.expected.get(oldest(shop)) ?? '';
  const contentOf = (folder: string, path: string): Buffer | undefined => {
    const full = join(folder, path);
    return existsSync(full) ? readFileSync(full) : undefined;
  };
  const problems: string[] = [];
  for (const path of filesOf(shop.stateDir)) {
    if (isTemporary(path)) continue;
    const now = readFileSync(join(shop.stateDir, path));
    const isWhole = [before, after].some((folder) => contentOf(folder, path)?.equals(now));
    if (!isWhole) problems.push(`${path} is neither the old nor the new file`);
  }
  const both = filesOf(before).filter((path) => existsSync(join(after, path)));
  for (const path of both) if (!existsSync(join(shop.stateDir, path))) problems.push(`${path} is gone`);
  return problems;
}

function filesOf(folder: string): string[] {
  return pathsBelow(folder, ['.'])
    .map((path) => path.slice(2))
    .filter((path) => path !== '' && !isFolderPath(join(folder, path)));
}

function isFolderPath(path: string): boolean {
  try {
    readFileSync(path);
    return false;
  } catch {
    return true; // a folder, or a link to nowhere
  }
}
