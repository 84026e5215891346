/** The part of the index that says where blobs are. */
import type { PackDirectory } from '../codec/pack.ts';
import { invariant } from '../model/errors.ts';
import { type BlobId, idToBytes, type PackId, packIdFromBytes } from '../model/ids.ts';
import type { BlobKind } from '../model/store.ts';
import { BlobFilter } from './blob-filter.ts';
import { BlobTrail } from './blob-trail.ts';
import type { Database, Statement } from './database.ts';
import type { FramePlace } from './frame-reader.ts';
import { prepareGeneration } from './index-schema.ts';
import { packSuffix } from './layout.ts';

/** Where a blob is: the frame's place in its pack, and the blob's number in the frame. */
export interface BlobPlace {
  readonly frame: FramePlace;
  readonly position: number;
  readonly bytes: number;
}

export interface PackTotals {
  readonly packs: number;
  readonly packBytes: number;
  readonly frames: number;
  readonly blobs: number;
  readonly blobBytes: number;
}

interface BlobRow {
  readonly id: BlobId;
  readonly frame: number | bigint;
  readonly position: number;
  readonly bytes: number;
}

const missesBeforeFilter = 2000;
/** From so many on it pays to ask with one statement. */
const manyIds = 100;

export type ReadDirectory = (pack: PackId) => PackDirectory | undefined;

const kindNumbers: Readonly<Record<BlobKind, number>> = { data: 0, tree: 1 };

export class PackIndex {
  readonly #database: Database;
  readonly #has: Statement;
  #findPresent: Statement | undefined;
  readonly #find: Statement;
  readonly #findInFrame: Statement;
  readonly #findFrame: Statement;
  readonly #generation: Statement;
  readonly #frames = new Map<number, FramePlace>();
  readonly #trail = new BlobTrail();
  /** The generation that `#frames` is of. */
  #framesOf = '';
  readonly #addPack: Statement;
  readonly #addFrame: Statement;
  readonly #addBlob: Statement;
  #addManyBlobs: Statement | undefined;
  #filter: BlobFilter | undefined;
  #misses = 0;

  constructor(database: Database) {
    this.#database = database;
    this.#has = database.prepare('SELECT 1 FROM blob WHERE id = ? LIMIT 1').pluck();
    this.#find = database
      .prepare(
        `SELECT pack.id, frame.offset, frame.bytes, blob.position, blob.bytes
         FROM blob JOIN frame ON frame.no = blob.frame JOIN pack ON pack.no = frame.pack
         WHERE blob.id = ? ORDER BY blob.frame DESC LIMIT 1`,
      )
      .raw();
    this.#findInFrame = database
      .prepare('SELECT frame, position, bytes FROM blob WHERE id = ? ORDER BY frame DESC LIMIT 1')
      .raw();
    this.#findFrame = database
      .prepare(
        'SELECT pack.id, offset, frame.bytes FROM frame JOIN pack ON pack.no = pack WHERE frame.no = ?',
      )
      .raw();
    this.#generation = prepareGeneration(database);
    this.#addPack = database.prepare('INSERT INTO pack (id, bytes) VALUES (?, ?)');
    this.#addFrame = database.prepare('INSERT INTO frame (pack, kind, offset, bytes) VALUES (?, ?, ?, ?)');
    this.#addBlob = database.prepare(insertBlobs(1));
  }

  has(id: BlobId): boolean {
    if (this.#filter?.mayHold(id) === false) return false;
    const isThere = this.#has.get(idToBytes(id)) !== undefined;
    if (!isThere) this.#noteMisses(1);
    return isThere;
  }

  /** Those of the ids that `has` says yes to: the file is locked once. */
  present(ids: readonly BlobId[]): Set<BlobId> {
    const filter = this.#filter;
    const asked = filter === undefined ? ids : ids.filter((id) => filter.mayHold(id));
    if (asked.length === 0) return new Set();
    const find = (): BlobId[] => asked.filter((id) => this.#has.get(idToBytes(id)) !== undefined);
    const found = asked.length < manyIds ? this.#database.transaction(find)() : this.#presentOf(asked);
    this.#noteMisses(asked.length - found.length);
    return new Set(found);
  }

  /** All at once: half the time of one after the other. */
  #presentOf(ids: readonly BlobId[]): BlobId[] {
    this.#findPresent ??= this.#database
      .prepare(
        'SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM blob WHERE blob.id = unhex(json_each.value))',
      )
      .pluck();
    return this.#findPresent.all(JSON.stringify(ids)) as BlobId[];
  }

  /** A run that asks for so much that is not there gains from a filter, which takes a look at every row to fill. */
  #noteMisses(count: number): void {
    this.#misses += count;
    if (this.#filter?.isCrowded === false || count === 0 || this.#misses < missesBeforeFilter) return;
    const frames = this.#database.prepare('SELECT max(no) FROM frame').pluck().get() as number | null;
    if (this.#misses < missesBeforeFilter + 8 * (frames ?? 0)) return;
    const blobs = this.#database.prepare('SELECT count(*) FROM blob').pluck().get() as number;
    const filter = new BlobFilter(blobs);
    const ids = this.#database.prepare('SELECT id FROM blob').pluck().iterate();
    for (const id of ids as Iterable<Buffer>) filter.addBytes(id);
    this.#filter = filter;
  }

  find(id: BlobId): BlobPlace | undefined {
    const row = this.#find.get(idToBytes(id)) as [Buffer, number, number, number, number] | undefined;
    if (row === undefined) return undefined;
    const [pack, offset, frameBytes, position, bytes] = row;
    return { frame: { pack: packIdFromBytes(pack), offset, bytes: frameBytes }, position, bytes };
  }

  /**
   * Ten times as quick for each: the file is locked once, and frames are kept. What is read together was mostly stored together: in a pack
   * that is met again and again the next one is looked for behind the last, at a fraction of what SQLite takes. `readDirectory` gives
   * undefined where it cannot be read.
   */
  findAll(ids: readonly BlobId[], readDirectory: ReadDirectory): Map<BlobId, BlobPlace> {
    const places = new Map<BlobId, BlobPlace>();
    this.#database.transaction(() => {
      const { generation } = this;
      if (generation !== this.#framesOf) this.#forgetPlaces(); // numbers may be used again
      this.#framesOf = generation;
      for (const id of ids) {
        const place = this.#trail.next(id) ?? this.#findKnowing(id, readDirectory);
        if (place !== undefined) places.set(id, place);
      }
    })();
    return places;
  }

  #findKnowing(id: BlobId, readDirectory: ReadDirectory): BlobPlace | undefined {
    const row = this.#findInFrame.get(idToBytes(id)) as [number, number, number] | undefined;
    if (row === undefined) return undefined;
    const [no, position, bytes] = row;
    const frame = this.#frame(no);
    if (frame === undefined) return undefined;
    const place = { frame, position, bytes };
    this.#follow(place, readDirectory);
    return place;
  }

  #follow(place: BlobPlace, readDirectory: ReadDirectory): void {
    this.#trail.follow(place, (pack) => {
      const bad = this.badFrames().get(pack);
      return readDirectory(pack)?.frames.filter(({ offset }) => bad?.has(offset) !== true);
    });
  }

  /** One of many that are asked for one after another. */
  findNext(id: BlobId, readDirectory: ReadDirectory): BlobPlace | undefined {
    const next = this.#trail.next(id);
    if (next !== undefined) return next;
    const place = this.find(id);
    if (place !== undefined) this.#follow(place, readDirectory);
    return place;
  }

  #forgetPlaces(): void {
    this.#frames.clear();
    this.#trail.clear();
  }

  /** Undefined where a bit of a row has changed, which SQLite does not see: such a blob is not there, and the index is made anew. */
  #frame(no: number): FramePlace | undefined {
    const known = this.#frames.get(no);
    if (known !== undefined) return known;
    const row = this.#findFrame.get(no) as [Buffer, number, number] | undefined;
    if (row === undefined) return undefined;
    const [pack, offset, bytes] = row;
    const frame = { pack: packIdFromBytes(pack), offset, bytes };
    this.#frames.set(no, frame);
    return frame;
  }

  /** Packs that hold any of the blobs, in whatever copy. */
  packsHolding(ids: Iterable<BlobId>): Set<PackId> {
    const holding = this.#database
      .prepare(
        `SELECT DISTINCT pack.id FROM blob JOIN frame ON frame.no = blob.frame JOIN pack ON pack.no = frame.pack
         WHERE blob.id = ?`,
      )
      .pluck();
    const packs = new Set<PackId>();
    for (const id of ids)
      for (const pack of holding.all(idToBytes(id)) as Buffer[]) packs.add(packIdFromBytes(pack));
    return packs;
  }

  /** Packs that are known, and their lengths in bytes. */
  listPacks(): Map<PackId, number> {
    // As text from SQLite: ten thousand small buffers take 15 ms longer.
    const rows = this.#database.prepare('SELECT lower(hex(id)), bytes FROM pack ORDER BY no').raw().all();
    return new Map(rows as [PackId, number][]);
  }

  /** The last that were added, and their lengths in bytes. */
  newestPacks(count: number): [PackId, number][] {
    const rows = this.#database
      .prepare('SELECT lower(hex(id)), bytes FROM pack ORDER BY no DESC LIMIT ?')
      .raw()
      .all(count);
    return rows as [PackId, number][];
  }

  /** Of the files of all packs, in order, a slash between them. */
  packNames(): string {
    const names = this.#database
      .prepare(
        `SELECT group_concat(lower(hex(id)) || '${packSuffix}', '/') FROM (SELECT id FROM pack ORDER BY id)`,
      )
      .pluck()
      .get();
    return (names ?? '') as string;
  }

  /** To be called inside a transaction. A pack that is listed already is left alone. */
  addPacks(packs: Iterable<{ readonly directory: PackDirectory; readonly packBytes: number }>): void {
    const rows: BlobRow[] = [];
    for (const { directory, packBytes } of packs) {
      const known = this.#database.prepare('SELECT 1 FROM pack WHERE id = ?').get(idToBytes(directory.id));
      if (known !== undefined) continue;
      const pack = this.#addPack.run(idToBytes(directory.id), packBytes).lastInsertRowid;
      for (const { kind, offset, bytes, blobs } of directory.frames) {
        const frame = this.#addFrame.run(pack, kindNumbers[kind], offset, bytes).lastInsertRowid;
        for (const [position, { id, bytes }] of blobs.entries()) rows.push({ id, frame, position, bytes });
      }
    }
    this.#addBlobs(rows);
  }

  /** In the order of the index, in which they are added in a third of the time, and many with one call, in half of that. */
  #addBlobs(rows: readonly BlobRow[]): void {
    let values: (string | number | bigint)[] = [];
    for (const at of orderOfIds(rows)) {
      const { id, frame, position, bytes } = rows[at] as BlobRow;
      values.push(id, frame, position, bytes);
      this.#filter?.add(id);
      if (values.length < rowsPerInsert * valuesPerRow) continue;
      this.#addManyBlobs ??= this.#database.prepare(insertBlobs(rowsPerInsert));
      this.#addManyBlobs.run(values);
      values = [];
    }
    for (let at = 0; at < values.length; at += valuesPerRow)
      this.#addBlob.run(values.slice(at, at + valuesPerRow));
  }

  /** To be called inside a transaction. Blobs that no other pack holds are not found any more. */
  removePacks(ids: ReadonlySet<PackId>): void {
    this.#forgetPlaces(); // numbers may be used again
    const numberOf = this.#database.prepare('SELECT no FROM pack WHERE id = ?').pluck();
    const numbers = [...ids].map((id) => numberOf.get(idToBytes(id))).filter((no) => no !== undefined);
    // All at once: the blobs of a pack are found by looking at every row.
    const packs = JSON.stringify(numbers);
    const forget = this.#database.prepare('DELETE FROM bad_frame WHERE pack = ?');
    for (const id of ids) forget.run(idToBytes(id));
    for (const sql of [
      `DELETE FROM blob WHERE frame IN
         (SELECT no FROM frame WHERE pack IN (SELECT value FROM json_each(?)))`,
      'DELETE FROM frame WHERE pack IN (SELECT value FROM json_each(?))',
      'DELETE FROM pack WHERE no IN (SELECT value FROM json_each(?))',
    ]) {
      this.#database.prepare(sql).run(packs);
    }
  }

  /** Frames whose bytes are known to be wrong: pack, offset in it, and what is wrong. */
  badFrames(): Map<PackId, Map<number, string>> {
    const rows = this.#database.prepare('SELECT pack, offset, message FROM bad_frame').raw().all();
    const bad = new Map<PackId, Map<number, string>>();
    for (const [bytes, offset, message] of rows as [Buffer, number, string][]) {
      const pack = packIdFromBytes(bytes);
      bad.set(pack, (bad.get(pack) ?? new Map<number, string>()).set(offset, message));
    }
    return bad;
  }

  /** To be called inside a transaction. What was known of `packs` is replaced. */
  setBadFrames(
    packs: Iterable<PackId>,
    bad: Iterable<{ readonly pack: PackId; readonly offset: number; readonly message: string }>,
  ): void {
    this.#forgetPlaces();
    const remove = this.#database.prepare('DELETE FROM bad_frame WHERE pack = ?');
    for (const pack of packs) remove.run(idToBytes(pack));
    const add = this.#database.prepare('INSERT INTO bad_frame (pack, offset, message) VALUES (?, ?, ?)');
    for (const { pack, offset, message } of bad) add.run(idToBytes(pack), offset, message);
  }

  /** To be called inside a transaction. Known files may refer to what is gone, so they are forgotten. */
  clear(): void {
    this.#database.exec(
      `DELETE FROM blob; DELETE FROM frame; DELETE FROM pack; DELETE FROM known_block; DELETE FROM known_leaves;
       DELETE FROM known_digests;
       INSERT OR REPLACE INTO meta (name, value) VALUES ('generation', hex(randomblob(8)));`,
    );
    this.#forgetPlaces();
  }

  /** Another one each time that it is emptied. */
  get generation(): string {
    return String(this.#generation.get() ?? '');
  }

  packBytes(): number {
    return this.#row('SELECT coalesce(sum(bytes), 0) FROM pack')[0] ?? 0;
  }

  totals(): PackTotals {
    const [packs, packBytes] = this.#row('SELECT count(*), coalesce(sum(bytes), 0) FROM pack');
    const [frames] = this.#row('SELECT count(*) FROM frame');
    const [blobs, blobBytes] = this.#row(
      'SELECT count(*), coalesce(sum(bytes), 0) FROM (SELECT bytes FROM blob GROUP BY id)',
    );
    return {
      packs: packs ?? 0,
      packBytes: packBytes ?? 0,
      frames: frames ?? 0,
      blobs: blobs ?? 0,
      blobBytes: blobBytes ?? 0,
    };
  }

  #row(sql: string): number[] {
    return this.#database.prepare(sql).raw().get() as number[];
  }
}

const rowsPerInsert = 16;
const valuesPerRow = 4;

/**
 * A frame that holds a blob twice is none of ours, and does no harm. Ids are given as text, since to make a buffer of each takes longer; one that
 * is no hex would be left out without a word, and there is none among what `BlobId` names.
 */
function insertBlobs(rows: number): string {
  const values = Array(rows).fill('(unhex(?), ?, ?, ?)').join(', ');
  return `INSERT OR IGNORE INTO blob (id, frame, position, bytes) VALUES ${values}`;
}

/** Where the ids are in order, by what fits into a number beside the place: numbers are sorted in a tenth of the time. */
function orderOfIds(rows: readonly { readonly id: BlobId }[]): Float64Array {
  invariant(rows.length < rowsMax, 'rows are added pack by pack');
  const order = new Float64Array(rows.length);
  let at = 0;
  for (const { id } of rows) {
    order[at] = Number.parseInt(id.slice(0, 8), 16) * rowsMax + at;
    at++;
  }
  order.sort();
  for (at = 0; at < order.length; at++) order[at] = (order[at] ?? 0) % rowsMax;
  return order;
}

/** With the 32 bits of an id that are compared it stays below 2^53. */
const rowsMax = 2 ** 21;
