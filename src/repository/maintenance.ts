/**
 * Removing packs and snapshots. Order: what is still used is copied to new packs and published; then, alone, the index
 * stops promising what is about to go; then files are deleted. A crash anywhere leaves packs that nothing needs, which the next
 * prune removes.
 *
 * Everything here works without a free byte: when the index cannot be written, it is deleted (the packs are the truth, and
 * deleting gives space back) and made anew when it is wanted.
 */
import { existsSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { ListedDirectory } from '../codec/pack.ts';
import type { RepositoryParameters } from '../codec/parameters.ts';
import { snapshotIdOfFileName } from '../codec/snapshot-codec.ts';
import { makePrivateFolder, removeFile, syncFolder, withPath } from '../io/files.ts';
import { DamageError } from '../model/errors.ts';
import type { BlobId, PackId, SnapshotId } from '../model/ids.ts';
import type { Snapshot, SnapshotHead } from '../model/snapshot.ts';
import type { BlobStream } from '../model/store.ts';
import { type Database, inTransaction, isLocalTrouble } from './database.ts';
import type { IndexFileCache } from './file-cache.ts';
import { streamOfFrame } from './frame-buffer.ts';
import type { FrameReader } from './frame-reader.ts';
import { removeIndex } from './index-schema.ts';
import { IndexedMarks } from './indexed-marks.ts';
import { freeName, packPath, type RepositoryLayout } from './layout.ts';
import { RepositoryLock } from './locks.ts';
import { listPackFiles, packPlace, readFrame, readPackDirectory } from './pack-files.ts';
import type { PackIndex } from './pack-index.ts';
import { blobIdIn } from './pack-keys.ts';
import type { PackProver } from './pack-prover.ts';
import { rewriteParameters, writeParameters } from './parameters-file.ts';
import type { DamagedSnapshot } from './rewrite-snapshot.ts';
import type { SnapshotFiles } from './snapshot-files.ts';
import { type BadFrame, salvagePack, type Verified } from './verify-pack.ts';

export type AddBlob = (stream: BlobStream, id: BlobId, bytes: Uint8Array) => void;

export interface MaintainedParts {
  readonly layout: RepositoryLayout;
  readonly database: Database;
  readonly frames: FrameReader;
  readonly prover: PackProver;
  readonly index: PackIndex;
  readonly files: IndexFileCache;
  readonly snapshots: SnapshotFiles;
  readonly parameters: RepositoryParameters;
  readonly opened: { lock: RepositoryLock | undefined; readonly temporary: string | undefined };
  readonly synchronize: () => void;
  readonly rewrite: (work: (add: AddBlob) => Promise<void>, level: number | undefined) => Promise<void>;
}

export interface RepackOptions {
  /** What of the packs is copied. It must not depend on what other processes do to the index meanwhile. */
  readonly isWanted: (id: BlobId, pack: PackId) => boolean;
  /** Asked between packs. */
  readonly isOver: () => boolean;
  readonly onPack: (pack: PackId) => void;
  /** zstd level of what is written; undefined for the usual one. */
  readonly level?: number | undefined;
}

export interface SalvageOptions {
  /** Asked between packs, and where little is found in one. */
  readonly isOver: () => boolean;
  readonly onPack: () => void;
}

export interface Repacked {
  /** All that is used of them is in other packs now. */
  readonly done: ReadonlySet<PackId>;
  /** What could not be read: those packs stay. */
  readonly damaged: readonly DamageError[];
}

export interface PackFound {
  readonly directory: ListedDirectory;
  readonly packBytes: number;
  /** Offsets of frames that an earlier check found damaged, and what it said. */
  readonly knownBad: ReadonlyMap<number, string>;
}

export interface Removal {
  readonly packs: ReadonlySet<PackId>;
  /** Whether all that the encoded node of a known file refers to stays. */
  readonly isKept: (node: Uint8Array) => boolean;
}

export class Maintenance {
  readonly #parts: MaintainedParts;

  constructor(parts: MaintainedParts) {
    this.#parts = parts;
  }

  /** Held by whoever removes packs, as long as it plans to. @throws LockedError */
  lock(waitMs: number): RepositoryLock {
    return RepositoryLock.acquireMaintenance(this.#parts.layout, waitMs);
  }

  countPacksBelow(bytes: number): number {
    return [...this.#parts.index.listPacks().values()].filter((packBytes) => packBytes < bytes).length;
  }

  packsHolding(ids: Iterable<BlobId>): Set<PackId> {
    return this.#parts.index.packsHolding(ids);
  }

  loadMarks(): IndexedMarks {
    return new IndexedMarks(this.#parts.database, this.#parts.index);
  }

  /** Every pack file that is there, with the directory it ends with or why that cannot be read. */
  *packDirectories(): Generator<{ readonly id: PackId; readonly found: PackFound | DamageError }> {
    const bad = this.#parts.index.badFrames();
    for (const id of [...listPackFiles(this.#parts.layout)].sort()) {
      try {
        const knownBad = bad.get(id) ?? new Map<number, string>();
        yield { id, found: { ...readPackDirectory(this.#parts.layout, id), knownBad } };
      } catch (error) {
        if (!(error instanceof DamageError)) throw error;
        yield { id, found: error };
      }
    }
  }

  /** All packs will be verified: threads start beside what comes before that. */
  beginVerifying(): void {
    this.#parts.prover.begin(this.#parts.index.packBytes());
  }

  /** Says which packs are verified next, so that threads begin. Promises nothing. */
  expectVerified(packs: readonly ListedDirectory[]): void {
    this.#parts.prover.expect(packs);
  }

  verifyFrames(directory: ListedDirectory): Generator<Verified> {
    return this.#parts.prover.verify(directory);
  }

  /** Snapshots that others replaced and that an interrupted run left. */
  get superseded(): readonly SnapshotHead[] {
    return this.#parts.snapshots.superseded;
  }

  /** Snapshots as they are now, whatever other processes did meanwhile. */
  reloadSnapshots(): readonly Snapshot[] {
    this.#parts.snapshots.reload();
    return this.#parts.snapshots.list();
  }

  /** Forgets snapshots: what only they refer to stays until it is pruned. Returns how many there were. */
  async removeSnapshots(ids: ReadonlySet<SnapshotId>, waitMs: number): Promise<number> {
    const { snapshots, layout, database } = this.#parts;
    const order = snapshots.removalOrder(ids);
    let isIndexUsable = !database.memory;
    try {
      snapshots.dropRows(order.flat());
    } catch (error) {
      if (!isLocalTrouble(error)) throw error;
      isIndexUsable = false;
    }
    // Rows without files would count as lost snapshots.
    if (!isIndexUsable) await this.alone(waitMs, () => removeIndex(layout.index));
    // What an interrupted run has removed goes first: what replaced it may be among these.
    if (order.length > 0) syncFolder(layout.snapshots);
    return order.reduce((sum, group) => {
      const remove = (): number => snapshots.removeFiles(new Set(group));
      return sum + (isIndexUsable ? snapshots.dropRows(group, remove) : remove());
    }, 0);
  }

  /** Copies the blobs of these packs that are wanted to new packs, until `isOver`. Publishes what is copied. */
  async repack(packs: Iterable<PackId>, options: RepackOptions): Promise<Repacked> {
    const done = new Set<PackId>();
    const damaged: DamageError[] = [];
    await this.#parts.rewrite(async (add) => {
      for (const pack of packs) {
        await new Promise(setImmediate); // signals are heard
        if (options.isOver()) return;
        options.onPack(pack);
        const trouble = this.#copyUsed(pack, options.isWanted, add);
        damaged.push(...trouble);
        if (trouble.length === 0) done.add(pack);
      }
    }, options.level);
    return { done, damaged };
  }

  #copyUsed(pack: PackId, isWanted: RepackOptions['isWanted'], add: AddBlob): DamageError[] {
    const { layout } = this.#parts;
    const damaged: DamageError[] = [];
    for (const { offset, bytes, kind, blobs } of readPackDirectory(layout, pack).directory.frames) {
      const wanted = blobs.map(({ id }) => isWanted(id, pack));
      if (!wanted.includes(true)) continue;
      const place = `${packPlace(pack)}, frame at byte ${offset}`;
      try {
        const frame = readFrame(layout, pack, { offset, bytes });
        const stream = streamOfFrame(kind, blobs);
        for (const [position, { id }] of blobs.entries()) {
          const blob = frame.blobs[position];
          if (wanted[position] !== true) continue;
          if (blob === undefined || blobIdIn(layout.keyring, blob) !== id)
            throw new DamageError(place, 'holds other bytes');
          add(stream, id, blob);
        }
      } catch (error) {
        if (!(error instanceof DamageError)) throw error;
        damaged.push(new DamageError(packPlace(pack), error.message, error));
      }
    }
    return damaged;
  }

  /**
   * Waits until nobody else has the repository open, works, and shares it again.
   * @throws LockedError when others do not end within `waitMs`; nothing has been done then.
   */
  async alone<T>(waitMs: number, work: () => Promise<T> | T): Promise<T> {
    const { opened, layout } = this.#parts;
    opened.lock?.[Symbol.dispose]();
    opened.lock = RepositoryLock.tryAcquire(layout, 'exclusive', waitMs);
    if (opened.lock === undefined) {
      const refusal = RepositoryLock.refusal(layout, waitMs);
      opened.lock = RepositoryLock.tryAcquire(layout, 'shared', waitMs);
      throw refusal;
    }
    this.#parts.synchronize();
    return await work();
  }

  /** To be called alone. Returns how many bytes of files are gone. */
  removePacks(removal: Removal): number {
    if (removal.packs.size === 0) return 0;
    const { layout, database, index, files } = this.#parts;
    // Snapshots that a run cut off has removed must not come back once their packs are gone.
    syncFolder(layout.snapshots);
    this.#orWithoutIndex(() =>
      inTransaction(database, () => {
        index.removePacks(removal.packs);
        files.dropUnless(removal.isKept);
      }),
    );
    return deletePacks(layout, removal.packs);
  }

  /**
   * Remembers which frames of the packs read are damaged: what was in them does not count as there, and is stored again by
   * the next backup that sees it. To be followed by making the index anew.
   */
  rememberDamage(packs: readonly PackId[], bad: readonly BadFrame[]): void {
    const { database, index } = this.#parts;
    const rows = bad.map(({ pack, offset, detail }) => ({ pack, offset, message: detail }));
    inTransaction(database, () => index.setBadFrames(packs, rows));
  }

  /** Deletes the index, which may hold names and contents of files; it is made anew when it is wanted. */
  async dropIndex(waitMs: number): Promise<void> {
    await this.alone(waitMs, () => removeIndex(this.#parts.layout.index));
  }

  /** Copies to new packs what can be read of damaged ones and is nowhere else, until `isOver`. Returns the number of blobs. */
  async salvage(bad: ReadonlySet<PackId>, { isOver, onPack }: SalvageOptions): Promise<number> {
    const { layout, index, rewrite } = this.#parts;
    let count = 0;
    await rewrite(async (add) => {
      for (const pack of bad) {
        await new Promise(setImmediate); // signals are heard
        if (isOver()) return;
        for (const salvaged of salvagePack(layout, pack)) {
          if (salvaged === undefined) {
            await new Promise(setImmediate);
            if (isOver()) return;
            continue;
          }
          const { kind, id, bytes } = salvaged;
          const place = index.find(id);
          if (place !== undefined && !bad.has(place.frame.pack)) continue;
          add(kind, id, bytes);
          count++;
        }
        onPack();
      }
    }, undefined);
    return count;
  }

  /** Writes the file of the parameters anew. Returns where the old one is kept, relative to the repository; undefined without one. */
  rewriteParameters(): string | undefined {
    const { layout, opened, parameters } = this.#parts;
    const kept = rewriteParameters(
      layout,
      parameters,
      join(opened.temporary ?? layout.temporary, 'parameters'),
    );
    return kept === undefined ? undefined : relative(layout.root, kept);
  }

  /** Other key slots. The old file stays in force until the new one is whole. */
  replaceParameters(parameters: RepositoryParameters): void {
    const { layout, opened } = this.#parts;
    writeParameters(layout, parameters, join(opened.temporary ?? layout.temporary, 'parameters'));
  }

  findDamagedSnapshots(): DamagedSnapshot[] {
    return this.#parts.snapshots.findDamaged();
  }

  /** Writes damaged snapshot files again where the index knows all of them. Returns those that are as they were. */
  rewriteSnapshots(damaged: readonly DamagedSnapshot[]): DamagedSnapshot[] {
    const { snapshots, layout, opened } = this.#parts;
    const folder = opened.temporary ?? layout.temporary;
    return damaged.filter((one) =>
      snapshots.rewriteFile(one, join(folder, `snapshot-${one.id.slice(0, 16)}`)),
    );
  }

  /**
   * To be called alone: takes files out of use and keeps them below `damaged/`: packs, snapshots that have been replaced, and
   * snapshot files, by name, that cannot be read. Returns where they are, relative to the repository.
   */
  setAside(what: {
    readonly packs: ReadonlySet<PackId>;
    readonly snapshots: ReadonlySet<SnapshotId>;
    readonly unreadable: readonly string[];
    readonly vanished: readonly SnapshotId[];
  }): string[] {
    const { layout, database, index, snapshots } = this.#parts;
    const replaced = snapshots.removalOrder(what.snapshots).flat();
    const names = replaced.map((id) => snapshots.nameOf(id)).filter((name) => name !== undefined);
    const paths = [...new Set([...names, ...what.unreadable])].map((name) => join(layout.snapshots, name));
    for (const pack of what.packs) paths.push(packPath(layout, pack));
    // An index on disk that stays as it is would call lost what is counted as gone here.
    this.#orWithoutIndex(() => {
      const unreadable = what.unreadable.map(snapshotIdOfFileName).filter((id) => id !== undefined);
      snapshots.dropRows([...replaced, ...unreadable, ...what.vanished]);
      inTransaction(database, () => index.removePacks(what.packs));
    });
    return paths.map((path) => relative(layout.root, moveInto(layout.damaged, path)));
  }

  #orWithoutIndex(work: () => void): void {
    const { layout, database } = this.#parts;
    try {
      if (database.memory) removeIndex(layout.index); // it is there, and would promise what is about to go
      work();
    } catch (error) {
      if (!isLocalTrouble(error)) throw error;
      removeIndex(layout.index);
    }
  }
}

/** Returns the sum of their lengths. */
function deletePacks(layout: RepositoryLayout, packs: ReadonlySet<PackId>): number {
  let bytes = 0;
  const folders = new Set<string>();
  for (const pack of packs) {
    const path = packPath(layout, pack);
    bytes += withPath('remove', path, () => {
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      removeFile(path);
      return size;
    });
    folders.add(dirname(path));
  }
  for (const folder of folders) if (existsSync(folder)) syncFolder(folder);
  return bytes;
}

/** Durable in its new place before it counts as gone from the old one. */
function moveInto(folder: string, path: string): string {
  makePrivateFolder(folder);
  const target = freeName(join(folder, basename(path)));
  withPath('move', path, () => renameSync(path, target));
  syncFolder(folder);
  syncFolder(dirname(folder));
  syncFolder(dirname(path));
  return target;
}
