/** Commands of users in any order, against the model of `world.ts`. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  changeSnapshots,
  checkRepository,
  forgetBackups,
  pruneRepository,
  purgePaths,
  rebuildIndex,
  repairRepository,
} from '../../src/index.ts';
import { sorted, World } from './world.ts';

type Model = Record<string, never>;
type Step = fc.AsyncCommand<Model, World>;

/** The world holds its own model: fast-check only chooses, and makes a failing row shorter. */
function step(
  name: string,
  run: (world: World) => Promise<void>,
  needs: (world: World) => boolean = () => true,
): Step {
  return {
    check: () => true,
    run: async (_model, world) => {
      if (!needs(world)) return;
      await run(world);
      await world.assertListed();
    },
    toString: () => name,
  };
}

const hasSnapshots = (world: World): boolean => world.snapshots.length > 0;
const hasRepository = (world: World): boolean => existsSync(world.place.repository);
const paths = ['a', 'b', 'folder/c', 'folder/deep/d', 'e.txt'];

/** From nothing to several chunks; few kinds, so that contents come again. */
function contentOf(kind: number, size: number): string {
  return `${kind} `.repeat(size);
}

const put = fc
  .tuple(fc.constantFrom(...paths), fc.nat(4), fc.constantFrom(0, 3, 200, 40_000))
  .map(([path, kind, size]) =>
    step(`put ${path} ${kind}x${size}`, async (world) => world.put(path, contentOf(kind, size))),
  );
const remove = fc.constantFrom(...paths).map((path) =>
  step(
    `remove ${path}`,
    async (world) => world.remove(path),
    (world) => world.files.has(path),
  ),
);
const create = fc.constant(step('create', (world) => world.create()));
const forget = fc.nat(9).map((no) =>
  step(
    `forget ${no}`,
    async (world) => {
      const victim = world.snapshots[no % world.snapshots.length];
      assert.ok(victim !== undefined);
      const forgetting = forgetBackups(world.environment, world.place, [await world.nowOf(victim.id)]);
      if (victim.pinned) return await assert.rejects(forgetting, /is pinned/);
      await forgetting;
      world.snapshots = world.snapshots.filter((one) => one !== victim);
    },
    hasSnapshots,
  ),
);
const keepLast = fc.integer({ min: 1, max: 3 }).map((count) =>
  step(
    `forget --keep-last ${count}`,
    async (world) => {
      await forgetBackups(world.environment, { ...world.place, keepLast: count }, []);
      const last = new Set(world.snapshots.slice(-count));
      world.snapshots = world.snapshots.filter((one) => one.pinned || last.has(one));
    },
    hasSnapshots,
  ),
);
const pin = fc.tuple(fc.nat(9), fc.boolean()).map(([no, pinned]) =>
  step(
    `${pinned ? 'pin' : 'unpin'} ${no}`,
    async (world) => {
      const one = world.snapshots[no % world.snapshots.length];
      assert.ok(one !== undefined);
      await changeSnapshots(world.environment, { ...world.place, pinned }, [await world.nowOf(one.id)]);
      one.pinned = pinned;
    },
    hasSnapshots,
  ),
);
const prune = fc.constantFrom(0, 0.05, 1).map((maxUnusedRatio) =>
  step(
    `prune ${maxUnusedRatio}`,
    async (world) => {
      const limits = { maxUnusedRatio };
      const pruned = await pruneRepository(world.environment, { ...world.place, limits });
      if (maxUnusedRatio === 0) assert.equal(pruned.unusedBytes, 0);
    },
    hasRepository,
  ),
);
const purge = fc.constantFrom(...paths).map((path) =>
  step(
    `purge ${path}`,
    async (world) => {
      await purgePaths(world.environment, world.place, [path]);
      for (const one of world.snapshots)
        one.files = new Map([...one.files].filter(([name]) => name !== path));
    },
    hasSnapshots,
  ),
);
const restore = fc.nat(9).map((no) =>
  step(
    `restore ${no}`,
    async (world) => {
      const one = world.snapshots[no % world.snapshots.length];
      assert.ok(one !== undefined);
      assert.deepEqual(sorted(await world.restored(await world.nowOf(one.id))), sorted(one.files));
    },
    hasSnapshots,
  ),
);
const dropLocal = fc.constant(
  step(
    'rm -r local',
    async (world) => rmSync(join(world.place.repository, 'local'), { recursive: true, force: true }),
    hasRepository,
  ),
);
const rebuild = fc.constant(
  step(
    'rebuild-index',
    async (world) => void (await rebuildIndex(world.environment, world.place)),
    hasRepository,
  ),
);
const repair = fc.constant(
  step(
    'check --repair',
    async (world) => {
      const repaired = await repairRepository(world.environment, world.place);
      assert.deepEqual([repaired.replaced, repaired.setAside, repaired.acknowledged], [[], [], []]);
    },
    hasRepository,
  ),
);
const check = fc.constant(
  step(
    'check',
    async (world) => {
      const { findings } = await checkRepository(world.environment, world.place, []);
      assert.deepEqual(findings, []);
    },
    hasRepository,
  ),
);

/** Runs rows of commands; each ends with a look at everything. */
export async function runCommands(options: {
  readonly seed: number;
  readonly rows: number;
  readonly commandsMax: number;
}): Promise<void> {
  const steps = [put, put, put, remove, create, create, forget, keepLast, pin, prune, purge];
  const commands = fc.commands([...steps, restore, dropLocal, rebuild, repair, check], {
    maxCommands: options.commandsMax,
    size: 'max',
  });
  await fc.assert(
    fc.asyncProperty(commands, async (row) => {
      using world = new World();
      await fc.asyncModelRun(() => ({ model: {}, real: world }), row);
      if (hasRepository(world)) await world.assertWhole();
    }),
    { seed: options.seed, numRuns: options.rows, verbose: 1 },
  );
}
