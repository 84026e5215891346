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
  type RepairedRepository,
  repairRepository,
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
  /** Paths of the files that were there after the first snapshot: none of them changes afterwards. */
  readonly olderPaths = new Set<string>();
  /** The index as it was then. */
  olderIndex: Buffer = Buffer.alloc(0);
  #count = 0;
  readonly #isEncrypted: boolean;

  private constructor(root: string, isEncrypted: boolean) {
    this.root = root;
    this.#isEncrypted = isEncrypted;
    this.repository = join(root, 'repository');
  }

  static async make(isEncrypted = false): Promise<SmallRepository> {
    const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const small = new SmallRepository(mkdtempSync(join(folder, 'exuvia-damage-')), isEncrypted);
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
    for (const path of filesBelow(small.repository)) small.olderPaths.add(path);
    small.olderIndex = readFileSync(join(small.repository, 'local/index.sqlite'));
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
    const env = this.#isEncrypted ? { EXUVIA_KEY_FILE: join(this.root, 'key') } : {};
    return systemEnvironment({ env, cwd: this.root, osHome: this.root });
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
    const encrypt = this.#isEncrypted ? { encrypt: true } : {};
    const options = { ...this.#place, ...encrypt, sources: [join(this.root, 'source')] };
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
   * Restores every snapshot and says what is wrong: bytes that are not what was stored; an entry that is missing without
   * having been told; and, against what a check has found, one that it did not name, or named although it is there.
   * @param checked undefined where it refused the repository as a whole; without it only the restores are judged
   */
  async wrongRestores(judged?: { readonly checked: CheckedRepository | undefined }): Promise<string[]> {
    const problems: string[] = [];
    for (const id of this.expected.keys()) {
      const found = await this.#restored(id);
      problems.push(...found.problems.map((text) => `${id.slice(0, 8)}: ${text}`));
      if (judged === undefined) continue;
      const wrong = namingProblems(found.missing, lossesOf(judged.checked, id));
      problems.push(...wrong.map((text) => `${id.slice(0, 8)}: ${text}`));
    }
    return problems;
  }

  /** What is missing of a snapshot, all of it where it cannot be restored, and what is wrong beside that. */
  async #restored(id: string): Promise<{ missing: readonly string[] | 'all'; problems: string[] }> {
    const target = join(this.root, `target-${this.#count++}`);
    try {
      const { failures } = await restoreBackup(this.environment, { ...this.#place, target }, id);
      const differences = compareFolders(this.expected.get(id) ?? '', target, { skipTimes: true });
      const missing = differences.flatMap((text) => missingPattern.exec(text)?.[1] ?? []);
      const problems = differences.filter((text) => !missingPattern.test(text));
      const told = failures.map(({ path }) => path);
      problems.push(
        ...missing
          .filter((path) => !told.includes(path))
          .map((path) => `${path} is missing, and restore did not say so`),
      );
      return { missing, problems };
    } catch (error) {
      return { missing: 'all', problems: isClear(error) ? [] : [String(error)] };
    } finally {
      rmSync(target, { recursive: true, force: true });
    }
  }

  /** Repairs, and says what is wrong: a repository that is not sound, or loses what was not named. */
  async wrongRepair(): Promise<string[]> {
    let repaired: RepairedRepository;
    try {
      repaired = await repairRepository(this.environment, this.#place);
    } catch (error) {
      return isClear(error) && this.#isWithoutPacks() ? [] : [`repair: ${error}`];
    }
    const checked = await this.check();
    const problems = (checked?.findings ?? []).map((one) => `after the repair: ${one.place}: ${one.message}`);
    if (checked?.isSound !== true) problems.push('not sound after the repair');
    const { snapshots } = await listBackups(this.environment, this.#place);
    for (const id of this.expected.keys()) {
      const listed = snapshots.some((one) => (one.original ?? one.id) === id);
      const replaced = repaired.replaced.find(({ before }) => before === id);
      const isTold =
        replaced?.after === null ||
        repaired.acknowledged.some((one) => one === id) ||
        repaired.setAside.some((path) => path.includes(id));
      if (!listed && !isTold) problems.push(`${id.slice(0, 8)} is gone, and the repair did not say so`);
      if (!listed) continue;
      const found = await this.#restored(id);
      const lost = { paths: replaced?.lostPaths ?? [], count: replaced?.lostCount ?? 0 };
      if (found.missing === 'all') problems.push(`${id.slice(0, 8)} cannot be restored after the repair`);
      else if (found.missing.length > lost.count)
        problems.push(`${id.slice(0, 8)}: more is missing than was named: ${found.missing} ${lost.paths}`);
      // Entries that a replaced snapshot does not have any more are no failures of its restore.
      problems.push(...found.problems.filter((text) => !text.endsWith('restore did not say so')));
    }
    return problems;
  }

  #isWithoutPacks(): boolean {
    return !existsSync(join(this.repository, 'packs'));
  }

  async listed(): Promise<number> {
    return (await listBackups(this.environment, this.#place)).snapshots.length;
  }
}

/** An entry that is not there, or a folder without its own entry: it is made, for its owner alone, for what is in it. */
const missingPattern = /^"(.*)"(?: only in a|: mode \d+ and 700)$/;

interface Losses {
  /** Entries named one by one. */
  readonly paths: readonly string[];
  /** How many more are in parts of the tree that cannot be read. */
  readonly unnamed: number;
  /** The snapshot as a whole: its record, all of its tree, or the repository. */
  readonly isAll: boolean;
}

/** What a check says is lost of a snapshot. */
function lossesOf(checked: CheckedRepository | undefined, id: string): Losses {
  if (checked === undefined) return { paths: [], unnamed: 0, isAll: true };
  const ofTree = checked.findings.filter(({ snapshot, path }) => snapshot === id && path !== undefined);
  const ofRecord = checked.findings.filter(
    ({ step, snapshot, place }) => step === 'snapshots' && (snapshot === id || place.includes(id)),
  );
  const paths = ofTree.filter(({ entries }) => entries === 1).map(({ path = '' }) => path);
  const unnamed = ofTree.reduce((sum, { entries = 0 }) => sum + (entries > 1 ? entries : 0), 0);
  return { paths, unnamed, isAll: ofRecord.length > 0 || ofTree.some(({ path }) => path === '') };
}

function namingProblems(missing: readonly string[] | 'all', { paths, unnamed, isAll }: Losses): string[] {
  if (missing === 'all') return isAll ? [] : ['cannot be restored, and the check does not say so'];
  const problems = paths
    .filter((path) => !missing.includes(path))
    .map((path) => `${path} is named as lost, but is there`);
  const others = missing.filter((path) => !paths.includes(path));
  if (!isAll && others.length > unnamed) problems.push(`lost, but not named: ${others.join(', ')}`);
  return problems;
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
