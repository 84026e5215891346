/** Damage to `local/`, which is only this machine's: whatever becomes of it, everything goes on as if it were whole. */
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import {
  checkRepository,
  createBackup,
  listBackups,
  pruneRepository,
  restoreBackup,
} from '../../src/index.ts';
import { compareFolders } from '../helpers/compare-folders.ts';
import type { Seeded } from '../helpers/seeded.ts';
import { SmallRepository } from './small-repository.ts';

export interface LocalDamage {
  readonly name: string;
  apply(local: string): void;
}

const index = 'index.sqlite';

export class LocalBench implements Disposable {
  readonly #small: SmallRepository;
  readonly #local: string;
  #index: Buffer;
  #count = 0;

  private constructor(small: SmallRepository) {
    this.#small = small;
    this.#local = join(small.repository, 'local');
    this.#index = readFileSync(join(this.#local, index));
  }

  static async open(): Promise<LocalBench> {
    return new LocalBench(await SmallRepository.make());
  }

  [Symbol.dispose](): void {
    this.#small.remove();
  }

  get indexBytes(): number {
    return this.#index.length;
  }

  /** The index as it was before the last snapshot, in the file that is trusted. */
  get olderIndex(): LocalDamage {
    const older = this.#small.olderIndex;
    return {
      name: 'an older index',
      apply: (local) => {
        const path = join(local, index);
        writeFileSync(path, older);
        trust(path);
      },
    };
  }

  /** As it was, and trusted: the index says in which file it is. */
  reset(): void {
    this.#small.reset({ keepsLocal: true });
    const path = join(this.#local, index);
    if (existsSync(this.#local)) {
      for (const name of readdirSync(this.#local))
        if (name !== index || !lstatSync(path).isFile())
          rmSync(join(this.#local, name), { recursive: true, force: true });
    }
    mkdirSync(join(this.#local, 'tmp'), { recursive: true });
    writeFileSync(path, this.#index);
    trust(path);
    this.#index = readFileSync(path);
  }

  async judge(damage: LocalDamage): Promise<string[]> {
    this.reset();
    damage.apply(this.#local);
    try {
      return await this.#problems();
    } catch (error) {
      return [String(error instanceof Error ? error.stack : error)];
    }
  }

  async #problems(): Promise<string[]> {
    const { environment, repository, root, expected } = this.#small;
    const place = { repository };
    const source = join(root, 'source');
    const { snapshots, damaged } = await listBackups(environment, place);
    assert.deepEqual(damaged, []);
    assert.deepEqual(
      snapshots.map(({ id }) => id),
      [...expected.keys()],
    );
    const { snapshot } = await createBackup(environment, { ...place, sources: [source] });
    const target = join(root, `local-${this.#count++}`);
    const { failures } = await restoreBackup(environment, { ...place, target }, snapshot?.id ?? '');
    assert.deepEqual(failures, []);
    const problems = compareFolders(source, target, {
      skipTimes: true,
      skipContent: (path) => path.endsWith('.sqlite'),
    });
    rmSync(target, { recursive: true, force: true });
    const checked = await checkRepository(environment, { ...place, readData: true }, []);
    problems.push(
      ...checked.findings.filter(({ severity }) => severity !== 'note').map((one) => one.message),
    );
    await pruneRepository(environment, { ...place, limits: { maxUnusedRatio: 0 } });
    problems.push(...(await this.#small.wrongRestores()));
    const after = await checkRepository(environment, { ...place, readData: true }, []);
    problems.push(...after.findings.map((one) => `at the end: ${one.message}`));
    return problems;
  }
}

/** The index says in which file it is, and is believed only there. */
function trust(path: string): void {
  const database = new Database(path);
  const place = `${hostname()}:${statSync(path).ino}`;
  const known = database.prepare("SELECT value FROM meta WHERE name = 'place'").pluck().get();
  if (known !== place) database.prepare("UPDATE meta SET value = ? WHERE name = 'place'").run(place);
  database.close();
}

/** One bit of the index, anywhere. */
export function flipIndex(position: number): LocalDamage {
  return {
    name: `bit ${position} of the index`,
    apply(local) {
      const path = join(local, index);
      const bytes = readFileSync(path);
      const at = Math.floor(position / 8) % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (position % 8));
      writeFileSync(path, bytes);
    },
  };
}

export function cutIndex(length: number): LocalDamage {
  return {
    name: `the index cut to ${length} bytes`,
    apply: (local) => writeFileSync(join(local, index), readFileSync(join(local, index)).subarray(0, length)),
  };
}

/** A page of the index written over another. */
export function copyPage(random: Seeded, bytesOfIndex: number): LocalDamage {
  const pages = bytesOfIndex / 4096;
  const [from, to] = [random.below(pages) * 4096, random.below(pages) * 4096];
  return {
    name: `page at ${from} over the one at ${to}`,
    apply(local) {
      const bytes = readFileSync(join(local, index));
      bytes.copyWithin(to, from, from + 4096);
      writeFileSync(join(local, index), bytes);
    },
  };
}

export const wholeLocalDamages: readonly LocalDamage[] = [
  { name: 'no local/', apply: (local) => rmSync(local, { recursive: true }) },
  { name: 'an empty index', apply: (local) => writeFileSync(join(local, index), '') },
  {
    name: 'a text for an index',
    apply: (local) => writeFileSync(join(local, index), 'no database\n'.repeat(900)),
  },
  {
    name: 'a folder for an index',
    apply(local) {
      rmSync(join(local, index));
      mkdirSync(join(local, index));
    },
  },
  {
    name: 'a link that leads nowhere for an index',
    apply(local) {
      rmSync(join(local, index));
      symlinkSync('nowhere', join(local, index));
    },
  },
  {
    name: 'a journal of another database',
    apply: (local) => writeFileSync(join(local, `${index}-journal`), Buffer.alloc(9000, 3)),
  },
  {
    name: 'a log of another database',
    apply: (local) => writeFileSync(join(local, `${index}-wal`), Buffer.alloc(9000, 3)),
  },
  ...['locks.sqlite', 'maintenance.sqlite'].flatMap((name): LocalDamage[] => [
    { name: `no ${name}`, apply: (local) => rmSync(join(local, name), { force: true }) },
    { name: `a text for ${name}`, apply: (local) => writeFileSync(join(local, name), 'text\n'.repeat(2000)) },
    {
      name: `a folder for ${name}`,
      apply(local) {
        rmSync(join(local, name), { force: true });
        mkdirSync(join(local, name));
      },
    },
  ]),
  {
    name: 'a file for tmp/',
    apply(local) {
      rmSync(join(local, 'tmp'), { recursive: true, force: true });
      writeFileSync(join(local, 'tmp'), '');
    },
  },
];
