import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Maintenance } from '../../src/repository/maintenance.ts';
import { runSeeds } from './scheduler.ts';

const seeds = 150;

test('processes in any order lose nothing and leave nothing dangling', async (context) => {
  const figures = await runSeeds(seeds);
  context.diagnostic(JSON.stringify(figures));
  assert.ok(figures.prunes > seeds / 4, 'enough prunes were let through');
});

test('two planted bugs are found by the same schedules', async (context) => {
  const { reloadSnapshots, alone } = Object.getOwnPropertyDescriptors(Maintenance.prototype);
  context.after(() => Object.defineProperties(Maintenance.prototype, { reloadSnapshots, alone }));
  // A prune that does not look at the snapshots that came meanwhile.
  Maintenance.prototype.reloadSnapshots = () => [];
  await assert.rejects(runSeeds(seeds), /seed \d+/);
  Object.defineProperty(Maintenance.prototype, 'reloadSnapshots', reloadSnapshots);
  // A prune that removes while others are at work.
  Maintenance.prototype.alone = async (_waitMs, work) => await work();
  await assert.rejects(runSeeds(seeds), /seed \d+/);
});
