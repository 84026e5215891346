/**
 * The side of a repository that is written to: blobs that a run adds, what it learns of files, and the snapshot that makes them count. The
 * index follows what is on disk, never the other way round.
 */
import { ExuviaError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import type { Snapshot, SnapshotRecord } from '../model/snapshot.ts';
import type { BlobStream, NamedBlob } from '../model/store.ts';
import { type Database, inTransaction } from './database.ts';
import type { IndexFileCache } from './file-cache.ts';
import type { AddBlob } from './maintenance.ts';
import type { PackIndex } from './pack-index.ts';
import { PackWriter, type PackWriterOptions } from './pack-writer.ts';
import type { SnapshotFiles } from './snapshot-files.ts';

export interface AddedBlobsParts {
  readonly database: Database;
  readonly index: PackIndex;
  readonly files: IndexFileCache;
  readonly snapshots: SnapshotFiles;
}

export class AddedBlobs {
  readonly writer: PackWriter;
  readonly #parts: AddedBlobsParts;
  #snapshotBytes = 0;

  constructor(parts: AddedBlobsParts, options: Omit<PackWriterOptions, 'isFirst' | 'onPublished'>) {
    const { database, index, files } = parts;
    this.#parts = parts;
    this.writer = new PackWriter({
      ...options,
      isFirst: () => index.newestPacks(1).length === 0,
      onPublished: (packs, isAll) => {
        inTransaction(database, () => {
          index.addPacks(packs);
          // Before that, a file that was seen may have parts in a frame that a crash would take with it.
          if (isAll) files.flush();
        });
      },
    });
  }

  /** Bytes of blobs added, and of packs and snapshots published. */
  get written(): { readonly addedBytes: number; readonly storedBytes: number } {
    const { addedBytes, storedBytes } = this.writer;
    return { addedBytes, storedBytes: storedBytes + this.#snapshotBytes };
  }

  /** Those that are neither stored nor added yet. */
  add(stream: BlobStream, blobs: readonly NamedBlob[]): void {
    const there = this.#parts.index.present(blobs.map(({ id }) => id));
    for (const { id, bytes } of blobs) {
      if (there.has(id) || this.writer.has(id)) continue;
      this.writer.add(stream, id, bytes);
      there.add(id); // one may be given twice, and published in between
    }
  }

  /** Makes everything written so far durable, and known to the index. */
  flush(): void {
    const { database, files } = this.#parts;
    this.writer.flush();
    if (files.hasPending) inTransaction(database, () => files.flush());
  }

  /**
   * After a run that failed: what is stored so far is kept for the next one. When storing itself failed, what refers to the
   * lost blobs is forgotten.
   */
  salvage(): void {
    const { files } = this.#parts;
    try {
      if (this.writer.hasFailed) files.discard();
      else this.flush();
    } catch (error) {
      // The run has failed already and says why. Nothing was promised that is not there.
      if (!(error instanceof ExuviaError)) throw error;
      files.discard();
    }
  }

  /**
   * Publishes what was written, then the record: the commit of a backup. Then the index learns of all that at once: each of its transactions waits
   * four times for the disk. Whoever finds the snapshot before it does looks for packs as well.
   */
  commit(record: SnapshotRecord, temporary: string): Snapshot {
    this.writer.publish();
    const { snapshot, bytes } = this.#published(record, temporary);
    this.#tellIndex([snapshot]);
    this.#snapshotBytes += bytes;
    return snapshot;
  }

  /** The end of a run that adds no snapshot. */
  finish(): void {
    this.writer.publish();
    this.#tellIndex([]);
  }

  /** Where it cannot be told, nothing is lost: whoever opens the repository next reads what is new. */
  #tellIndex(published: readonly Snapshot[]): void {
    const { index, files, snapshots } = this.#parts;
    const { untold } = this.writer;
    if (untold.length === 0 && published.length === 0 && !files.hasPending) return;
    const isIndexed = snapshots.remember(published, () => {
      index.addPacks(untold);
      if (files.hasPending) files.flush();
    });
    if (isIndexed) this.writer.noteTold();
  }

  #published(record: SnapshotRecord, temporary: string): { snapshot: Snapshot; bytes: number } {
    try {
      return this.#parts.snapshots.publish(record, temporary);
    } catch (error) {
      this.salvage();
      throw error;
    }
  }

  /** What is added in `work` is stored although it is there already, and found in its new place from then on. */
  async rewrite(work: (add: AddBlob) => Promise<void>, level: number | undefined): Promise<void> {
    const { writer } = this;
    this.flush();
    if (level !== undefined) writer.level = level;
    await work((stream, id, bytes) => {
      if (!writer.has(id)) writer.add(stream, id, bytes);
    });
    this.flush();
  }

  has(id: BlobId): boolean {
    return this.writer.has(id) || this.#parts.index.has(id);
  }
}
