import { test } from 'node:test';
import { runSeeds } from './scheduler.ts';

test('processes in any order lose nothing and leave nothing dangling: 10,000 seeds', async (context) => {
  context.diagnostic(JSON.stringify(await runSeeds(10_000)));
});
