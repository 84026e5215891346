/** A small repository with every kind of content, held in memory, to be damaged in any way and judged. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import Database from 'better-sqlite3';
import {
  type CheckedRepository,
  checkRepository,
  createBackup,
  type Environment,
  listBackups,
  restoreBackup,
  systemEnvironment,
} from '../../src/index.ts';
import { compareFolders } from '../helpers/compare-folders.ts';
import { Seeded } from '../helpers/seeded.ts';

export class SmallRepository {
  readonly root: string;
  readonly repository: string;
  /** Files of the repository outside `local/`, by path, as they are when nothing is damaged. */
  readonly files = new Map<string, Buffer>();
  /** What each snapshot restores to. */
  readonly expected = new Map<string, string>();
  #count = 0;

  private constructor(root: string) {
    this.root = root;
    this.repository = join(root, 'repository');
  }

  static async make(): Promise<SmallRepository> {
    const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const small = new SmallRepository(mkdtempSync(join(folder, 'exuvia-damage-')));
    const random = new Seeded(11);
    small.#put('openclaw.json', '{ "gateway": { "port": 1 } }');
    small.#put('workspace/notes.md', random.text(2500));
    small.#put('workspace/image.bin', random.bytes(3000));
    small.#put(
      'workspace/zeros',
      Buffer.concat([random.bytes(300), Buffer.alloc(131_072), random.bytes(300)]),
    );
    symlinkSync('notes.md', join(small.root, 'source/workspace/link'));
    const database = new Database(join(small.root, 'source/memory.sqlite'));
    database.exec('CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)');
    for (let row = 0; row < 40; row++)
      database.prepare('INSERT INTO note (text) VALUES (?)').run(`note ${row}`);
    await small.#snapshot(1);
    small.#put('workspace/notes.md', Buffer.concat([random.text(2000), Buffer.from('changed')]));
    small.#put('workspace/new.md', random.text(500));
    database.prepare("UPDATE note SET text = 'another' WHERE id = 7").run();
    await small.#snapshot(2);
    database.close();
    for (const path of filesBelow(small.repository)) {
      if (!path.startsWith('local/')) small.files.set(path, readFileSync(join(small.repository, path)));
    }
    cpSync(join(small.repository, 'local'), join(small.root, 'local'), { recursive: true });
    return small;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  get environment(): Environment {
    return systemEnvironment({ env: {}, cwd: this.root, osHome: this.root });
  }

  get #place(): { repository: string } {
    return { repository: this.repository };
  }

  #put(path: string, content: string | Uint8Array): void {
    const full = join(this.root, 'source', path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
  }

  async #snapshot(day: number): Promise<void> {
    const clock = { nowMs: () => Date.UTC(2026, 0, day) };
    const options = { ...this.#place, sources: [join(this.root, 'source')] };
    const { snapshot } = await createBackup({ ...this.environment, clock }, options);
    const id = snapshot?.id ?? '';
    this.expected.set(id, await this.#restore(id));
  }

  async #restore(id: string): Promise<string> {
    const target = join(this.root, `target-${this.#count++}`);
    await restoreBackup(this.environment, { ...this.#place, target }, id);
    return target;
  }

  /** Puts every file back, and `local/` as it was or away. */
  reset(options: { readonly keepsLocal: boolean }): void {
    for (const path of filesBelow(this.repository)) {
      if (!this.files.has(path) && !path.startsWith('local/')) rmSync(join(this.repository, path));
    }
    for (const [path, bytes] of this.files) {
      const full = join(this.repository, path);
      mkdirSync(dirname(full), { recursive: true });
      if (!existsSync(full) || !readFileSync(full).equals(bytes)) writeFileSync(full, bytes);
    }
    if (!options.keepsLocal) rmSync(join(this.repository, 'local'), { recursive: true, force: true });
  }

  write(path: string, bytes: Uint8Array): void {
    writeFileSync(join(this.repository, path), bytes);
  }

  delete(path: string): void {
    rmSync(join(this.repository, path));
  }

  /** Undefined when the repository as a whole is refused, with a clear error. */
  async check(): Promise<CheckedRepository | undefined> {
    try {
      return await checkRepository(this.environment, { ...this.#place, readData: true }, []);
    } catch (error) {
      if (isClear(error)) return undefined;
      throw error;
    }
  }

  /**
   * Restores every snapshot that is listed and says what is wrong: bytes that are not what was stored, or a file that is
   * missing without having been named.
   */
  async wrongRestores(): Promise<string[]> {
    const problems: string[] = [];
    for (const [id, expected] of this.expected) {
      const target = join(this.root, `target-${this.#count++}`);
      try {
        const { failures } = await restoreBackup(this.environment, { ...this.#place, target }, id);
        const failed = new Set(failures.map(({ path }) => path));
        const differences = compareFolders(expected, target, { skipTimes: true }).filter(
          (text) =>
            !(
              [...failed].some((path) => text.startsWith(JSON.stringify(path))) && text.endsWith('only in a')
            ),
        );
        problems.push(...differences.map((text) => `${id.slice(0, 8)}: ${text}`));
      } catch (error) {
        if (!isClear(error)) problems.push(`${id.slice(0, 8)}: ${error}`);
      }
      rmSync(target, { recursive: true, force: true });
    }
    return problems;
  }

  async listed(): Promise<number> {
    return (await listBackups(this.environment, this.#place)).snapshots.length;
  }
}

/** One of ours, with a code: not a bug. */
export function isClear(error: unknown): boolean {
  return error instanceof Error && 'code' in error && 'kind' in error;
}

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
