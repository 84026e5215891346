/** Folders that let others in: what Exuvia writes is private, and a folder around it may have been opened, or copied so. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from './environment.ts';

const othersBits = 0o077;
const writeByAll = 0o002;
const sticky = 0o1000;

/** Said once a command, by what adds to a repository or removes from it. */
export function warnOfWideRepository(environment: Environment, root: string): void {
  if (environment.platform === 'win32') return;
  const open = [root, join(root, 'packs')].filter((path) => (modeOf(path) & othersBits) !== 0);
  if (open.length < 2) return; // one closed door is enough
  environment.progress.warn(
    `Others can read the repository ${root}, which holds secrets: chmod -R go-rwx ${root}`,
  );
}

/** Where anybody may write, anybody may put another archive in the place of this one. */
export function warnOfOpenFolder(environment: Environment, folder: string): void {
  if (environment.platform === 'win32') return;
  const mode = modeOf(folder);
  if ((mode & writeByAll) === 0 || (mode & sticky) !== 0) return;
  environment.progress.warn(`Anybody can replace files in ${folder}: chmod o-w ${folder}`);
}

function modeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
}
