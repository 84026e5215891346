/** An hour, shared by all decoders; `EXUVIA_FUZZ_MINUTES`, `EXUVIA_SEED` and `EXUVIA_DECODERS` (names with commas) change it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FuzzReport } from './engine.ts';
import { targets } from './targets.ts';
import { fuzzWatched } from './watched.ts';

const seed = Number(process.env['EXUVIA_SEED'] ?? 1);
const minutes = Number(process.env['EXUVIA_FUZZ_MINUTES'] ?? 60);
const names = process.env['EXUVIA_DECODERS']?.split(',') ?? targets.map(({ name }) => name);
const limits = {
  ms: (minutes * 60_000) / names.length,
  runMs: 3000,
  hangMs: 60_000,
  memoryBytes: 1024 * 1024 * 1024,
};
const tellEveryMs = 30_000;

/** How far the run is, on the way: the runner shows what a test says only at its end. */
function teller(place: string, startedMs: number): (report: FuzzReport) => void {
  let toldMs = startedMs;
  return (report) => {
    if (performance.now() - toldMs < tellEveryMs) return;
    toldMs = performance.now();
    process.stderr.write(`${place} ${textOf(report, toldMs - startedMs)}\n`);
  };
}

function textOf({ name, runs, corpus, blocks, slowestMs }: FuzzReport, tookMs: number): string {
  const rate = Math.round((runs * 1000) / tookMs);
  return `${name}: ${runs} runs in ${Math.round(tookMs / 1000)} s, ${rate} a second, ${corpus} inputs kept, ${blocks} blocks, slowest ${slowestMs} ms`;
}

describe(`${minutes} minutes of changed inputs, seed ${seed}`, () => {
  for (const [index, name] of names.entries()) {
    test(`find no bug in ${name}`, async (context) => {
      const place = `${index + 1} of ${names.length},`;
      const startedMs = performance.now();
      const report = await fuzzWatched(name, seed, limits, teller(place, startedMs));
      const text = textOf(report, performance.now() - startedMs);
      process.stderr.write(`${place} ${text}\n`);
      context.diagnostic(text);
      assert.ok(report.runs > 20, text);
    });
  }
});
