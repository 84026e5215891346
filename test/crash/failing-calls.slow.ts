/** Every error that a call can meet, at every call of every command. */
import { test } from 'node:test';
import { isVisited, mustHaveVisited, type Visit, visitAll } from './all-commands.ts';
import { failAt, faultsOf, type TriedShapes } from './failing-calls.ts';
import { whyNoTracing } from './system-calls.ts';

const failEverywhere: Visit = async function* (bench, prepared, share) {
  for (const [index, point] of [...prepared.points, ...prepared.readings].entries()) {
    if (!isVisited(index, share)) continue;
    const tried: TriedShapes = new Set();
    for (const fault of faultsOf(point)) yield await failAt(bench, prepared, point, fault, tried);
  }
};

test('every command survives every error of every call', {
  skip: whyNoTracing() ?? false,
}, async (context) => {
  mustHaveVisited(await visitAll(context, failEverywhere, { split: 'points' }), 5000);
});
