/** kill -9 at every call that changes something, of every command. */
import { test } from 'node:test';
import { isVisited, mustHaveVisited, type Visit, visitAll } from './all-commands.ts';
import { whyNoTracing } from './system-calls.ts';

const killEverywhere: Visit = async function* (bench, prepared, share) {
  for (const [index, point] of prepared.points.entries()) {
    if (isVisited(index, share)) yield await bench.killAt(prepared, point);
  }
};

test('every command survives kill -9 at every call', { skip: whyNoTracing() ?? false }, async (context) => {
  mustHaveVisited(await visitAll(context, killEverywhere, { split: 'points' }), 3000);
});
