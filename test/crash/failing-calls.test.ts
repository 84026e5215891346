/** A slice of failing-calls.slow.ts for the main run: other calls with another EXUVIA_SEED. */
import { test } from 'node:test';
import { Seeded } from '../helpers/seeded.ts';
import { type Visit, visitAll } from './all-commands.ts';
import { failAt, faultsOf } from './failing-calls.ts';
import { whyNoTracing } from './system-calls.ts';

const pointsEach = 1;
const seed = Number(process.env['EXUVIA_SEED'] ?? 1);

const failSomewhere: Visit = async function* (bench, prepared) {
  // The benches work side by side: each command has numbers of its own, so that a run can be repeated.
  const random = new Seeded(seed * 1000 + prepared.command.name.length);
  const points = [...prepared.points, ...prepared.readings];
  for (let count = 0; count < pointsEach; count++) {
    const point = points[random.below(points.length)];
    if (point === undefined) continue;
    const faults = faultsOf(point);
    const fault = faults[random.below(faults.length)];
    if (fault !== undefined) yield await failAt(bench, prepared, point, fault);
  }
};

test('every command survives an error of any call: a slice', {
  skip: whyNoTracing() ?? false,
}, async (context) => {
  await visitAll(context, failSomewhere, { split: 'commands' });
});
