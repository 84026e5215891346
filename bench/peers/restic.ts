/** restic encrypts always; each command derives its key anew with scrypt, which takes it about half a second. */
import { join } from 'node:path';
import { versionOf } from '../lib/report.ts';
import {
  type Command,
  environmentIn,
  linesOf,
  type Repository,
  repositoryIn,
  shell,
  type Tool,
} from './tools.ts';

export function resticTools(): Tool[] {
  const version = versionOf('restic', 'version');
  if (version === undefined) return [];
  const tool = (compression: 'auto' | 'off') => ({
    kind: 'peer' as const,
    version,
    settings: `--compression ${compression}, encrypted`,
    repositoryAt: (dir: string) => restic(dir, compression),
  });
  return [
    { name: 'restic', ...tool('auto') },
    { name: 'restic off', only: ['first', 'restore', 'check'], ...tool('off') },
  ];
}

function restic(dir: string, compression: string): Repository {
  const cache = join(dir, 'cache');
  const env = environmentIn(dir, {
    RESTIC_REPOSITORY: repositoryIn(dir),
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: cache,
    RESTIC_COMPRESSION: compression,
  });
  const command = (...words: readonly string[]): Command[] => [{ words: ['restic', ...words] }];
  return {
    env,
    caches: [cache],
    init: () => command('init'),
    backup: (source) => command('backup', '--quiet', '--compression', compression, source),
    list: () => command('snapshots'),
    snapshots: async () => {
      const lines = await linesOf({ words: ['restic', 'snapshots', '--json'] }, env);
      const snapshots = JSON.parse(lines.join('')) as { id: string; time: string }[];
      return snapshots.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time)).map(({ id }) => id);
    },
    restore: (snapshot, _source, target) => command('restore', snapshot, '--target', target),
    restored: (source, target) => join(target, source),
    restoreOne: (snapshot, source, file, target) => [
      shell('restic dump "$1" "$2" > "$3"', snapshot, join(source, file), join(target, 'file')),
    ],
    check: () => command('check', '--read-data'),
    forgetAndPrune: (snapshots) => command('forget', '--prune', ...snapshots),
    diff: (older, newer) => command('diff', older, newer),
    exportGzip: (snapshot, archive) => [
      shell('restic dump --archive tar "$1" / | pigz -1 -p2 > "$2"', snapshot, archive),
    ],
  };
}
