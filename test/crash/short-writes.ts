/** Runs commands while each write of a file takes only half of its bytes: they must do what they do otherwise. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { CrashCommand } from './commands.ts';
import { Bench, type PreparedCommand } from './kill-points.ts';
import { runProgram } from './system-calls.ts';
import { failureText } from './workshop.ts';

const preload = fileURLToPath(new URL('short-writes-preload.ts', import.meta.url));

export async function runWithShortWrites(commands: readonly CrashCommand[]): Promise<void> {
  const bench = await Bench.open();
  try {
    for (const command of commands) {
      const prepared = await bench.prepare(command);
      assert.deepEqual(await problemsOf(bench, prepared), [], command.name);
    }
  } finally {
    bench.close();
  }
}

async function problemsOf(bench: Bench, prepared: PreparedCommand): Promise<string[]> {
  const { shop } = bench;
  bench.reset(prepared);
  const run = shop.commandRun(prepared.command.args(shop));
  const ended = await runProgram({ ...run, args: ['--import', preload, ...run.args] });
  if (ended.status !== 0) return [failureText(ended)];
  const after = (await prepared.command.problemsAfter?.(shop)) ?? [];
  return [...after, ...(await bench.problemsOf(prepared, { again: false }))];
}
