/** Before a restore: a snapshot of what it is about to replace, to which `--undo` goes back. */
import { existsSync } from 'node:fs';
import { ExuviaError } from '../model/errors.ts';
import { displayKey } from '../model/paths.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Repository } from '../repository/repository.ts';
import { openTree } from '../tree/tree.ts';
import { type CreatedBackup, createBackupIn } from './create-backup.ts';
import type { Environment } from './environment.ts';
import type { RestoredSource, RestoreOptions } from './restore-backup.ts';
import type { TouchedPlace } from './touched-places.ts';

/** Of the folders that will be written to, where they exist: everything that the plan replaces or removes is in it. */
export async function snapshotPresent(
  environment: Environment,
  options: RestoreOptions,
  repository: Repository,
  sources: readonly RestoredSource[],
): Promise<Snapshot | undefined> {
  const present = sources.filter(({ target }) => existsSync(target));
  if (present.length === 0) return undefined;
  const isHome = options.target === undefined && present.some(({ source }) => source.kind === 'state');
  const { stateDir, profile } = options;
  const touched = present.map(({ target, source, plan }) => ({
    path: target,
    kind: source.kind,
    keys: plan.actions.flatMap((action) => (action.kind === 'keep' ? [] : [action.key])),
  }));
  const created = await createBackupIn(
    environment,
    repository,
    {
      ...(stateDir === undefined ? {} : { stateDir }),
      ...(profile === undefined ? {} : { profile }),
      ...(isHome ? {} : { sources: present.map(({ target }) => target) }),
      reason: 'before-restore',
      message: 'before a restore',
    },
    touched,
  );
  if (!options.force) refuseUnsaved(repository, created, touched);
  return created.snapshot;
}

/** What cannot be read is not in the snapshot of the present: to write over it would lose it for good. */
function refuseUnsaved(
  repository: Repository,
  { unreadable, snapshot }: CreatedBackup,
  touched: readonly TouchedPlace[],
): void {
  if (unreadable.length === 0) return;
  const trees = (snapshot?.sources ?? []).map(({ root }) => openTree(repository, root));
  // A database that could not be captured is stored as the file that it is.
  const unsaved = touched
    .flatMap(({ keys }) => keys)
    .filter((key) => !trees.some((tree) => tree.getEntry(key) !== undefined))
    .map(displayKey);
  const lost = unreadable.filter(({ path }) =>
    unsaved.some((one) => one === path || path === '' || one.startsWith(`${path}/`)),
  );
  const [first] = lost;
  if (first === undefined) return;
  const more = lost.length > 1 ? ` and ${lost.length - 1} more` : '';
  throw new ExuviaError(
    `Cannot save what would be replaced: ${first.path || touched.map(({ path }) => path).join(' or ')}${more} cannot be read (${first.reason}). Nothing was restored`,
    {
      code: 'ERR_PRESENT_UNREADABLE',
      hint: 'Make it readable, or move it away; --force restores all the same, and --undo cannot bring it back.',
    },
  );
}
