/** A thousand snapshots of a small folder, and a list of them. Kept below DIR: the peers need many minutes for them. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { versionKey } from './prepared.ts';
import { type Contest, type Contestant, runCommands } from './rounds.ts';
import type { Repository, Tool } from './tools.ts';
import { contestantOf, type WorkContext } from './work.ts';

const snapshots = 1000;
const files = 20;

export async function listThousand({ dir, tools }: WorkContext): Promise<Contest> {
  const folder = join(dir, 'work', 'list');
  const contestants: Contestant[] = [];
  const warm: string[] = [];
  for (const tool of tools) {
    const kept = join(folder, tool.name);
    const repository = tool.repositoryAt(kept);
    if (!isBuilt(kept, tool)) await build(folder, tool, repository);
    contestants.push(contestantOf(tool, repository.env, { prepare: async () => repository.list() }));
    warm.push(kept);
  }
  return { contestants, warm };
}

function isBuilt(kept: string, tool: Tool): boolean {
  const mark = `${kept}.version`;
  return existsSync(mark) && readFileSync(mark, 'utf8') === versionKey(tool);
}

async function build(folder: string, tool: Tool, repository: Repository): Promise<void> {
  const kept = join(folder, tool.name);
  const source = join(folder, `${tool.name} source`);
  for (const path of [kept, source]) rmSync(path, { recursive: true, force: true });
  mkdirSync(kept, { recursive: true });
  mkdirSync(source);
  await runCommands(repository.init(), repository.env);
  for (let round = 0; round < snapshots; round++) {
    writeFileSync(join(source, `note-${round % files}.md`), `what was noted in round ${round}\n`.repeat(20));
    await runCommands(repository.backup(source), repository.env);
  }
  const made = (await repository.snapshots()).length;
  if (made !== snapshots) throw new Error(`${tool.name} lists ${made} snapshots, not ${snapshots}`);
  writeFileSync(`${kept}.version`, versionKey(tool));
}
