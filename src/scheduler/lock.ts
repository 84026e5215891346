/** One scheduler at a time for a repository: a daemon, or the look of a timer. The kernel frees the lock when the process dies. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateFolder } from '../io/files.ts';
import { repositoryLayout } from '../repository/layout.ts';
import { RepositoryLock } from '../repository/locks.ts';

/** Whether another process has the lock at this moment. Makes nothing. */
export function isScheduleServed(repositoryRoot: string): boolean {
  if (!existsSync(lockPath(repositoryRoot))) return false;
  const lock = lockSchedule(repositoryRoot);
  lock?.[Symbol.dispose]();
  return lock === undefined;
}

/** Undefined when another has it. */
export function lockSchedule(repositoryRoot: string): RepositoryLock | undefined {
  const layout = repositoryLayout(repositoryRoot);
  makePrivateFolder(layout.local);
  return RepositoryLock.tryAcquire({ ...layout, locks: lockPath(repositoryRoot) }, 'exclusive', 0);
}

function lockPath(repositoryRoot: string): string {
  return join(repositoryLayout(repositoryRoot).local, 'schedule-lock.sqlite');
}
