/**
 * Putting a converted repository in the place of the one it was made of. It is prepared in the folder `converting`; naming that
 * `converted` is the commit. From then on whoever opens the repository moves what is in it to its place, step by step, each of
 * which can be cut off and is gone on with: nothing of the old repository is removed before all of the new one is in its place.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isEncrypted } from '../codec/parameters.ts';
import { makePrivateFolder, syncFolder, withPath } from '../io/files.ts';
import { invariant } from '../model/errors.ts';
import { removeIndex } from './index-schema.ts';
import { parametersCopyName, parametersName, type RepositoryLayout } from './layout.ts';
import { RepositoryLock } from './locks.ts';
import { findParametersIn } from './parameters-file.ts';

export const convertingName = 'converting';
const convertedName = 'converted';
const replacedName = 'replaced';

/** Where a conversion is prepared. */
export function convertingFolder(root: string): string {
  return join(root, convertingName);
}

/** To be called alone, when what is prepared is whole and closed. */
export function commitConversion(layout: RepositoryLayout): void {
  const { root } = layout;
  for (const name of [parametersName, 'packs', 'snapshots'])
    invariant(existsSync(join(root, convertingName, name)), `a converted repository has ${name}`);
  for (const folder of ['packs', 'snapshots', '']) syncFolder(join(root, convertingName, folder));
  withPath('move', root, () => renameSync(join(root, convertingName), join(root, convertedName)));
  syncFolder(root);
  moveIntoPlace(layout);
}

/** What a conversion that was cut off after its commit has left to do. */
export function finishConversion(layout: RepositoryLayout, lockWaitMs: number): void {
  if (!existsSync(join(layout.root, convertedName))) return;
  using _alone = RepositoryLock.acquire(layout, 'exclusive', lockWaitMs);
  moveIntoPlace(layout); // another may have done it meanwhile: then there is nothing left
}

function moveIntoPlace({ root, index }: RepositoryLayout): void {
  const converted = join(root, convertedName);
  if (!existsSync(converted)) return;
  const replaced = join(root, replacedName);
  makePrivateFolder(replaced);
  for (const name of [parametersName, parametersCopyName, 'packs', 'snapshots']) {
    if (!existsSync(join(converted, name))) continue; // it is in its place already
    putAside(join(root, name), join(replaced, name));
    withPath('move', root, () => renameSync(join(converted, name), join(root, name)));
  }
  const parameters = findParametersIn(root);
  if (parameters !== undefined && !isEncrypted(parameters))
    putAside(join(root, parametersCopyName), join(replaced, parametersCopyName));
  for (const folder of [converted, replaced, root]) syncFolder(folder);
  removeIndex(index);
  withPath('remove', replaced, () => rmSync(replaced, { recursive: true, force: true }));
  withPath('remove', converted, () => rmSync(converted, { recursive: true, force: true }));
  syncFolder(root);
}

function putAside(path: string, aside: string): void {
  if (existsSync(path)) withPath('move', path, () => renameSync(path, aside));
}
