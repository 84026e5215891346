/**
 * Processes at work on one repository, interleaved by a seed: each goes on only when it is its turn. `setImmediate`, at which
 * operations let others go first, is the scheduler's; its own processes stop between all their steps.
 */
import assert from 'node:assert/strict';
import {
  checkRepository,
  type Environment,
  LockedError,
  pruneRepository,
  rebuildIndex,
} from '../../src/index.ts';
import type { BlobId, SnapshotId } from '../../src/model/ids.ts';
import { byteStringOf, keyOfPath } from '../../src/model/paths.ts';
import type { FileNode } from '../../src/model/tree.ts';
import { Repository, type RepositoryMode } from '../../src/repository/repository.ts';
import { contentReader } from '../../src/tree/content.ts';
import { openTree, TreeBuilder } from '../../src/tree/tree.ts';
import { buildRecord } from '../helpers/records.ts';
import { Seeded } from '../helpers/seeded.ts';
import { World } from './world.ts';

export interface ScheduleFigures {
  turns: number;
  snapshots: number;
  refused: number;
  prunes: number;
}

const realImmediate = globalThis.setImmediate;
const processes = 6;
const pool = 14;

/** Seeds from 1. */
export async function runSeeds(count: number): Promise<ScheduleFigures> {
  const figures: ScheduleFigures = { turns: 0, snapshots: 0, refused: 0, prunes: 0 };
  for (let seed = 1; seed <= count; seed++) {
    await runSchedule(seed, figures).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${error}`, { cause: error });
    });
  }
  return figures;
}

/** Lives through one schedule and throws where something is lost, dangling or wrongly told. */
async function runSchedule(seed: number, figures: ScheduleFigures): Promise<void> {
  using schedule = new Schedule(seed, figures);
  await schedule.run();
}

class Schedule implements Disposable {
  readonly #world = new World();
  readonly #random: Seeded;
  readonly #waiting: (() => void)[] = [];
  readonly #figures: ScheduleFigures;
  readonly #environment: Environment;
  readonly #contents: Buffer[];
  /** Snapshots that were reported, and what is in them; those being forgotten may be there or not. */
  readonly #kept = new Map<SnapshotId, readonly number[]>();
  readonly #leaving = new Set<SnapshotId>();
  /** Of ten turns, how many go to who had the last one. */
  readonly #burst: number;
  #sequence = 0;

  constructor(seed: number, figures: ScheduleFigures) {
    this.#burst = seed % 10;
    this.#random = new Seeded(seed);
    this.#figures = figures;
    this.#environment = { ...this.#world.environment, lockWaitMs: 0 };
    this.#contents = Array.from({ length: pool }, (_, no) => Buffer.alloc(2000 + no, `content ${no} `));
  }

  [Symbol.dispose](): void {
    this.#world[Symbol.dispose]();
  }

  async run(): Promise<void> {
    const made = await this.#open('append', true);
    await made[Symbol.asyncDispose]();
    globalThis.setImmediate = ((resume: () => void) => void this.#waiting.push(resume)) as never;
    try {
      const lives = Array.from({ length: processes }, (_, no) => this.#live(no));
      let isOver = false;
      const all = Promise.allSettled(lives).then((ended) => {
        isOver = true;
        return ended;
      });
      while (!isOver) {
        const next = this.#next();
        next?.();
        if (next !== undefined) this.#figures.turns++;
        await new Promise<void>((resolve) => realImmediate(() => resolve()));
      }
      for (const ended of await all) if (ended.status === 'rejected') throw ended.reason;
    } finally {
      globalThis.setImmediate = realImmediate;
    }
    await this.#judge();
  }

  /** Often the one that has just been at work (the last one to wait): some go far while others stand still. */
  #next(): (() => void) | undefined {
    const { length } = this.#waiting;
    const isSame = this.#random.below(10) < this.#burst;
    const [next] = this.#waiting.splice(isSame ? length - 1 : this.#random.below(Math.max(1, length)), 1);
    return next;
  }

  async #live(no: number): Promise<void> {
    const works = [
      () => this.#backUp(),
      () => this.#backUp(),
      () => this.#backUp(),
      () => this.#prune(),
      () => this.#forget(),
      () => (this.#random.below(3) === 0 ? this.#rebuild() : this.#check()),
    ];
    for (let round = 0; round < 3; round++) {
      await turn();
      try {
        await works[no % works.length]?.();
      } catch (error) {
        if (!(error instanceof LockedError)) throw error;
        this.#figures.refused++;
      }
    }
  }

  async #open(mode: RepositoryMode, create = false): Promise<Repository> {
    const { random, lockWaitMs, clock } = this.#environment;
    const root = this.#world.place.repository;
    return Repository.open(root, { mode, create, random, lockWaitMs, nowMs: clock.nowMs() });
  }

  async #backUp(): Promise<void> {
    await using repository = await this.#open('append');
    await turn();
    const chosen = new Set(Array.from({ length: 1 + this.#random.below(6) }, () => this.#random.below(pool)));
    const builder: [number, BlobId][] = [];
    for (const no of [...chosen].sort((a, b) => a - b)) {
      builder.push([no, repository.writeBlob('data', this.#contents[no] ?? Buffer.alloc(0))]);
      await turn();
      if (this.#random.below(8) === 0) repository.flush();
    }
    const tree = new TreeBuilder(repository);
    for (const [no, id] of builder) tree.add(keyOf(no), nodeOf(id, this.#contents[no]?.length ?? 0));
    const root = tree.finish();
    await turn();
    const end = this.#random.below(6);
    if (end === 0) return; // as one that is killed: what is not published is gone
    if (end === 1) return repository.flush();
    const source = { path: '/source', kind: 'folder' as const, root, entries: tree.entries };
    const sequence = ++this.#sequence;
    const time = new Date(this.#world.nowMs + sequence * 1000).toISOString();
    const { id } = repository.addSnapshot(buildRecord({ sequence, time, sources: [source] }));
    this.#kept.set(
      id,
      builder.map(([no]) => no),
    );
    this.#figures.snapshots++;
  }

  async #forget(): Promise<void> {
    await using repository = await this.#open('maintain');
    const ids = repository.listSnapshots().map(({ id }) => id);
    const chosen = new Set(ids.filter(() => this.#random.below(2) === 0));
    await turn();
    for (const id of chosen) this.#leaving.add(id);
    await repository.maintenance.removeSnapshots(chosen, 0);
    for (const id of chosen) this.#kept.delete(id);
  }

  async #prune(): Promise<void> {
    const limits = { maxUnusedRatio: this.#random.below(2) };
    await pruneRepository(this.#environment, { ...this.#world.place, limits });
    this.#figures.prunes++;
  }

  async #rebuild(): Promise<void> {
    await rebuildIndex(this.#environment, this.#world.place);
  }

  async #check(): Promise<void> {
    const checked = await checkRepository(this.#environment, { ...this.#world.place, readData: true }, []);
    assert.deepEqual(checked.findings, []);
  }

  /** With everybody gone. */
  async #judge(): Promise<void> {
    {
      await using repository = await this.#open('read');
      assert.deepEqual(repository.vanishedSnapshots, []);
      assert.deepEqual(repository.damage, []);
      const ids = repository.listSnapshots().map(({ id }) => id);
      assert.deepEqual(ids.toSorted(), [...this.#kept.keys()].sort());
      for (const { id, sources } of repository.listSnapshots())
        for (const { root } of sources) this.#assertHolds(repository, root, this.#kept.get(id) ?? []);
      const before = repository.totals();
      repository.rebuildIndex();
      assert.deepEqual(repository.totals(), before, 'the index says what the packs hold');
    }
    await this.#check();
    const pruned = await pruneRepository(this.#environment, {
      ...this.#world.place,
      limits: { maxUnusedRatio: 0 },
    });
    assert.equal(pruned.unusedBytes, 0);
    await this.#check();
  }

  #assertHolds(repository: Repository, root: BlobId | null, wanted: readonly number[]): void {
    const reader = contentReader(repository);
    const found = [...openTree(repository, root).entries()].map(({ key, node }) => {
      assert.ok(node.type === 'file');
      const bytes = Buffer.concat([...reader.readContent(node)].map((piece) => Buffer.from(piece)));
      const no = this.#contents.findIndex((content) => content.equals(bytes));
      assert.equal(key, keyOf(no));
      return no;
    });
    assert.deepEqual(found, wanted);
  }
}

/** Waits until the scheduler lets this process go on. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function keyOf(no: number): ReturnType<typeof keyOfPath> {
  return keyOfPath(byteStringOf(`file-${String(no).padStart(2, '0')}`));
}

function nodeOf(id: BlobId, size: number): FileNode {
  return {
    type: 'file',
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    size,
    state: 'stable',
    content: { kind: 'blob', id },
  };
}
