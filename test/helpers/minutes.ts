/** A home whose schedule names every minute, and what its timer made of that. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCli } from './cli.ts';

export function makeMinuteHome(home: string): void {
  mkdirSync(join(home, '.openclaw'), { recursive: true });
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  writeFileSync(join(home, '.openclaw/exuvia.json5'), '{ backup: { schedule: "* * * * *" } }');
}

export interface MinuteSnapshot {
  readonly time: string;
  readonly reason: string;
}

export function snapshotsOf(home: string): MinuteSnapshot[] {
  const { status, json, stderr } = runCli(['backup', 'list', '--json'], { home });
  if (status === 10) return []; // none was made yet
  assert.equal(status, 0, stderr);
  return json.snapshots;
}

const settleMs = 15_000;

/** Waits for `count` changes of the minute, and until the backups of the last one are done. */
export async function waitMinutes(count: number): Promise<{ first: number; last: number }> {
  const first = minuteOf(Date.now()) + 1;
  const last = first + count - 1;
  await sleep(last * 60_000 + settleMs - Date.now());
  return { first, last };
}

/** One snapshot in each of the minutes, none beside them. */
export function assertEachMinute(
  snapshots: readonly MinuteSnapshot[],
  { first, last }: { first: number; last: number },
): void {
  const minutes = snapshots.map(({ time }) => minuteOf(Date.parse(time)));
  const wanted = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  assert.deepEqual(minutes, wanted, snapshots.map(({ time }) => time).join());
  for (const { reason } of snapshots) assert.equal(reason, 'scheduled');
}

function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / 60_000);
}
