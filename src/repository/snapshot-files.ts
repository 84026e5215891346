/** Snapshot files: list, read, publish. The index keeps a copy of each record so that ten thousand of them list quickly. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RepositoryKeys } from '../codec/keys.ts';
import {
  decodeSnapshot,
  encodeSnapshot,
  idInFileName,
  snapshotFileName,
  snapshotIdOfFileName,
} from '../codec/snapshot-codec.ts';
import { publishFile, removeFile, syncFolder, withPath } from '../io/files.ts';
import { DamageError, ExuviaError, FileSystemError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import type { Snapshot, SnapshotHead, SnapshotRecord } from '../model/snapshot.ts';
import { type Database, inTransaction, isLocalTrouble } from './database.ts';
import type { RepositoryLayout } from './layout.ts';
import type { LocalSeal } from './local-seal.ts';
import { isRefusal, lastSealedSequence, readSnapshotFile } from './read-snapshot.ts';
import { removalOrder } from './removal-order.ts';
import { type DamagedSnapshot, rewriteSnapshotFile } from './rewrite-snapshot.ts';
import { SnapshotRows } from './snapshot-rows.ts';

export interface SnapshotFilesOptions {
  readonly seal?: LocalSeal | undefined;
  readonly onUnknown: () => void;
}

export class SnapshotFiles {
  readonly #layout: RepositoryLayout;
  readonly #database: Database;
  readonly #names = new Map<SnapshotId, string>();
  #heads: SnapshotHead[] | undefined;
  #snapshots: Snapshot[] | undefined;
  /** Snapshots that the index could not take in. */
  #unindexed: ReadonlyMap<SnapshotId, Snapshot> | undefined;
  /** Made here, and not in the index. */
  readonly #added = new Map<SnapshotId, Snapshot>();
  /** Of these, something in the index has rotted. */
  readonly #fresh: Snapshot[] = [];
  #superseded: SnapshotHead[] = [];
  #vanished: SnapshotHead[] = [];
  #damaged: DamageError[] = [];
  readonly #unreadable = new Set<SnapshotId>();

  readonly #rows: SnapshotRows;
  readonly #onUnknown: () => void;

  /** `onUnknown` is called when files are found that the index does not know, before they count: it may not know their packs either. */
  constructor(layout: RepositoryLayout, database: Database, { seal, onUnknown }: SnapshotFilesOptions) {
    this.#layout = layout;
    this.#database = database;
    this.#rows = new SnapshotRows(database, seal);
    this.#onUnknown = onUnknown;
  }

  get #keys(): RepositoryKeys | undefined {
    return this.#layout.keyring?.keys;
  }

  /** The key at hand adds snapshots and reads none. */
  get #isWriteOnly(): boolean {
    return this.#keys?.canRead === false;
  }

  /** Oldest first, as far as the index tells: of these, one may turn out to be unreadable once all of it is wanted. */
  heads(): readonly SnapshotHead[] {
    this.#heads ??= this.#load();
    return this.#heads;
  }

  /** Oldest first. Files that cannot be read are in `damaged`. */
  list(): readonly Snapshot[] {
    this.#snapshots ??= this.#readAll();
    return this.#snapshots;
  }

  #readAll(): Snapshot[] {
    const indexed = this.#rows.all();
    const snapshots = new Map<SnapshotId, Snapshot>();
    for (const { id } of [...this.heads(), ...this.#superseded]) {
      const snapshot = indexed.get(id) ?? this.#getUnindexed(id);
      if (snapshot !== undefined) snapshots.set(id, snapshot);
    }
    this.#keepRead();
    this.#settle([...snapshots.values()]);
    return this.heads().flatMap(({ id }) => snapshots.get(id) ?? []);
  }

  get damaged(): readonly DamageError[] {
    this.list();
    return this.#damaged;
  }

  /** What is known to be damaged without all being read. */
  get damagedHeads(): readonly DamageError[] {
    this.heads();
    return this.#damaged;
  }

  /** Undefined for one that has gone or cannot be read: it is not among the heads any more then. */
  get(id: SnapshotId): Snapshot | undefined {
    if (!this.heads().some((head) => head.id === id)) return undefined;
    const snapshot = this.#rows.get(id) ?? this.#getUnindexed(id);
    if (snapshot === undefined) {
      if (this.#names.has(id)) this.#settle([...this.heads(), ...this.#superseded]);
      else this.reload();
    }
    return snapshot;
  }

  /**
   * Those of the same sources, newest first, read one by one: with ten thousand snapshots, making one more must not
   * mean to read them all.
   */
  *newest(paths: readonly string[]): Generator<Snapshot> {
    if (this.#isWriteOnly) return;
    if (this.#heads !== undefined || this.#synchronize().size > 0) {
      const name = JSON.stringify(paths);
      yield* this.list()
        .toReversed()
        .filter((snapshot) => JSON.stringify(sourcePaths(snapshot)) === name);
      return;
    }
    for (const row of this.#rows.newest(paths)) {
      const snapshot = row.snapshot ?? this.#getUnindexed(row.id);
      if (snapshot !== undefined && this.#names.has(snapshot.id)) yield snapshot;
    }
  }

  /** The highest there is, or 0. */
  lastSequence(): number {
    if (this.#isWriteOnly) return this.#lastSealedSequence();
    if (this.#heads !== undefined || this.#synchronize().size > 0) return this.heads().at(-1)?.sequence ?? 0;
    return this.#rows.lastSequence();
  }

  /** As the files themselves say. */
  #lastSealedSequence(): number {
    this.#listNames();
    return lastSealedSequence(this.#layout.snapshots, this.#names.values());
  }

  /** Replaced by another that is there: what an interrupted replacement leaves. */
  get superseded(): readonly SnapshotHead[] {
    this.list();
    return this.#superseded;
  }

  /** Snapshots whose files went without having been forgotten here. */
  get vanished(): readonly SnapshotHead[] {
    this.heads();
    return this.#vanished;
  }

  /** Looks at the folder again. */
  reload(): void {
    this.#heads = undefined;
    this.#snapshots = undefined;
    this.#added.clear();
    this.#unindexed = undefined;
    this.#damaged = [];
    this.#unreadable.clear();
    this.#names.clear();
  }

  /** Files that are named like snapshots and cannot be read as such. Each file is read, whatever the index knows. */
  findDamaged(): DamagedSnapshot[] {
    const known = this.#rows.all();
    for (const snapshot of this.list()) known.set(snapshot.id, snapshot);
    return [...this.#names].flatMap(([id, name]) => {
      const found = this.#tryRead(name, id);
      if (found instanceof DamageError && isRefusal(found.cause))
        throw new FileSystemError('read', join(this.#layout.snapshots, name), found.cause);
      return found instanceof DamageError ? [{ id, name, error: found, known: known.get(id) }] : [];
    });
  }

  /** Writes the file of a snapshot again from what the index knows of it. False when that gives other bytes than it had. */
  rewriteFile(damaged: DamagedSnapshot, temporary: string): boolean {
    return rewriteSnapshotFile(this.#layout, damaged, temporary);
  }

  nameOf(id: SnapshotId): string | undefined {
    return this.#names.get(id);
  }

  /** Publishes the record: this is the commit of a backup. The index is to learn of it next. */
  publish(record: SnapshotRecord, temporary: string): { snapshot: Snapshot; bytes: number } {
    const { id, bytes } = encodeSnapshot(record, this.#keys);
    const name = snapshotFileName(record.time, id);
    const snapshot = this.#isWriteOnly
      ? { ...record, id }
      : decodeSnapshot(bytes, `snapshot ${id.slice(0, 12)}`, this.#keys);
    publishFile(join(this.#layout.snapshots, name), bytes, temporary);
    this.#names.set(id, name);
    this.#heads?.push(snapshot);
    const replaced = this.#heads?.find(({ id: other }) => other === record.replaces);
    if (replaced !== undefined) this.#superseded.push(replaced);
    this.#heads = this.#heads?.filter((other) => other !== replaced).sort(bySequence);
    this.#snapshots = undefined;
    this.#added.set(id, snapshot);
    return { snapshot, bytes: bytes.length };
  }

  /**
   * Writes snapshots that were published here to the index, and in the same transaction whatever `andAlso` does. False, and nothing is written,
   * when that cannot be: who comes next reads them from their files.
   */
  remember(published: readonly Snapshot[], andAlso: () => void): boolean {
    const fresh = this.#isWriteOnly ? [] : published;
    const isKept = this.#tryTransaction(() => {
      andAlso();
      this.#put(fresh);
    });
    if (isKept) for (const { id } of fresh) this.#added.delete(id);
    else this.#unindexed = undefined; // they are looked for again
    return isKept;
  }

  /** Groups of which each must be gone for good before the next one goes. */
  removalOrder(ids: Iterable<SnapshotId>): SnapshotId[][] {
    return removalOrder(ids, [...this.list(), ...this.#superseded]);
  }

  /** Removes the files of snapshots whose rows `dropRows` has removed. Unknown ids are left alone. */
  removeFiles(ids: ReadonlySet<SnapshotId>): number {
    const here = [...ids].filter((id) => this.#names.has(id));
    if (here.length === 0) return 0;
    for (const id of here) {
      const path = join(this.#layout.snapshots, this.#names.get(id) ?? '');
      withPath('remove', path, () => removeFile(path));
      this.#names.delete(id);
    }
    syncFolder(this.#layout.snapshots);
    this.#heads = this.heads().filter((head) => !ids.has(head.id));
    this.#snapshots = undefined;
    this.#superseded = this.#superseded.filter((snapshot) => !ids.has(snapshot.id));
    return here.length;
  }

  /**
   * Before the files: a crash in between leaves snapshots that are listed again, and the command was not done. The other way
   * round they would count as lost. Once more with `andThen`, which removes the files: another process that still saw them
   * may have listed them anew, and cannot do so as long as the transaction lasts, nor afterwards.
   */
  dropRows<T>(ids: Iterable<SnapshotId>, andThen: () => T): T;
  dropRows(ids: Iterable<SnapshotId>): void;
  dropRows<T>(ids: Iterable<SnapshotId>, andThen?: () => T): T | undefined {
    const gone = new Set(ids);
    const result = inTransaction(this.#database, () => {
      this.#rows.drop(gone);
      return andThen?.();
    });
    this.#vanished = this.#vanished.filter((snapshot) => !gone.has(snapshot.id));
    return result;
  }

  #load(): SnapshotHead[] {
    this.#synchronize();
    const indexed = this.#rows.heads();
    const names = this.#names;
    const heads: SnapshotHead[] = [];
    for (const id of [...names.keys()]) {
      const head = indexed.get(id) ?? this.#getUnindexed(id);
      if (head !== undefined) heads.push(head);
    }
    this.#keepRead();
    this.#vanished = this.#findVanished([...indexed.values()].filter(({ id }) => !names.has(id)));
    return this.#settle(heads);
  }

  /** Of all that are there, those that count. */
  #settle(heads: readonly SnapshotHead[]): SnapshotHead[] {
    const there = heads.filter(({ id }) => this.#names.has(id) && !this.#unreadable.has(id));
    const replaced = new Set(there.map(({ replaces }) => replaces));
    this.#superseded = there.filter(({ id }) => replaced.has(id));
    this.#heads = there.filter(({ id }) => !replaced.has(id)).sort(bySequence);
    return this.#heads;
  }

  /** What the index does not tell at once. */
  #getUnindexed(id: SnapshotId): Snapshot | undefined {
    const known = this.#added.get(id) ?? this.#unindexed?.get(id);
    const name = this.#names.get(id);
    if (known !== undefined || name === undefined || this.#unreadable.has(id)) return known;
    const found = this.#rows.get(id) ?? this.#read(name, id);
    if (found !== undefined) this.#fresh.push(found);
    return found;
  }

  /** What rotted in the index is written to it anew. */
  #keepRead(): void {
    this.#keepInIndex(this.#fresh.splice(0));
  }

  /**
   * Those of which there is a row and no file. Others may have come and gone since the folder was listed; while nobody else
   * writes to the index, a row without a file is of a snapshot that nobody forgot.
   */
  #findVanished(candidates: readonly SnapshotHead[]): SnapshotHead[] {
    if (candidates.length === 0) return [];
    const look = (): SnapshotHead[] =>
      candidates.filter((snapshot) => !this.#isThere(snapshot) && this.#rows.has(snapshot.id));
    try {
      return inTransaction(this.#database, look);
    } catch (error) {
      if (!isLocalTrouble(error)) throw error;
      return look();
    }
  }

  /** Brings the index up to date with the files that are there. Returns what it could not take in. */
  #synchronize(): ReadonlyMap<SnapshotId, Snapshot> {
    if (this.#unindexed !== undefined) return this.#unindexed;
    const known = this.#listNames() ? this.#names : this.#rows.ids();
    const fresh = [...this.#names].flatMap(([id, name]) =>
      known.has(id) ? [] : (this.#read(name, id) ?? []),
    );
    if (fresh.length > 0) this.#onUnknown();
    const left = this.#keepInIndex(fresh) ? [] : fresh;
    this.#unindexed = new Map(left.map((snapshot) => [snapshot.id, snapshot]));
    return this.#unindexed;
  }

  /** True where the index has just these, which ten thousand names tell sooner in one piece than one by one. */
  #listNames(): boolean {
    const names = withPath('read folder', this.#layout.snapshots, () =>
      readdirSync(this.#layout.snapshots).sort(),
    );
    const isAsKnown = names.join('/') === this.#rows.names();
    for (const name of names) {
      const id = isAsKnown ? idInFileName(name) : snapshotIdOfFileName(name);
      if (id !== undefined) this.#names.set(id, name);
    }
    return isAsKnown;
  }

  #read(name: string, id: SnapshotId): Snapshot | undefined {
    const found = this.#tryRead(name, id);
    if (found === undefined) this.#names.delete(id);
    if (!(found instanceof DamageError)) return found;
    this.#unreadable.add(id);
    this.#damaged.push(found); // One unreadable snapshot must not hide the others: it is listed as damaged.
    return undefined;
  }

  #tryRead(name: string, id: SnapshotId): Snapshot | DamageError | undefined {
    return readSnapshotFile(join(this.#layout.snapshots, name), name, id, this.#keys);
  }

  #keepInIndex(fresh: readonly Snapshot[]): boolean {
    return fresh.length === 0 || this.#tryTransaction(() => this.#put(fresh));
  }

  /** To be called inside a transaction. */
  #put(fresh: readonly Snapshot[]): void {
    for (const snapshot of fresh)
      if (this.#isThere(snapshot)) this.#rows.put(snapshot, snapshotFileName(snapshot.time, snapshot.id));
  }

  /** False where the index cannot be written: the disk is full, others write to it all the time, or it is damaged, which the next open ends. */
  #tryTransaction(work: () => void): boolean {
    try {
      inTransaction(this.#database, work);
      return true;
    } catch (error) {
      if (!(error instanceof ExuviaError)) throw error;
      return false; // what was to be written is read from files next time too
    }
  }

  #isThere({ id, time }: SnapshotHead): boolean {
    return existsSync(join(this.#layout.snapshots, snapshotFileName(time, id)));
  }
}

function sourcePaths({ sources }: SnapshotRecord): string[] {
  return sources.map(({ path }) => path);
}

/** By sequence; snapshots made at once by two processes may share one, then time and id decide. */
function bySequence(a: SnapshotHead, b: SnapshotHead): number {
  return a.sequence - b.sequence || (a.time < b.time ? -1 : a.time > b.time ? 1 : a.id < b.id ? -1 : 1);
}
