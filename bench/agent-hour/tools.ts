/** The tools compared: each keeps snapshots of one folder in a repository of its own. */
import { join } from 'node:path';
import { cleanEnvironment } from '../lib/environment.ts';
import { versionOf } from '../lib/report.ts';
import { type RunOptions, run, runExuvia } from '../lib/run.ts';
import { type FolderSize, folderSize } from '../lib/sizes.ts';

export interface Tool {
  readonly name: string;
  readonly version: string;
  readonly settings: string;
  /** Makes an empty repository, for the tools that want one first. */
  init(): Promise<void>;
  snapshot(source: string): Promise<{ readonly wallMs: number }>;
  size(): FolderSize;
}

/** The product; its second form leaves out `local/`, the cache of this machine, which can be made again from the rest. */
export function exuvia(dir: string): Tool & { sizeWithoutLocal(): FolderSize } {
  const repository = join(dir, 'exuvia');
  const options = { env: cleanEnvironment(dir) };
  return {
    name: 'exuvia',
    version: `Node ${process.versions.node}`,
    settings: 'defaults',
    init: async () => {},
    snapshot: (source) =>
      runExuvia(['backup', 'create', '--source', source, '--repository', repository, '--json'], options),
    size: () => folderSize(repository),
    sizeWithoutLocal: () => folderSize(repository, (path) => path !== 'local' && !path.startsWith('local/')),
  };
}

/** restic, Borg and bup, where they are installed, with good settings and no more encryption than they insist on. */
export function installedPeers(dir: string): Tool[] {
  return [restic(dir), borg(dir), bup(dir)].filter((tool) => tool !== undefined);
}

function restic(dir: string): Tool | undefined {
  const version = versionOf('restic', 'version');
  if (version === undefined) return undefined;
  const repository = join(dir, 'restic');
  const env = { RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: join(dir, 'restic-cache') };
  const options = { env: cleanEnvironment(dir, env) };
  return {
    name: 'restic',
    version,
    settings: '--compression auto (zstd)',
    init: () => runQuietly('restic', ['init', '--repo', repository], options),
    snapshot: (source) =>
      run('restic', ['backup', '--quiet', '--compression', 'auto', '--repo', repository, source], options),
    size: () => folderSize(repository),
  };
}

function borg(dir: string): Tool | undefined {
  const version = versionOf('borg', '--version');
  if (version === undefined) return undefined;
  const repository = join(dir, 'borg');
  const env = { BORG_BASE_DIR: join(dir, 'borg-base'), BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes' };
  const options = { env: cleanEnvironment(dir, env) };
  let count = 0;
  return {
    name: 'Borg',
    version,
    settings: '--encryption none, --compression zstd,3',
    init: () => runQuietly('borg', ['init', '--encryption', 'none', repository], options),
    snapshot: (source) =>
      run('borg', ['create', '--compression', 'zstd,3', `${repository}::${++count}`, source], options),
    size: () => folderSize(repository),
  };
}

function bup(dir: string): Tool | undefined {
  const version = versionOf('bup', '--version');
  if (version === undefined) return undefined;
  const repository = join(dir, 'bup');
  const options = { env: cleanEnvironment(dir, { BUP_DIR: repository }) };
  return {
    name: 'bup',
    version: `bup ${version}`,
    settings: 'defaults (zlib 1)',
    init: () => runQuietly('bup', ['init'], options),
    snapshot: async (source) => {
      const index = await run('bup', ['index', source], options);
      const save = await run('bup', ['save', '--quiet', '--name', 'home', source], options);
      return { wallMs: index.wallMs + save.wallMs };
    },
    size: () => folderSize(repository),
  };
}

async function runQuietly(command: string, args: readonly string[], options: RunOptions): Promise<void> {
  await run(command, args, options);
}
