/**
 * What is compared: snapshots, archives, folders and the present state, all as trees on one reader. What is not in the
 * repository yet goes into a scratch one that lasts as long as the comparison.
 */
import { statSync } from 'node:fs';
import type { BlobId } from '../model/ids.ts';
import type { SnapshotSource } from '../model/snapshot.ts';
import type { BlobKind, BlobStore, BlobStream, FileCache, NamedBlob } from '../model/store.ts';
import type { Repository } from '../repository/repository.ts';
import { CaptureProcess } from '../sqlite/capture.ts';
import { type CreateOptions, planBackup } from './backup-plan.ts';
import { withSettings } from './configured-backup.ts';
import { archiveAll } from './create-backup.ts';
import { onlyKnowing } from './dry-store.ts';
import type { Environment } from './environment.ts';
import { importInto, isArchivePath, openScratchRepository } from './import-archive.ts';
import { findHome, type PlaceOptions, resolvePath } from './places.ts';
import { findSnapshot } from './read-backups.ts';
import { loadSettings } from './settings.ts';

/** The word for the present state of the home. */
export const liveName = 'live';

export interface ComparedSide {
  readonly kind: 'snapshot' | 'archive' | 'folder' | 'live';
  /** As it was named, or the id. */
  readonly name: string;
  /** ISO 8601. */
  readonly time: string;
  /** What a snapshot added to the repository when it was taken: bytes of new blobs, and what they take there. */
  readonly added?: { readonly addedBytes: number; readonly storedBytes: number };
  readonly sources: readonly SnapshotSource[];
}

/** The repository and, over it, what only this comparison knows: made when there is something to put into it. */
class ScratchStore implements BlobStore, AsyncDisposable {
  readonly #environment: Environment;
  readonly repository: Repository | undefined;
  #scratch: ReturnType<typeof openScratchRepository> | undefined;

  constructor(environment: Environment, repository: Repository | undefined) {
    this.#environment = environment;
    this.repository = repository;
  }

  get scratch(): Repository {
    this.#scratch ??= openScratchRepository(this.#environment, this.repository);
    return this.#scratch.repository;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scratch?.[Symbol.asyncDispose]();
  }

  hasBlob(id: BlobId): boolean {
    return this.#isScratch(id) || this.repository?.hasBlob(id) === true;
  }

  expectBlobs(ids: readonly BlobId[]): void {
    this.#scratch?.repository.expectBlobs(ids);
    this.repository?.expectBlobs(ids);
  }

  presentBlobs(ids: readonly BlobId[]): ReadonlySet<BlobId> {
    const stored = this.repository?.presentBlobs(ids);
    return new Set(ids.filter((id) => stored?.has(id) || this.#isScratch(id)));
  }

  readBlob(id: BlobId): Uint8Array {
    return this.repository === undefined || this.#isScratch(id)
      ? this.scratch.readBlob(id)
      : this.repository.readBlob(id);
  }

  writeBlob(kind: BlobKind, bytes: Uint8Array): BlobId {
    return this.scratch.writeBlob(kind, bytes);
  }

  idOf(bytes: Uint8Array): BlobId {
    return this.scratch.idOf(bytes);
  }

  idOfHash(hash: Uint8Array): BlobId {
    return this.scratch.idOfHash(hash);
  }

  writeBlobs(stream: BlobStream, blobs: readonly NamedBlob[]): void {
    const present = this.presentBlobs(blobs.map(({ id }) => id));
    const missing = blobs.filter(({ id }) => !present.has(id));
    if (missing.length > 0) this.scratch.writeBlobs(stream, missing);
  }

  /** Files that are as the last backup saw them need not be read. Nothing is remembered: nothing is stored. */
  get cache(): FileCache {
    return onlyKnowing(this.repository?.fileCache);
  }

  #isScratch(id: BlobId): boolean {
    return this.#scratch?.repository.hasBlob(id) === true;
  }
}

export interface Comparison {
  readonly blobs: BlobStore;
  readonly sides: readonly ComparedSide[];
}

/** @param repository undefined when there is none: then no name means a snapshot */
export async function withComparedSides<T>(
  environment: Environment,
  options: PlaceOptions,
  names: readonly string[],
  repository: Repository | undefined,
  work: (comparison: Comparison) => Promise<T> | T,
): Promise<T> {
  await using blobs = new ScratchStore(environment, repository);
  const sides: ComparedSide[] = [];
  for (const name of names) sides.push(await openSide(environment, options, name, blobs));
  return await work({ blobs, sides });
}

async function openSide(
  environment: Environment,
  options: PlaceOptions,
  name: string,
  store: ScratchStore,
): Promise<ComparedSide> {
  if (name === liveName) return await readPresent(environment, options, store, {});
  if (isFolderPath(environment, name))
    return await readPresent(environment, options, store, { sources: [name] });
  if (isArchivePath(environment, name)) {
    const home = findHome(environment, options);
    const { snapshot } = await importInto(environment, store.scratch, name, { home });
    return { kind: 'archive', name, time: snapshot.time, sources: snapshot.sources };
  }
  const { id, time, sources, stats } = findSnapshot(environment, store.repository ?? store.scratch, name);
  const { addedBytes, storedBytes } = stats;
  return { kind: 'snapshot', name: id, time, sources, added: { addedBytes, storedBytes } };
}

/** A folder is named with a slash, as an archive is: a plain word is a snapshot, whatever lies about. */
function isFolderPath(environment: Environment, name: string): boolean {
  if (!/[/\\]/.test(name) && name !== '.' && name !== '..' && name !== '~') return false;
  return statSync(resolvePath(environment, name), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

async function readPresent(
  environment: Environment,
  { repository, stateDir, profile }: PlaceOptions,
  store: ScratchStore,
  folders: Pick<CreateOptions, 'sources'>,
): Promise<ComparedSide> {
  const places = { repository, stateDir, profile };
  const isHome = folders.sources === undefined;
  const { settings } = loadSettings(findHome(environment, places));
  const plan = planBackup(environment, isHome ? withSettings(places, settings) : { ...places, ...folders });
  await using captures = new CaptureProcess();
  const destination = {
    blobs: store,
    cache: store.cache,
    parent: undefined,
    captures,
    staging: store.scratch.temporaryFolder,
  };
  const run = await archiveAll(environment, plan, destination);
  const [name, kind] = isHome
    ? ([liveName, 'live'] as const)
    : ([folders.sources?.[0] ?? '', 'folder'] as const);
  return { kind, name, time: new Date(run.startedMs).toISOString(), sources: run.sources };
}
