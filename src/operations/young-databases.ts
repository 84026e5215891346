/**
 * Whether a run will capture a database, as far as a few looks can tell before the repository is open: then the process that does so can
 * start meanwhile (docs/decisions/0005-sqlite-capture.md). It decides nothing but that.
 */
import { type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../model/errors.ts';
import { usualDatabases } from '../openclaw/database-places.ts';
import { repositoryLayout } from '../repository/layout.ts';
import type { BackupPlan } from './backup-plan.ts';

/** Whether one of the usual databases was written to after the last run wrote to its index, or there was none. (Anybody can set an mtime.) */
export function hasYoungDatabase({ sources, repositoryRoot }: BackupPlan): boolean {
  const writtenMs = statOrNot(repositoryLayout(repositoryRoot).index)?.mtimeMs ?? 0;
  const isYoung = (path: string): boolean => (statOrNot(path)?.ctimeMs ?? 0) > writtenMs;
  const paths = sources.flatMap(({ path }) => usualDatabases.map((database) => join(path, database)));
  return paths.some((path) => isYoung(path) || isYoung(`${path}-wal`));
}

function statOrNot(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
