/** Runs the built command line and says how long it took and how much memory its process held. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliRun, runCli } from './cli.ts';

export interface MeasuredRun {
  readonly run: CliRun;
  readonly ms: number;
  readonly memoryBytes: number;
}

/** @param folder for what measures it */
export function runMeasured(
  args: readonly string[],
  { home, folder }: { home: string; folder: string },
): MeasuredRun {
  const hook = join(folder, 'measure.cjs');
  const result = join(folder, 'memory');
  const text = `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(result)}, String(process.resourceUsage().maxRSS)))`;
  writeFileSync(hook, text);
  writeFileSync(result, 'not written');
  const started = performance.now();
  const run = runCli(args, { home, env: { NODE_OPTIONS: `--require=${hook}` } });
  const ms = performance.now() - started;
  return { run, ms, memoryBytes: Number(readFileSync(result, 'utf8')) * 1024 };
}
