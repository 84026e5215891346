/** Borg with its default compression, with zstd, with chunks as small as ours, and with encryption. */
import { join } from 'node:path';
import { versionOf } from '../lib/report.ts';
import { type Command, environmentIn, linesOf, type Repository, repositoryIn, type Tool } from './tools.ts';

interface Settings {
  readonly encryption: string;
  readonly create: readonly string[];
}

const plain = 'none';

export function borgTools(): Tool[] {
  const version = versionOf('borg', '--version');
  if (version === undefined) return [];
  const tool = (encryption: string, ...create: readonly string[]) => ({
    kind: 'peer' as const,
    version,
    settings: ['--encryption', encryption, ...create].join(' '),
    repositoryAt: (dir: string) => borg(dir, { encryption, create }),
  });
  return [
    { name: 'Borg', ...tool(plain, '--compression', 'lz4') },
    { name: 'Borg zstd', only: ['first', 'hour', 'check'], ...tool(plain, '--compression', 'zstd,3') },
    {
      name: 'Borg small chunks',
      only: ['hour'],
      ...tool(plain, '--compression', 'zstd,3', '--chunker-params', 'buzhash,12,16,14,4095'),
    },
    {
      name: 'Borg zstd encrypted',
      only: ['first'],
      ...tool('repokey-blake2', '--compression', 'zstd,3'),
    },
  ];
}

function borg(dir: string, { encryption, create }: Settings): Repository {
  const repository = repositoryIn(dir);
  const base = join(dir, 'base');
  const env = environmentIn(dir, {
    BORG_BASE_DIR: base,
    BORG_PASSPHRASE: 'bench',
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
    BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
  });
  const command = (...words: readonly string[]): Command => ({ words: ['borg', ...words] });
  const archive = (snapshot: string): string => `${repository}::${snapshot}`;
  const extract = (snapshot: string, path: string, target: string): Command[] => [
    { ...command('extract', archive(snapshot), path.slice(1)), cwd: target },
  ];
  return {
    env,
    caches: [base],
    init: () => [command('init', '--encryption', encryption, repository)],
    backup: (source) => [command('create', ...create, archive('{utcnow:%Y-%m-%dT%H:%M:%S.%f}'), source)],
    list: () => [command('list', repository)],
    snapshots: () => linesOf(command('list', '--short', repository), env),
    restore: (snapshot, source, target) => extract(snapshot, source, target),
    restored: (source, target) => join(target, source),
    restoreOne: (snapshot, source, file, target) => extract(snapshot, join(source, file), target),
    check: () => [command('check', '--verify-data', repository)],
    forgetAndPrune: ([first, ...others]) => [
      command('delete', archive(first!), ...others),
      command('compact', repository),
    ],
    diff: (older, newer) => [command('diff', archive(older), newer)],
    exportGzip: (snapshot, file) => [
      command('export-tar', '--tar-filter', 'pigz -1 -p2', archive(snapshot), file),
    ],
    exportZstd: (snapshot, file) => [
      command('export-tar', '--tar-filter', 'zstd -1 -T2', archive(snapshot), file),
    ],
    importGzip: (file) => [command('import-tar', ...create, archive('imported'), file)],
  };
}
