/** Opening a repository folder: its parameters, its lock, its index, a folder for temporary files; and closing it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RepositoryKeys } from '../codec/keys.ts';
import { isEncrypted, type RepositoryParameters } from '../codec/parameters.ts';
import { checkParametersSeal } from '../codec/parameters-seal.ts';
import { isFolder, removeTemporary, syncFolder, syncFoldersAbove } from '../io/files.ts';
import type { RandomBytes } from '../model/clock.ts';
import { DamageError, type FileSystemError, WrongKeyError } from '../model/errors.ts';
import type { Database } from './database.ts';
import { openIndexDatabase, openMemoryIndex } from './index-schema.ts';
import { makeTemporary, prepareLocal, sweepTemporary } from './init.ts';
import type { RepositoryLayout } from './layout.ts';
import { RepositoryLock } from './locks.ts';
import { PackKeyring } from './pack-keys.ts';
import { type FoundParameters, findParameters, writeParameters } from './parameters-file.ts';

/**
 * `read` changes nothing but the index; `append` adds packs and snapshots; `maintain` may remove them as well, and opens
 * without a free byte on the disk.
 */
export type RepositoryMode = 'read' | 'append' | 'maintain';

export interface OpenOptions {
  readonly mode: RepositoryMode;
  /** Made when it is not there; only with `append`. */
  readonly create?: boolean;
  /** False stores new frames as they are; what is there is read either way. */
  readonly compress?: boolean;
  /** Opens it although its parameters are damaged or gone: `parametersDamage` says so. */
  readonly repairs?: boolean;
  readonly lockWaitMs: number;
  readonly random: RandomBytes;
  /** For names of packs in a plain repository, where that is quicker. */
  readonly unique?: RandomBytes | undefined;
  readonly nowMs: number;
  /** Those of an encrypted repository. */
  readonly keys?: RepositoryKeys | undefined;
  /** What a repository that is made gets, instead of those of a plain one. */
  readonly parameters?: RepositoryParameters | undefined;
}

export interface Opened extends FoundParameters {
  readonly layout: RepositoryLayout;
  readonly database: Database;
  /** Shared; exclusive while packs are removed. */
  lock: RepositoryLock | undefined;
  readonly temporary: string | undefined;
  /** Why there is neither an index on disk nor a temporary folder, where that is known. */
  readonly trouble?: FileSystemError;
}

export function openLayout(place: RepositoryLayout, options: OpenOptions): Opened {
  const found = findParameters(place, options);
  const layout = unlockLayout(place, found.parameters, options.keys);
  const trouble = prepareLocal(layout, options.mode);
  if (trouble !== undefined) return { ...openInMemory(place, options), trouble };
  const wasInterrupted = options.mode !== 'read' && sweepTemporary(layout);
  const lock = RepositoryLock.acquire(layout, 'shared', options.lockWaitMs);
  try {
    // What is relied on from now on may have been named by a run that was killed before it made the names durable.
    if (wasInterrupted || !existsSync(layout.index)) syncNames(layout);
    const database = openIndexDatabase(layout.index, {
      repositoryId: found.parameters.id,
      isSealed: layout.keyring !== undefined,
      nowMs: options.nowMs,
    });
    const temporary = options.mode === 'read' ? undefined : makeTemporary(layout);
    if (temporary !== undefined && layout.keyring !== undefined && !existsSync(layout.parameters)) {
      // A first run that was killed between the copy and the file itself.
      writeParameters(layout, found.parameters, join(temporary, 'parameters'));
    }
    return { layout, ...found, database, lock, temporary };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** @throws WrongKeyError without the key, DamageError when somebody without it has changed the parameters */
function unlockLayout(
  layout: RepositoryLayout,
  parameters: RepositoryParameters,
  keys: RepositoryKeys | undefined,
): RepositoryLayout {
  if (!isEncrypted(parameters)) {
    if (keys === undefined) return layout;
    throw new DamageError(
      layout.parameters,
      'it was to be of an encrypted repository, and says that it is not',
    );
  }
  if (keys === undefined)
    throw new WrongKeyError(`Cannot open repository ${layout.root}: it is encrypted`, 'Give its key.');
  checkParametersSeal(parameters, keys, layout.parameters);
  return { ...layout, keyring: new PackKeyring(keys) };
}

function syncNames(layout: RepositoryLayout): void {
  for (const folder of [layout.packs, layout.snapshots, layout.root])
    if (isFolder(folder)) syncFolder(folder);
  syncFoldersAbove(layout.root);
}

/**
 * The index lives in memory where nothing can be written. On read-only media nothing can be locked and nobody can prune;
 * who maintains a repository on a full disk holds the lock, which needs no space.
 */
export function openInMemory(place: RepositoryLayout, options: OpenOptions): Opened {
  const found = findParameters(place, options);
  const layout = unlockLayout(place, found.parameters, options.keys);
  const lock =
    options.mode === 'maintain' ? RepositoryLock.acquire(layout, 'shared', options.lockWaitMs) : undefined;
  const database = openMemoryIndex({
    repositoryId: found.parameters.id,
    isSealed: layout.keyring !== undefined,
  });
  return { layout, ...found, database, lock, temporary: undefined };
}

export function closeLayout(opened: Opened): void {
  opened.database.close();
  if (opened.temporary !== undefined) removeTemporary(opened.temporary);
  opened.lock?.[Symbol.dispose]();
}
