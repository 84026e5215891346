/**
 * The attacker: swaps folders and files of a target for links that lead outside, and back, as fast as it can, until its parent
 * ends it. It does nothing through a link of its own, so what changes outside was changed by the restore.
 */
import { renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

const [target = '', outside = ''] = process.argv.slice(2);
const aside = join(target, '..', 'aside');
let swaps = 0;

/** What fails is somebody else having been quicker. */
function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return false;
    throw error;
  }
}

function spin(microseconds: number): void {
  const end = performance.now() + microseconds / 1000;
  while (performance.now() < end);
}

function swap(place: string, linkTarget: string): void {
  if (!attempt(() => renameSync(place, aside))) return;
  if (attempt(() => symlinkSync(linkTarget, place))) swaps++;
  spin(Math.random() * 300);
  attempt(() => unlinkSync(place));
  if (!attempt(() => renameSync(aside, place)))
    attempt(() => rmSync(aside, { recursive: true, maxRetries: 3 }));
}

process.on('SIGTERM', () => {
  process.stdout.write(`${swaps}\n`, () => process.exit(0));
});

function round(): void {
  for (const folder of ['a', 'a/b', 'a/b/c', 'd', 'd/e']) swap(join(target, folder), outside);
  for (const file of ['a/x', 'd/passwd', 'a/b/c/x']) swap(join(target, file), join(outside, 'passwd'));
  setImmediate(round);
}

process.stdout.write('ready\n');
round();
