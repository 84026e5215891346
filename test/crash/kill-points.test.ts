/** A slice of kill-points.slow.ts for the main run: other points with another EXUVIA_SEED. */
import { test } from 'node:test';
import { Seeded } from '../helpers/seeded.ts';
import { type Visit, visitAll } from './all-commands.ts';
import { whyNoTracing } from './system-calls.ts';

const pointsEach = 1;
const seed = Number(process.env['EXUVIA_SEED'] ?? 1);

const killSomewhere: Visit = async function* (bench, prepared) {
  // The benches work side by side: each command has numbers of its own, so that a run can be repeated.
  const random = new Seeded(seed * 1000 + prepared.command.name.length);
  for (let count = 0; count < pointsEach; count++) {
    const point = prepared.points[random.below(prepared.points.length)];
    if (point !== undefined) yield await bench.killAt(prepared, point);
  }
};

test('every command survives kill -9 at any call: a slice', {
  skip: whyNoTracing() ?? false,
}, async (context) => {
  await visitAll(context, killSomewhere, { split: 'commands' });
});
