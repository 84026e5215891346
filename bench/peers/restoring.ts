/** Getting files back: all of them to a memory disk, or one. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../lib/run.ts';
import { folderSize } from '../lib/sizes.ts';
import { program } from './programs.ts';
import type { Contest, Contestant } from './rounds.ts';
import type { Repository, Tool } from './tools.ts';
import { contestantOf, type WorkContext } from './work.ts';

export async function restoreAll({ set, tools, memoryDir }: WorkContext): Promise<Contest> {
  const repositories = await set.history(tools);
  const source = set.historySource;
  const target = join(memoryDir, 'restored');
  const wanted = folderSize(source);
  const contestants: Contestant[] = [];
  for (const tool of tools) {
    const repository = repositories.get(tool.name)!;
    const latest = (await repository.snapshots()).at(-1)!;
    const finish = async (round: number) => {
      const restored = repository.restored(source, target);
      const { files, bytes } = folderSize(restored);
      if (files !== wanted.files || bytes !== wanted.bytes)
        throw new Error(
          `${tool.name} restored ${files} files of ${bytes} bytes, not ${wanted.files} of ${wanted.bytes}`,
        );
      if (round === 0) await run('diff', ['-r', '--no-dereference', source, restored]);
      rmSync(target, { recursive: true });
      return undefined;
    };
    const prepare = async () => {
      emptied(target);
      return repository.restore(latest, source, target);
    };
    contestants.push(contestantOf(tool, repository.env, { prepare, finish }));
  }
  contestants.push(
    program(set.dir, 'cp -a', { command: { words: ['cp', '-a', source, target] }, makes: target }),
  );
  return { contestants, warm: [source, ...tools.map((tool) => set.historyDir(tool))] };
}

export async function restoreOneFile({ set, tools, memoryDir }: WorkContext): Promise<Contest> {
  const repositories = await set.history(tools);
  const target = join(memoryDir, 'restored');
  const file = middleFile(set.historySource);
  const contestants: Contestant[] = [];
  for (const tool of tools)
    contestants.push(
      await oneFile(tool, repositories.get(tool.name)!, { target, source: set.historySource, file }),
    );
  return { contestants, warm: tools.map((tool) => set.historyDir(tool)) };
}

interface OneFile {
  readonly target: string;
  readonly source: string;
  readonly file: { readonly path: string; readonly content: Buffer };
}

async function oneFile(
  tool: Tool,
  repository: Repository,
  { target, source, file }: OneFile,
): Promise<Contestant> {
  const latest = (await repository.snapshots()).at(-1)!;
  return contestantOf(tool, repository.env, {
    prepare: async () => {
      emptied(target);
      return repository.restoreOne(latest, source, file.path, target);
    },
    finish: async () => {
      const entries = readdirSync(target, { recursive: true, withFileTypes: true });
      const found = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      if (found.length !== 1 || !readFileSync(found[0]!).equals(file.content))
        throw new Error(`${tool.name} did not restore ${file.path} alone and as it was: ${found.join(', ')}`);
      return undefined;
    },
  });
}

/** A file in the middle, so that no tool finds it first or last. */
function middleFile(dir: string): { readonly path: string; readonly content: Buffer } {
  const paths = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  const path = paths.sort()[paths.length >> 1]!;
  return { path, content: readFileSync(join(dir, path)) };
}

function emptied(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
}
