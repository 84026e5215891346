/** Fuzzes one decoder: `child.ts NAME SEED MS RUN_MS MEMORY_BYTES RECORD`. Each input stands in the file RECORD before it is run. */
import { ftruncateSync, openSync, writeSync } from 'node:fs';
import { Seeded } from '../../helpers/seeded.ts';
import { type FuzzReport, fuzz } from './engine.ts';
import { plantedTargets } from './planted.ts';
import { targets } from './targets.ts';

const [name, seed, ms, runMs, memoryBytes, record = ''] = process.argv.slice(2);
const target = [...targets, ...plantedTargets].find((one) => one.name === name);
if (target === undefined) throw new Error(`no decoder is called ${name}`);
const file = openSync(record, 'w');
const sayEveryMs = 1000;
let saidMs = 0;

function say(report: FuzzReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
  saidMs = performance.now();
}

const limits = { ms: Number(ms), runMs: Number(runMs), memoryBytes: Number(memoryBytes) };
say(
  await fuzz(target, new Seeded(Number(seed)), limits, {
    onInput(input) {
      ftruncateSync(file, 0);
      writeSync(file, input, 0, input.length, 0);
    },
    onBatch: (report) => {
      if (performance.now() - saidMs > sayEveryMs) say(report);
    },
  }),
);
