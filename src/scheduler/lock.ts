/** One scheduler at a time for a repository: a daemon, or the look of a timer. The kernel frees the lock when the process dies. */
import { join } from 'node:path';
import { makePrivateFolder } from '../io/files.ts';
import { repositoryLayout } from '../repository/layout.ts';
import { RepositoryLock } from '../repository/locks.ts';

/** Undefined when another has it. */
export function lockSchedule(repositoryRoot: string): RepositoryLock | undefined {
  const layout = repositoryLayout(repositoryRoot);
  makePrivateFolder(layout.local);
  const locks = join(layout.local, 'schedule-lock.sqlite');
  return RepositoryLock.tryAcquire({ ...layout, locks }, 'exclusive', 0);
}
