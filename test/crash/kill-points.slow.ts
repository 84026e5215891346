/** kill -9 at every call that changes something, of every command. */
import { test } from 'node:test';
import { type Visit, visitAll } from './all-commands.ts';
import { whyNoTracing } from './system-calls.ts';

const killEverywhere: Visit = async function* (bench, prepared, { no, of }) {
  for (const [index, point] of prepared.points.entries()) {
    if (index % of === no) yield await bench.killAt(prepared, point);
  }
};

test('every command survives kill -9 at every call', { skip: whyNoTracing() ?? false }, async (context) => {
  await visitAll(context, killEverywhere, { split: 'points' });
});
