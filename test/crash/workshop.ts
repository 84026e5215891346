/** A home, a repository with two snapshots, and the product's command line, all in one folder that can be reset. */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import {
  type Environment,
  listBackups,
  NoRepositoryError,
  restoreBackup,
  systemEnvironment,
} from '../../src/index.ts';
import { launcherPath } from '../helpers/cli.ts';
import { type CompareOptions, compareFolders } from '../helpers/compare-folders.ts';
import { Seeded } from '../helpers/seeded.ts';
import { pathsBelow } from './site.ts';
import { type ProgramRun, runProgram, type TracedRun } from './system-calls.ts';

export type Ended = Omit<TracedRun, 'lines'>;

export interface ListedSnapshots {
  readonly ids: readonly string[];
  readonly damaged: readonly string[];
}

export class Workshop {
  readonly root: string;
  readonly stateDir: string;
  readonly repository: string;
  /** What each snapshot restores to. */
  readonly expected = new Map<string, string>();
  /** The two snapshots that every run begins with, oldest first. */
  readonly baseIds: string[] = [];

  private constructor(root: string) {
    this.root = root;
    this.stateDir = join(root, 'home/.openclaw');
    this.repository = join(root, 'repository');
  }

  static async make(): Promise<Workshop> {
    const shop = new Workshop(mkdtempSync(join(quickFolder(), 'exuvia-crash-')));
    for (const folder of ['home', 'out', 'tmp', 'expected', 'check', 'code'])
      mkdirSync(join(shop.root, folder));
    buildHome(shop.stateDir, 1, 30);
    await shop.#takeBase();
    changeHome(shop.stateDir, 2);
    await shop.#takeBase();
    await shop.#makeArchiveFromElsewhere();
    changeHome(shop.stateDir, 3);
    return shop;
  }

  /** An archive of another home, for imports. */
  get archive(): string {
    return join(this.root, 'elsewhere.tar.gz');
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** How the command line is run; for strace, too. */
  commandRun(args: readonly string[], repository = this.repository): ProgramRun {
    return {
      program: process.execPath,
      args: [launcherPath, ...args],
      cwd: join(this.root, 'home'),
      env: {
        PATH: process.env['PATH'] ?? '',
        TZ: 'UTC',
        HOME: join(this.root, 'home'),
        TMPDIR: join(this.root, 'tmp'),
        EXUVIA_REPOSITORY: repository,
        ...(process.env['EXUVIA_DEBUG'] ? { EXUVIA_DEBUG: '1' } : {}),
        NODE_COMPILE_CACHE: join(this.root, 'code'),
        UV_THREADPOOL_SIZE: '1',
      },
    };
  }

  async run(args: readonly string[]): Promise<Ended> {
    return await runProgram(this.commandRun(args));
  }

  async mustRun(args: readonly string[], repository = this.repository): Promise<Ended> {
    const ended = await runProgram(this.commandRun(args, repository));
    if (ended.status !== 0) throw new Error(`${args.join(' ')}: ${failureText(ended)}`);
    return ended;
  }

  /** As the next run would see it; in this process, which is four times as quick as starting another. */
  async list(): Promise<ListedSnapshots | string> {
    try {
      const { snapshots, damaged } = await listBackups(this.#environment, this.#place);
      // A snapshot that another has replaced goes on under the id it had first.
      return {
        ids: snapshots.map(({ id, original }) => original ?? id),
        damaged: damaged.map(({ message }) => message),
      };
    } catch (error) {
      if (error instanceof NoRepositoryError) return { ids: [], damaged: [] };
      return `list: ${error}`;
    }
  }

  /** Restores a snapshot beside everything and says in what it differs from `folder`. */
  async differencesOf(id: string, folder: string, options: CompareOptions = {}): Promise<string[]> {
    const target = join(this.root, 'check', id);
    const name = `snapshot ${id.slice(0, 8)}`;
    try {
      const { failures } = await restoreBackup(this.#environment, { ...this.#place, target }, id);
      const failed = failures.map(({ path, reason }) => `${name}: ${path}: ${reason}`);
      return [...failed, ...compareFolders(folder, target, options).map((text) => `${name}: ${text}`)];
    } catch (error) {
      return [`${name} cannot be restored: ${error}`];
    } finally {
      rmSync(target, { recursive: true, force: true });
    }
  }

  get #place(): { repository: string; stateDir: string } {
    return { repository: this.repository, stateDir: this.stateDir };
  }

  get #environment(): Environment {
    const { env, cwd } = this.commandRun([]);
    return systemEnvironment({ env, cwd, osHome: join(this.root, 'home') });
  }

  /** Keeps what a new snapshot restores to, once it is seen to be the home that it was taken of (when `stateDir` is given). */
  async expect(id: string, stateDir?: string): Promise<string> {
    const target = join(this.root, 'expected', id);
    await this.mustRun(['backup', 'restore', id, '--target', target]);
    const differences =
      stateDir === undefined
        ? []
        : compareFolders(stateDir, target, { skipContent: (path) => path.endsWith('.sqlite') });
    if (differences.length > 0) throw new Error(`The restored home differs: ${differences.join('; ')}`);
    this.expected.set(id, target);
    return target;
  }

  packs(): string[] {
    return pathsBelow(this.root, ['repository/packs']).filter((path) => path.endsWith('.pack'));
  }

  /** Files in the repository that the format does not know, after a run that ended well. */
  strangers(): string[] {
    const known =
      /^repository(\/exuvia-repository\.json|\/packs(\/[0-9a-f]{2}(\/[0-9a-f]{32}\.pack)?)?|\/snapshots(\/[0-9TZ]+-[0-9a-f]{64})?|\/damaged(\/[^/]+)?|\/local(\/tmp|\/(index|locks|maintenance)\.sqlite)?)?$/;
    return pathsBelow(this.root, ['repository']).filter((path) => !known.test(path));
  }

  /**
   * What is wrong with the temporary files in a folder outside the repository. One of a killed run may be there: it is
   * removed by a later run once nobody has touched it for ten minutes, as nobody can tell it from one that is being written.
   */
  leftoverProblems(folder: string): string[] {
    if (!existsSync(join(this.root, folder))) return [];
    const names = readdirSync(join(this.root, folder), { recursive: true, encoding: 'utf8' });
    const left = names.filter(isTemporary);
    const open = left.filter((name) => isOpen(join(this.root, folder, name)));
    return left.length > 1 || open.length > 0 ? [`left behind: ${left.join(', ')}`] : [];
  }

  async #takeBase(): Promise<void> {
    const { stdout } = await this.mustRun(['backup', 'create', '--json']);
    const { id } = JSON.parse(stdout).snapshot;
    this.baseIds.push(id);
    await this.expect(id, this.stateDir);
  }

  async #makeArchiveFromElsewhere(): Promise<void> {
    const source = join(this.root, 'elsewhere');
    const repository = join(this.root, 'elsewhere-repository');
    buildHome(source, 9, 12);
    await this.mustRun(['backup', 'create', '--state-dir', source, '--output', this.archive], repository);
  }
}

/** Memory where there is some: thousands of runs would wear a disk, and their syncs would wait for it. */
function quickFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

function isOpen(path: string): boolean {
  const stat = lstatSync(path);
  return !stat.isSymbolicLink() && (stat.mode & 0o077) !== 0;
}

export function isTemporary(path: string): boolean {
  return /(^|\/)\.(exuvia-[0-9a-f]{12}-\d+|[^/]+\.[0-9a-f]{12}\.tmp)$/.test(path);
}

export function failureText(ended: Ended): string {
  return `status ${ended.status ?? ended.signal}: ${(ended.stderr || ended.stdout).trim().slice(0, 900)}`;
}

function buildHome(stateDir: string, seed: number, files: number): void {
  const random = new Seeded(seed);
  for (const folder of ['workspace/memory', 'credentials', 'agents/main/sessions', 'empty'])
    mkdirSync(join(stateDir, folder), { recursive: true, mode: 0o700 });
  const put = (path: string, bytes: Uint8Array | string): void =>
    writeFileSync(join(stateDir, path), bytes, { mode: 0o600 });
  put('openclaw.json', '{ "gateway": { "port": 18789 } }\n');
  for (let index = 0; index < files; index++) {
    const folder = ['workspace', 'workspace/memory', 'credentials', 'agents/main/sessions'][index % 4];
    put(`${folder}/file-${index}.md`, random.text(20 + random.below(6000)));
  }
  put('workspace/large.bin', random.bytes(200_000));
  linkSync(join(stateDir, 'workspace/file-0.md'), join(stateDir, 'workspace/twin.md'));
  symlinkSync('file-0.md', join(stateDir, 'workspace/link.md'));
  put('memory.sqlite', '');
  const database = new Database(join(stateDir, 'memory.sqlite'));
  database.exec('CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)');
  addRows(database, random);
}

function addRows(database: Database.Database, random: Seeded): void {
  const insert = database.prepare('INSERT INTO note (text) VALUES (?)');
  database.transaction(() => {
    for (let row = 0; row < 200; row++) insert.run(random.text(60).toString());
  })();
  database.close();
}

/** New, changed, removed and touched files, a changed link, more rows. */
function changeHome(stateDir: string, version: number): void {
  const random = new Seeded(100 + version);
  for (let index = 0; index < 4; index++) {
    const name = join(stateDir, 'workspace', `file-${4 * (index + version)}.md`);
    writeFileSync(name, random.text(3000), { mode: 0o600 });
    writeFileSync(join(stateDir, 'credentials', `new-${version}-${index}.json`), random.text(500), {
      mode: 0o600,
    });
  }
  writeFileSync(join(stateDir, 'workspace/large.bin'), random.bytes(120_000), { mode: 0o600 });
  unlinkSync(join(stateDir, 'agents/main/sessions', `file-${4 * version + 3}.md`));
  unlinkSync(join(stateDir, 'workspace/link.md'));
  symlinkSync(`file-${version}.md`, join(stateDir, 'workspace/link.md'));
  mkdirSync(join(stateDir, `workspace/added-${version}`), { mode: 0o700 });
  utimesSync(join(stateDir, 'workspace/file-0.md'), 1_700_000_000 + version, 1_700_000_000 + version);
  addRows(new Database(join(stateDir, 'memory.sqlite')), random);
}
