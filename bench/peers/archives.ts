/** Archives out of a repository, and back into one. */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../lib/run.ts';
import { hasProgram, program } from './programs.ts';
import { type Contest, type Contestant, runCommands } from './rounds.ts';
import type { Command } from './tools.ts';
import { contestantOf, type WorkContext } from './work.ts';

export async function exportArchive({ set, tools }: WorkContext): Promise<Contest> {
  const repositories = await set.history(tools);
  const contestants: Contestant[] = [];
  for (const tool of tools) {
    const repository = repositories.get(tool.name)!;
    const latest = (await repository.snapshots()).at(-1)!;
    const exporter = (format: string, commands: (archive: string) => Command[]): void => {
      const archive = join(set.dir, `exported.${format}`);
      const prepare = async () => {
        rmSync(archive, { force: true });
        return commands(archive);
      };
      const finish = async () => {
        const { size } = statSync(archive);
        rmSync(archive);
        return size;
      };
      const named = { ...tool, name: `${tool.name} ${format}` };
      contestants.push(contestantOf(named, repository.env, { prepare, finish, bytesAre: 'archive' }));
    };
    const { exportGzip, exportZstd } = repository;
    if (exportGzip !== undefined) exporter('tar.gz', (archive) => exportGzip(latest, archive));
    if (exportZstd !== undefined) exporter('tar.zst', (archive) => exportZstd(latest, archive));
  }
  return {
    contestants: [...contestants, ...tars(set.dir, set.historySource)],
    warm: [set.historySource],
  };
}

function tars(dir: string, source: string): Contestant[] {
  const archive = join(dir, 'plain.tar');
  const tar = (name: string, ...words: readonly string[]): Contestant =>
    program(dir, name, { command: { words: ['tar', ...words, archive, '-C', source, '.'] }, makes: archive });
  return [
    tar('tar czf', '-czf'),
    ...(hasProgram('pigz') ? [tar('tar + pigz -1 -p2', '-I', 'pigz -1 -p2', '-cf')] : []),
    ...(hasProgram('zstd') ? [tar('tar + zstd -1 -T2', '-I', 'zstd -1 -T2', '-cf')] : []),
  ];
}

export async function importArchive({ set, tools }: WorkContext): Promise<Contest> {
  const archive = join(set.dir, 'to-import.tar.gz');
  await run('tar', ['-czf', archive, '-C', set.data, '.']);
  const contestants: Contestant[] = [];
  for (const tool of tools) {
    const dir = set.scratch(tool);
    const { env, importGzip } = tool.repositoryAt(dir);
    if (importGzip === undefined) continue;
    const prepare = async () => {
      set.scratch(tool);
      const repository = tool.repositoryAt(dir);
      await runCommands(repository.init(), env);
      return importGzip(archive);
    };
    contestants.push(contestantOf(tool, env, { prepare }));
  }
  const target = join(set.dir, 'untarred');
  contestants.push(
    program(set.dir, 'tar xzf', {
      command: { words: ['tar', '-xzf', archive, '-C', target] },
      makes: target,
      prepare: () => mkdirSync(target),
    }),
  );
  return { contestants, warm: [] };
}
