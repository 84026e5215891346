/**
 * A repository: packs and snapshots are the truth, the index in `local/` is how to find things quickly. Opening one
 * brings the index up to date with what is there, so a missing, stale or foreign `local/` costs time and nothing else.
 */
import { join } from 'node:path';
import type { RepositoryKeys } from '../codec/keys.ts';
import type { RepositoryParameters } from '../codec/parameters.ts';
import { removeTemporary } from '../io/files.ts';
import { DamageError, type ExuviaError, FileSystemError } from '../model/errors.ts';
import { type BlobId, blobIdFromBytes, type PackId, type SnapshotId } from '../model/ids.ts';
import type { Snapshot, SnapshotHead, SnapshotRecord } from '../model/snapshot.ts';
import type {
  BlobKind,
  BlobOrder,
  BlobStore,
  BlobStream,
  FileCache,
  Meanwhile,
  NamedBlob,
  Orders,
  SnapshotStore,
} from '../model/store.ts';
import { AddedBlobs } from './added-blobs.ts';
import { finishConversion } from './conversion.ts';
import { type Database, isLocalTrouble } from './database.ts';
import { checkedBlocks, IndexFileCache } from './file-cache.ts';
import { rebuildPackIndex, synchronizePackIndex } from './index-sync.ts';
import { initRepository } from './init.ts';
import { type RepositoryLayout, repositoryLayout } from './layout.ts';
import { LocalSeal } from './local-seal.ts';
import { Maintenance } from './maintenance.ts';
import { closeLayout, type Opened, type OpenOptions, openInMemory, openLayout } from './open-layout.ts';
import { PackIndex, type PackTotals } from './pack-index.ts';
import { blobIdIn, isBlobIdAt } from './pack-keys.ts';
import { holdsParameters } from './parameters-file.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { makeStaging } from './staging.ts';
import { StoredBlobs } from './stored-blobs.ts';

export type { OpenOptions, RepositoryMode } from './open-layout.ts';

export class Repository implements BlobStore, SnapshotStore, AsyncDisposable {
  readonly parameters: RepositoryParameters;
  readonly root: string;
  readonly #layout: RepositoryLayout;
  readonly #database: Database;
  readonly #opened: Opened;
  readonly #index: PackIndex;
  readonly #snapshots: SnapshotFiles;
  readonly #files: IndexFileCache;
  readonly #stored: StoredBlobs;
  /** Undefined where nothing can be added. */
  readonly #added: AddedBlobs | undefined;
  readonly #temporary: string | undefined;
  #staging: string | undefined;
  #unreadablePacks: readonly DamageError[] = [];
  #rebuilt = false;

  private constructor(opened: Opened, options: OpenOptions) {
    this.parameters = opened.parameters;
    this.root = opened.layout.root;
    this.#layout = opened.layout;
    this.#database = opened.database;
    this.#opened = opened;
    this.#temporary = opened.temporary;
    this.#index = new PackIndex(opened.database);
    this.#stored = new StoredBlobs(opened.layout, this.#index);
    this.#synchronize();
    const { keyring } = opened.layout;
    const seal = keyring && new LocalSeal(keyring.keys.deriveLocalKey(), options.random);
    this.#snapshots = new SnapshotFiles(opened.layout, opened.database, {
      seal,
      onUnknown: () => this.#synchronize(),
    });
    this.#files = new IndexFileCache(opened.database, seal ?? checkedBlocks, () => this.flush());
    const { temporary, database } = opened;
    if (temporary !== undefined) {
      const parts = { database, index: this.#index, files: this.#files, snapshots: this.#snapshots };
      this.#added = new AddedBlobs(parts, {
        layout: opened.layout,
        temporary,
        random: keyring === undefined ? (options.unique ?? options.random) : options.random,
        level: options.compress === false ? 0 : opened.parameters.compression.level,
      });
    }
  }

  /** @throws NoRepositoryError, RepositoryFormatError, DamageError, LockedError, FileSystemError */
  static open(root: string, options: OpenOptions): Repository {
    const layout = repositoryLayout(root);
    finishConversion(layout, options.lockWaitMs);
    if (!holdsParameters(layout) && options.mode === 'append' && options.create)
      initRepository(layout, options);
    try {
      return Repository.#openWith(openLayout(layout, options), options);
    } catch (error) {
      if (options.mode === 'append' || !isLocalTrouble(error)) throw error;
      // The index could not be brought up to date for want of space: reading works with one in memory.
      return Repository.#openWith({ ...openInMemory(layout, options), trouble: error }, options);
    }
  }

  static #openWith(opened: Opened, options: OpenOptions): Repository {
    try {
      return new Repository(opened, options);
    } catch (error) {
      closeLayout(opened);
      throw error;
    }
  }

  readBlob(id: BlobId): Uint8Array {
    const pending = this.#added?.writer.read(id);
    if (pending !== undefined) return pending;
    try {
      return this.#stored.read(id);
    } catch (error) {
      if (!(error instanceof DamageError) || this.#rebuilt) throw error;
      // Perhaps only the index is wrong (damaged, or another process has pruned since): the packs decide.
      this.rebuildIndex();
      return this.#stored.read(id);
    }
  }

  expectBlobs(ids: readonly BlobId[]): void {
    this.#stored.expect(ids);
  }

  expectBytes(bytes: number, meanwhile: Meanwhile | undefined): void {
    this.#stored.frames.expectBytes(bytes, meanwhile);
  }

  /**
   * Contents that are read from here on are used before others are asked for: their memory is given back early. Blobs of trees stay as
   * long as anybody has them.
   */
  useContentsOnce(): void {
    this.#stored.frames.useOnce();
  }

  expectWrites(): void {
    this.#added?.writer.expectWrites();
  }

  expectWait(): void {
    this.#added?.writer.expectWait();
  }

  get orders(): Orders<[order: BlobOrder]> {
    return this.#stored.orders;
  }

  hasBlob(id: BlobId): boolean {
    return this.#added?.has(id) ?? this.#index.has(id);
  }

  presentBlobs(ids: readonly BlobId[]): ReadonlySet<BlobId> {
    const stored = this.#index.present(ids);
    return new Set(ids.filter((id) => stored.has(id) || this.#added?.writer.has(id) === true));
  }

  writeBlob(kind: BlobKind, bytes: Uint8Array): BlobId {
    const id = this.idOf(bytes);
    if (!this.hasBlob(id)) this.#mustGetAdded().writer.add(kind, id, bytes);
    return id;
  }

  writeBlobs(stream: BlobStream, blobs: readonly NamedBlob[]): void {
    this.#mustGetAdded().add(stream, blobs);
  }

  idOf(bytes: Uint8Array): BlobId {
    return blobIdIn(this.#layout.keyring, bytes);
  }

  isIdAt(bytes: Uint8Array, ids: Buffer, place: number): boolean {
    return isBlobIdAt(this.#layout.keyring, bytes, ids, place);
  }

  idOfHash(hash: Uint8Array): BlobId {
    return this.#layout.keyring?.keys.blobIdOfHash(hash) ?? blobIdFromBytes(hash);
  }

  /** Makes everything written so far durable. The index learns of it with the next snapshot, or when it is flushed. */
  publish(): void {
    this.#added?.writer.publish();
  }

  /** The end of a run that adds no snapshot: all is durable, and known to the index where that can be written. */
  finish(): void {
    this.#added?.finish();
  }

  /** Makes everything written so far durable, and known to the index. */
  flush(): void {
    this.#added?.flush();
  }

  /**
   * After a run that failed: what is stored so far is kept for the next one. When storing itself failed, what refers to the
   * lost blobs is forgotten.
   */
  salvage(): void {
    this.#added?.salvage();
  }

  listSnapshots(): readonly Snapshot[] {
    return this.#snapshots.list();
  }

  /** The same, of each what a list says of it. */
  listHeads(): readonly SnapshotHead[] {
    return this.#snapshots.heads();
  }

  /** Those of the same source paths, newest first; reads no more of them than are taken. */
  newestSnapshots(paths: readonly string[]): Iterable<Snapshot> {
    return this.#snapshots.newest(paths);
  }

  /** For a new snapshot: one more than the highest there is. */
  nextSequence(): number {
    return this.#snapshots.lastSequence() + 1;
  }

  getSnapshot(id: SnapshotId): Snapshot | undefined {
    return this.#snapshots.get(id);
  }

  /** Publishes what was written, then the record: the commit of a backup. */
  addSnapshot(record: SnapshotRecord): Snapshot {
    return this.#mustGetAdded().commit(record, join(this.#mustGetTemporary(), 'snapshot'));
  }

  /** What removes: only for a repository opened to be maintained. */
  get maintenance(): Maintenance {
    return new Maintenance({
      layout: this.#layout,
      database: this.#database,
      frames: this.#stored.frames,
      prover: this.#stored.prover,
      index: this.#index,
      files: this.#files,
      snapshots: this.#snapshots,
      opened: this.#opened,
      parameters: this.parameters,
      synchronize: () => this.#synchronize(),
      rewrite: (work, level) => this.#mustGetAdded().rewrite(work, level),
    });
  }

  #synchronize(): void {
    this.#unreadablePacks = synchronizePackIndex(this.#layout, this.#database, this.#index);
  }

  get isWriteOnly(): boolean {
    return this.keys?.canRead === false;
  }

  /** Of an encrypted repository that is open. */
  get keys(): RepositoryKeys | undefined {
    return this.#layout.keyring?.keys;
  }

  /** False when it is open for reading, or when the disk had no room for a temporary folder. */
  get canAdd(): boolean {
    return this.#added !== undefined;
  }

  /** @throws FileSystemError that says why nothing can be added */
  mustBeAbleToAdd(): void {
    this.#mustGetAdded();
  }

  /** What is wrong with the file of the parameters; only for who opened it to repair that. */
  get parametersDamage(): ExuviaError | undefined {
    return this.#opened.parametersDamage;
  }

  /** The pack in which a blob is found. */
  packOf(id: BlobId): PackId | undefined {
    return this.#index.find(id)?.frame.pack;
  }

  /** Snapshots whose files went without having been forgotten here. */
  get vanishedSnapshots(): readonly SnapshotHead[] {
    return this.#snapshots.vanished;
  }

  get fileCache(): FileCache {
    return this.#files;
  }

  /** Bytes of blobs added and of packs and snapshots published since it was opened. */
  get written(): { readonly addedBytes: number; readonly storedBytes: number } {
    return this.#added?.written ?? { addedBytes: 0, storedBytes: 0 };
  }

  totals(): PackTotals {
    return this.#index.totals();
  }

  /** Packs and snapshots that could not be read when it was opened. */
  get damage(): readonly DamageError[] {
    return [...this.#unreadablePacks, ...this.#snapshots.damaged];
  }

  /** The same as far as it is known without reading all of each snapshot. */
  get damageOfHeads(): readonly DamageError[] {
    return [...this.#unreadablePacks, ...this.#snapshots.damagedHeads];
  }

  /**
   * Folder of this run's own for temporary files, removed when the repository is closed. Copies of what is backed up are put
   * there: not below an encrypted repository.
   */
  get temporaryFolder(): string {
    const own = this.#mustGetTemporary();
    if (this.#layout.keyring === undefined) return own;
    this.#staging ??= makeStaging(this.parameters.id);
    return this.#staging;
  }

  /** @throws FileSystemError that says why the index is in memory only */
  mustKeepIndex(): void {
    const { trouble } = this.#opened;
    if (trouble !== undefined) throw trouble;
  }

  /** Empties the index and fills it from the packs alone. */
  rebuildIndex(): { packs: number; blobs: number; damaged: readonly DamageError[] } {
    this.#rebuilt = true;
    this.#stored.forget();
    const damaged = rebuildPackIndex(this.#layout, this.#database, this.#index);
    this.#unreadablePacks = damaged;
    const { packs, blobs } = this.#index.totals();
    return { packs, blobs, damaged };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#added?.writer.close();
    await this.#stored.close();
    if (this.#staging !== undefined) removeTemporary(this.#staging);
    closeLayout(this.#opened);
  }

  #mustGetAdded(): AddedBlobs {
    if (this.#added === undefined) throw this.whyNotToAdd();
    return this.#added;
  }

  #mustGetTemporary(): string {
    if (this.#temporary === undefined) throw this.whyNotToAdd();
    return this.#temporary;
  }

  /** Of one that cannot. Opened to be maintained it is open without a place to write to, for what can be done so. */
  whyNotToAdd(): Error {
    const { trouble, lock } = this.#opened;
    if (trouble !== undefined) return trouble;
    if (lock === undefined) return new Error('Internal error: the repository is open for reading only.');
    return new FileSystemError(
      'write to',
      this.#layout.local,
      Object.assign(new Error(), { code: 'ENOSPC' }),
    );
  }
}

/** Opens, works, closes: the lifetime of a repository in one place. */
export async function withRepository<T>(
  root: string,
  options: OpenOptions,
  work: (repository: Repository) => Promise<T> | T,
): Promise<T> {
  await using repository = Repository.open(root, options);
  return await work(repository);
}
