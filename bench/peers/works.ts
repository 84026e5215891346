/** The work that every tool is given. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { exportArchive, importArchive } from './archives.ts';
import type { SetName } from './data.ts';
import { listThousand } from './listing.ts';
import { openclawHome, openclawYoungHome } from './openclaw.ts';
import { historySnapshots, type PreparedSet } from './prepared.ts';
import { program } from './programs.ts';
import { restoreAll, restoreOneFile } from './restoring.ts';
import { type Contest, type Contestant, runCommands } from './rounds.ts';
import { type Repository, storedBytes, type Tool } from './tools.ts';
import { contestantOf, type Work, type WorkContext } from './work.ts';

const all: readonly SetName[] = ['a', 'b', 'c'];

export const works: readonly Work[] = [
  { name: 'first', title: 'first backup', sets: all, contest: firstBackup },
  { name: 'nothing', title: 'nothing changed', sets: all, isQuick: true, contest: nothingChanged },
  { name: 'hour', title: 'agent hour', sets: ['a'], contest: changed },
  { name: 'changed', title: '1 % of files changed', sets: ['b', 'c'], contest: changed },
  { name: 'touched', title: 'all touched, nothing changed', sets: all, contest: touched },
  { name: 'restore', title: 'restore to a memory disk', sets: all, contest: restoreAll },
  { name: 'restore-one', title: 'restore of one file', sets: ['b'], isQuick: true, contest: restoreOneFile },
  { name: 'diff', title: 'diff of two snapshots', sets: ['a', 'b'], isQuick: true, contest: diffOfTwo },
  { name: 'check', title: 'check with data', sets: all, contest: checkData },
  { name: 'prune', title: 'forget half and prune', sets: ['a', 'b'], contest: pruneHalf },
  { name: 'export', title: 'export as archive', sets: ['a', 'b'], contest: exportArchive },
  { name: 'import', title: 'import of tar.gz', sets: ['a'], contest: importArchive },
  { name: 'list', title: 'list 1,000 snapshots', sets: ['a'], isQuick: true, contest: listThousand },
  { name: 'openclaw', title: 'first backup, OpenClaw home', sets: ['a'], contest: openclawHome },
  { name: 'openclaw-young', title: 'the same, home of 6 MB', sets: ['a'], contest: openclawYoungHome },
];

async function firstBackup({ set, tools }: WorkContext): Promise<Contest> {
  const { source } = set;
  const archive = join(set.dir, 'first.tar.zst');
  const tar = program(set.dir, 'tar + zstd -1 -T2', {
    command: { words: ['tar', '-I', 'zstd -1 -T2', '-cf', archive, '-C', source, '.'] },
    makes: archive,
  });
  return {
    contestants: [...tools.map((tool) => first(set, tool)), tar],
    warm: [source],
  };
}

function first(set: PreparedSet, tool: Tool): Contestant {
  const dir = set.scratch(tool);
  const repository = tool.repositoryAt(dir);
  return contestantOf(tool, repository.env, {
    bytesAre: 'repository',
    prepare: async () => {
      set.scratch(tool);
      // Some tools want a repository first, and choose slow keys for it: not counted.
      const fresh = tool.repositoryAt(dir);
      await runCommands(fresh.init(), fresh.env);
      return fresh.backup(set.source);
    },
    finish: async () => {
      const bytes = storedBytes(repository, dir);
      rmSync(dir, { recursive: true, force: true });
      return bytes;
    },
  });
}

async function nothingChanged({ set, tools }: WorkContext): Promise<Contest> {
  const contestants: Contestant[] = [];
  for (const tool of tools) {
    const repository = await set.live(tool);
    const prepare = async () => repository.backup(set.source);
    contestants.push(contestantOf(tool, repository.env, { prepare }));
  }
  const node = program(set.dir, 'node -e 0', { command: { words: [process.execPath, '-e', '0'] } });
  const find = program(set.dir, 'find -printf', {
    command: { words: ['find', set.source, '-printf', '%s %T@ %C@ %i\\n'] },
  });
  contestants.push(set.name === 'a' ? node : find);
  return { contestants, warm: [set.source] };
}

async function changed(context: WorkContext): Promise<Contest> {
  return await backupAgain(context, () => context.set.change());
}

async function touched(context: WorkContext): Promise<Contest> {
  return await backupAgain(context, () => context.set.touch());
}

async function backupAgain({ set, tools }: WorkContext, beforeRound: () => Promise<void>): Promise<Contest> {
  const contestants: Contestant[] = [];
  for (const tool of tools) {
    const repository = await set.live(tool);
    const size = (): number => storedBytes(repository, set.liveDir(tool));
    let before = 0;
    const prepare = async () => {
      before = size();
      return repository.backup(set.source);
    };
    const finish = async () => {
      set.hasStored(tool);
      return size() - before;
    };
    contestants.push(contestantOf(tool, repository.env, { prepare, finish, bytesAre: 'growth' }));
  }
  return { contestants, beforeRound, warm: [set.source] };
}

async function diffOfTwo(context: WorkContext): Promise<Contest> {
  return await onHistory(context, ({ diff }, snapshots) => diff?.(snapshots.at(-2)!, snapshots.at(-1)!));
}

async function checkData(context: WorkContext): Promise<Contest> {
  return await onHistory(context, (repository) => repository.check());
}

/** Work that only reads the repositories with eight snapshots. */
async function onHistory(
  { set, tools }: WorkContext,
  commands: (
    repository: Repository,
    snapshots: readonly string[],
  ) => ReturnType<Repository['check']> | undefined,
): Promise<Contest> {
  const contestants: Contestant[] = [];
  for (const [name, repository] of await set.history(tools)) {
    const tool = tools.find((one) => one.name === name);
    const words = tool && commands(repository, await repository.snapshots());
    if (tool !== undefined && words !== undefined)
      contestants.push(contestantOf(tool, repository.env, { prepare: async () => words }));
  }
  return { contestants, warm: tools.map((tool) => set.historyDir(tool)) };
}

async function pruneHalf({ set, tools }: WorkContext): Promise<Contest> {
  await set.history(tools);
  const contestants = tools.map((tool) => {
    const dir = set.scratch(tool);
    const { env } = tool.repositoryAt(dir);
    return contestantOf(tool, env, {
      bytesAre: 'repository',
      prepare: async () => {
        await set.copyHistory(tool, dir);
        const repository = tool.repositoryAt(dir);
        const snapshots = await repository.snapshots();
        return repository.forgetAndPrune(snapshots.slice(0, historySnapshots / 2));
      },
      finish: async () => {
        const repository = tool.repositoryAt(dir);
        const left = await repository.snapshots();
        if (left.length !== historySnapshots / 2)
          throw new Error(`${tool.name}: ${left.length} snapshots left after forgetting half`);
        return storedBytes(repository, dir);
      },
    });
  });
  return { contestants, warm: [] };
}
