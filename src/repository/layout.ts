/** Where things are in a repository folder. */
import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { PackId } from '../model/ids.ts';
import type { PackKeyring } from './pack-keys.ts';

export interface RepositoryLayout {
  readonly root: string;
  readonly parameters: string;
  /** The same once more, of an encrypted repository: without its key slots nothing could be read. */
  readonly parametersCopy: string;
  readonly packs: string;
  readonly snapshots: string;
  /** This machine's: index, locks, temporary files. Can be deleted when nothing runs. */
  readonly local: string;
  readonly index: string;
  readonly locks: string;
  /** Held by the one process that removes packs. */
  readonly maintenanceLock: string;
  readonly temporary: string;
  /** What a repair has taken out of use and keeps. */
  readonly damaged: string;
  /** Of an encrypted repository that is open: what opens its packs. */
  readonly keyring?: PackKeyring;
}

export const parametersName = 'exuvia-repository.json';
export const parametersCopyName = 'exuvia-repository.copy.json';
export const packSuffix = '.pack';

export function repositoryLayout(root: string): RepositoryLayout {
  const local = join(root, 'local');
  return {
    root,
    parameters: join(root, parametersName),
    parametersCopy: join(root, parametersCopyName),
    packs: join(root, 'packs'),
    snapshots: join(root, 'snapshots'),
    local,
    index: join(local, 'index.sqlite'),
    locks: join(local, 'locks.sqlite'),
    maintenanceLock: join(local, 'maintenance.sqlite'),
    temporary: join(local, 'tmp'),
    damaged: join(root, 'damaged'),
  };
}

/** `packs/<2 hex>/<id>.pack` */
export function packPath(layout: RepositoryLayout, id: PackId): string {
  return `${layout.packs}${sep}${id.slice(0, 2)}${sep}${id}${packSuffix}`; // join() normalizes, and this is called often
}

/** A name that nothing has yet. */
export function freeName(path: string): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? path : `${path}.${count}`;
    if (!existsSync(name)) return name;
  }
}
