/** Hourly snapshots and a daily retention and prune, on a clock of the test. */
import assert from 'node:assert/strict';
import { forgetBackups, listBackups, pruneRepository } from '../../src/index.ts';
import { folderBytes } from './folder-bytes.ts';
import { World } from './world.ts';

const hourMs = 3_600_000;
const policy = { keepHourly: 24, keepDaily: 7, keepWeekly: 4, keepMonthly: 12 };
/** Rules share snapshots at their ends, and a period that has begun counts. */
const keptMax = 24 + 7 + 4 + 12;

export interface YearFigures {
  readonly snapshots: number;
  readonly kept: number;
  readonly bytes: number;
  readonly bytesMax: number;
}

/** A home of 40 small files of which one is edited each hour. Begins on 20 March: both changes of the clock are in it. */
export async function liveFor(hours: number): Promise<YearFigures> {
  using world = new World();
  world.nowMs = Date.UTC(2026, 2, 20);
  for (let file = 0; file < 40; file++) world.put(`notes/${file}`, noteOf(file, 0));
  let bytesMax = 0;
  for (let hour = 0; hour < hours; hour++) {
    world.nowMs = Date.UTC(2026, 2, 20) + hour * hourMs;
    world.put(`notes/${hour % 40}`, noteOf(hour % 40, hour));
    await world.create();
    if (hour % 24 !== 23) continue;
    await keepHouse(world);
    bytesMax = Math.max(bytesMax, folderBytes(world.place.repository));
  }
  await keepHouse(world);
  await world.assertWhole();
  return {
    snapshots: hours,
    kept: world.snapshots.length,
    bytes: folderBytes(world.place.repository),
    bytesMax,
  };
}

async function keepHouse(world: World): Promise<void> {
  const { kept } = await forgetBackups(world.environment, { ...world.place, ...policy }, []);
  assert.ok(kept.length <= keptMax, `${kept.length} kept`);
  const ids = new Set(kept.map(({ snapshot }) => snapshot.original ?? snapshot.id));
  world.snapshots = world.snapshots.filter(({ id }) => ids.has(id as never));
  await pruneRepository(world.environment, world.place);
  const { snapshots } = await listBackups(world.environment, world.place);
  assert.equal(snapshots.length, kept.length);
}

function noteOf(file: number, hour: number): string {
  return `note ${file} as of hour ${hour}\n`.repeat(30);
}
