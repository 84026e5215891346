/** OpenClaw's own `backup create` and ours, each of the same home. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { cleanEnvironment } from '../lib/environment.ts';
import { launcher, run } from '../lib/run.ts';
import { folderSize } from '../lib/sizes.ts';
import { buildYoungHome } from './data.ts';
import type { Contest, Contestant } from './rounds.ts';
import type { WorkContext } from './work.ts';

export async function openclawHome(context: WorkContext): Promise<Contest | undefined> {
  return await contestIn(context, 'a', async (stateDir) => {
    await run('cp', ['-a', context.set.data, stateDir]);
  });
}

export async function openclawYoungHome(context: WorkContext): Promise<Contest | undefined> {
  return await contestIn(context, 'young', async (stateDir) => buildYoungHome(stateDir));
}

async function contestIn(
  { dir, openclaw, tools }: WorkContext,
  name: string,
  build: (stateDir: string) => Promise<void>,
): Promise<Contest | undefined> {
  if (openclaw === undefined) return undefined;
  const folder = join(dir, 'work', 'openclaw', name);
  rmSync(folder, { recursive: true, force: true });
  const home = join(folder, 'home');
  const stateDir = join(home, '.openclaw');
  mkdirSync(home, { recursive: true });
  await build(stateDir);
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  const env = cleanEnvironment(folder, { HOME: home, OPENCLAW_STATE_DIR: stateDir, PATH: path });
  const own = tools.find((tool) => tool.name === 'exuvia');
  return {
    contestants: [
      officialBackup(openclaw, folder, env),
      ...(own === undefined ? [] : [ownBackup(own, folder, env)]),
    ],
    warm: [stateDir],
  };
}

function officialBackup(openclaw: string, folder: string, env: NodeJS.ProcessEnv): Contestant {
  const installed = join(openclaw, 'node_modules', 'openclaw');
  const manifest = join(installed, 'package.json');
  if (!existsSync(manifest))
    throw new Error(`--openclaw ${openclaw}: there is no node_modules/openclaw in it`);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const archive = join(folder, 'official.tar.gz');
  return {
    name: 'openclaw backup create',
    kind: 'peer',
    version: `OpenClaw ${version}`,
    settings: 'defaults (leaves out session logs)',
    env,
    bytesAre: 'archive',
    prepare: async () => {
      rmSync(archive, { force: true });
      const entry = join(installed, 'openclaw.mjs');
      return [{ words: [process.execPath, entry, 'backup', 'create', '--output', archive] }];
    },
    finish: async () => statSync(archive).size,
  };
}

function ownBackup(
  { name, version }: { readonly name: string; readonly version: string },
  folder: string,
  env: NodeJS.ProcessEnv,
): Contestant {
  const repository = join(folder, 'repository');
  return {
    ...{ name, kind: 'own', version, settings: 'of the whole home', env, bytesAre: 'repository' },
    prepare: async () => {
      rmSync(repository, { recursive: true, force: true });
      return [{ words: [process.execPath, launcher, 'backup', 'create', '--repository', repository] }];
    },
    finish: async () => folderSize(repository).bytes,
  };
}
