/** The product: plain, and encrypted where this version can. */
import { execFileSync } from 'node:child_process';
import { launcher } from '../lib/run.ts';
import { type Command, environmentIn, linesOf, type Repository, repositoryIn, type Tool } from './tools.ts';

const passphrase = 'bench';

export function exuviaTools(): Tool[] {
  const help = execFileSync(process.execPath, [launcher, 'backup', 'create', '--help'], { encoding: 'utf8' });
  const version = execFileSync(process.execPath, [launcher, '--version'], { encoding: 'utf8' }).trim();
  const plain: Tool = {
    name: 'exuvia',
    kind: 'own',
    version: `exuvia ${version}, Node ${process.versions.node}`,
    settings: 'defaults',
    repositoryAt: (dir) => exuvia(dir, []),
  };
  if (!help.includes('--encrypt')) return [plain];
  const encrypted: Tool = {
    ...plain,
    name: 'exuvia encrypted',
    settings: '--encrypt',
    only: ['first'],
    repositoryAt: (dir) => exuvia(dir, ['--encrypt']),
  };
  return [plain, encrypted];
}

function exuvia(dir: string, firstWords: readonly string[]): Repository {
  const repository = repositoryIn(dir);
  const env = environmentIn(dir, { EXUVIA_REPOSITORY: repository, EXUVIA_PASSPHRASE: passphrase });
  const backup = (...words: readonly string[]): Command[] => [
    { words: [process.execPath, launcher, 'backup', ...words] },
  ];
  return {
    env,
    // Made by the first backup.
    init: () => [],
    backup: (source) => backup('create', '--source', source, ...firstWords),
    list: () => backup('list'),
    snapshots: async () => {
      const lines = await linesOf(backup('list', '--json')[0]!, env);
      const { snapshots } = JSON.parse(lines.join('\n')) as { snapshots: { id: string }[] };
      return snapshots.map(({ id }) => id);
    },
    restore: (snapshot, _source, target) => backup('restore', snapshot, '--target', target),
    restored: (_source, target) => target,
    restoreOne: (snapshot, _source, file, target) =>
      backup('restore', snapshot, '--target', target, '--path', file),
    check: () => backup('check', '--read-data'),
    forgetAndPrune: (snapshots) => [...backup('forget', ...snapshots), ...backup('prune')],
    diff: (older, newer) => backup('diff', older, newer),
    exportGzip: (snapshot, archive) => backup('export', snapshot, archive, '--layout', 'home'),
    exportZstd: (snapshot, archive) => backup('export', snapshot, archive, '--layout', 'home'),
    importGzip: (archive) => backup('import', archive),
  };
}
