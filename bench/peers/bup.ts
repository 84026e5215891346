/** bup keeps a git repository; it indexes first, then saves, and compresses with zlib. Its gc is called unsafe by itself. */
import { join } from 'node:path';
import { versionOf } from '../lib/report.ts';
import { type Command, environmentIn, linesOf, type Repository, repositoryIn, type Tool } from './tools.ts';

const branch = 'home';

export function bupTools(): Tool[] {
  const version = versionOf('bup', '--version');
  if (version === undefined) return [];
  return [{ name: 'bup', kind: 'peer', version: `bup ${version}`, settings: 'defaults', repositoryAt: bup }];
}

function bup(dir: string): Repository {
  const env = environmentIn(dir, { BUP_DIR: repositoryIn(dir) });
  const command = (...words: readonly string[]): Command => ({ words: ['bup', ...words] });
  // It ends with 1 where file systems have no such attributes, as a memory disk; what it restored is compared anyway.
  const restore = (from: string, target: string): Command[] => [
    { ...command('restore', '--quiet', '-C', target, from), exitCodes: [0, 1] },
  ];
  const inSnapshot = (snapshot: string, path: string): string => `/${branch}/${snapshot}${path}`;
  return {
    env,
    init: () => [command('init')],
    backup: (source) => [command('index', source), command('save', '--quiet', '--name', branch, source)],
    list: () => [command('ls', branch)],
    snapshots: async () => {
      const names = await linesOf(command('ls', branch), env);
      return names.filter((name) => name !== 'latest').sort();
    },
    restore: (snapshot, source, target) => restore(`${inSnapshot(snapshot, source)}/.`, target),
    restored: (_source, target) => target,
    restoreOne: (snapshot, source, file, target) => restore(inSnapshot(snapshot, join(source, file)), target),
    check: () => [command('fsck', '--disable-par2', '-j2')],
    forgetAndPrune: (snapshots) => [
      command('rm', '--unsafe', ...snapshots.map((snapshot) => inSnapshot(snapshot, ''))),
      command('gc', '--unsafe'),
    ],
  };
}
