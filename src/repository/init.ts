/** Making a new repository, and the folders of `local/` in one that came without. */
import { accessSync, constants, lstatSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RepositoryParameters } from '../codec/parameters.ts';
import {
  makePrivateFolder,
  removeFile,
  removeStranger,
  removeTemporary,
  syncFolder,
  withPath,
} from '../io/files.ts';
import type { RandomBytes } from '../model/clock.ts';
import { ExuviaError, FileSystemError, NoRepositoryError } from '../model/errors.ts';
import { sidecarsOf } from '../model/sqlite-names.ts';
import { idOfIndex } from './index-schema.ts';
import { parametersCopyName, parametersName, type RepositoryLayout } from './layout.ts';
import { RepositoryLock } from './locks.ts';
import {
  holdsParameters,
  holdsSealedPack,
  newParameters,
  newRepositoryId,
  writeParameters,
} from './parameters-file.ts';

/** @throws when something that is not a repository is in the way: it is never written into. */
export function initRepository(
  layout: RepositoryLayout,
  options: {
    readonly random: RandomBytes;
    readonly nowMs: number;
    readonly lockWaitMs: number;
    readonly parameters?: RepositoryParameters | undefined;
  },
): void {
  refuseForeignFolder(layout.root);
  makePrivateFolder(layout.root);
  for (const folder of [layout.packs, layout.snapshots, layout.local, layout.temporary])
    makePrivateFolder(folder);
  // Alone: two first backups at once must not make two repositories of one folder, nor sweep away each other's files.
  using _alone = RepositoryLock.acquire(layout, 'exclusive', options.lockWaitMs);
  if (holdsParameters(layout)) return;
  if (holdsSealedPack(layout)) throw withoutKeys(layout.root);
  RepositoryLock.prepare(layout);
  // Where only this file was lost, what this machine knows of the repository stays known.
  const id = idOfIndex(layout.index) ?? newRepositoryId(options.random);
  const parameters = options.parameters ?? newParameters(id, options.nowMs);
  syncFolder(layout.root); // nor may a power cut leave a repository without its folders
  // Last: a folder without it is not yet a repository, and the next run starts over.
  writeParameters(layout, parameters, join(layout.temporary, `parameters-${id}`));
}

function withoutKeys(root: string): ExuviaError {
  return new ExuviaError(
    `Cannot make a repository in ${root}: there are packs of an encrypted one, whose ${parametersName} is gone`,
    {
      code: 'ERR_NOT_EMPTY',
      hint: `Copy ${parametersName} or ${parametersCopyName} back from another copy of the repository; or name another folder with --repository.`,
    },
  );
}

/** What an interrupted start of ours leaves, or another start makes at this moment; anything else is somebody's. */
const ownNames = new Set(['packs', 'snapshots', 'local', 'damaged', parametersName, parametersCopyName]);

function refuseForeignFolder(root: string): void {
  const stat = lstatSync(root, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!statSync(root).isDirectory()) throw NoRepositoryError.ofFile(root);
  const foreign = withPath('read folder', root, () => readdirSync(root)).filter(
    (name) => !ownNames.has(name),
  );
  if (foreign.length === 0) return;
  throw new ExuviaError(
    `Cannot make a repository in ${root}: the folder holds other things (${foreign[0]}${foreign.length > 1 ? ', …' : ''})`,
    { code: 'ERR_NOT_EMPTY', hint: 'Name an empty or a new folder with --repository.' },
  );
}

/** Makes sure that `local/` is there, so that an index can be kept and locks be taken; or tells why it cannot be used. */
export function prepareLocal(
  layout: RepositoryLayout,
  mode: 'read' | 'append' | 'maintain',
): FileSystemError | undefined {
  try {
    withPath('write to', layout.local, () => {
      makeLocalFolders(layout);
      accessSync(layout.local, constants.W_OK);
    });
    return undefined;
  } catch (error) {
    if (mode !== 'append' && error instanceof FileSystemError && unwritable.has(error.errno)) return error;
    throw error;
  }
}

/** Reading goes on with an index in memory. */
const unwritable: ReadonlySet<string> = new Set(['EACCES', 'EROFS', 'EPERM', 'ENOSPC']);

/**
 * What lies in the way of a file or folder of `local/` and is none goes. A repository may come from anyone: through a link, the
 * index would be written over a database of the user's, and files of the user's be swept away for temporary ones.
 */
function makeLocalFolders(layout: RepositoryLayout): void {
  for (const path of [layout.local, layout.temporary]) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && !stat.isDirectory()) removeFile(path);
  }
  makePrivateFolder(layout.temporary);
  for (const path of [layout.index, layout.locks, layout.maintenanceLock]) {
    for (const name of [path, ...sidecarsOf(path)]) removeStranger(name);
  }
}

/** A folder for the temporary files of this process. Those of processes that were killed are removed. */
export function makeTemporary(layout: RepositoryLayout): string {
  return withPath('create folder in', layout.temporary, () =>
    mkdtempSync(join(layout.temporary, `${process.pid}-`)),
  );
}

/**
 * Removes what killed processes left, when nobody is at work (the lock tells, process ids do not). Returns whether there was
 * anything, of them or of others at work.
 */
export function sweepTemporary(layout: RepositoryLayout): boolean {
  const names = withPath('read folder', layout.temporary, () => readdirSync(layout.temporary));
  if (names.length === 0) return false;
  const alone = RepositoryLock.tryAcquire(layout, 'exclusive', 0);
  if (alone === undefined) return true;
  try {
    for (const name of readdirSync(layout.temporary)) {
      removeTemporary(join(layout.temporary, name));
    }
  } finally {
    alone[Symbol.dispose]();
  }
  return true;
}
