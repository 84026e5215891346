/**
 * Marks on every blob of the index, held compactly: 42 bytes a blob, so that a million of them take 42 MB. Blobs that
 * other processes add meanwhile are looked up in the index when they are asked for.
 */
import type { ListedDirectory } from '../codec/pack.ts';
import { type BlobId, blobIdFromBytes, idBytes, type PackId, packIdFromBytes } from '../model/ids.ts';
import type { BlobMarks, BlobRole, MarkState } from '../model/marks.ts';
import type { PackUsage } from '../model/pack-usage.ts';
import type { Database } from './database.ts';
import type { PackIndex } from './pack-index.ts';

const roleBits: Readonly<Record<BlobRole, number>> = {
  data: 1,
  map: 2,
  list: 4,
  base: 8,
  segment: 16,
  layer: 32,
};
const usedMask = 0x3f;
const brokenShift = 8;

export class IndexedMarks implements BlobMarks {
  readonly #index: PackIndex;
  readonly #packs: { readonly id: PackId; readonly bytes: number }[];
  readonly #frames: { readonly pack: number; readonly offset: number; readonly bytes: number }[];
  /** Sorted; `#starts[n]` is the number of the first id whose leading 16 bits are n or more. */
  readonly #ids: Buffer;
  readonly #starts: Uint32Array;
  readonly #frameOf: Uint32Array;
  readonly #bytesOf: Uint32Array;
  readonly #marks: Uint16Array;
  /** Blobs that came after this was made, and ids that no pack holds. */
  readonly #others = new Map<BlobId, { readonly bytes: number | undefined; marks: number }>();

  constructor(database: Database, index: PackIndex) {
    this.#index = index;
    // One view of all three tables: another process may be adding to them.
    const loaded = database.transaction(() => loadTables(database))();
    this.#packs = loaded.packs;
    this.#frames = loaded.frames;
    this.#ids = loaded.ids;
    this.#frameOf = loaded.frameOf;
    this.#bytesOf = loaded.bytesOf;
    this.#marks = new Uint16Array(loaded.frameOf.length);
    this.#starts = startsOf(loaded.ids);
  }

  bytesOf(id: BlobId): number | undefined {
    const at = this.#find(id);
    if (at < 0) return this.#other(id).bytes;
    return this.#bytesOf[at];
  }

  getMark(id: BlobId, role: BlobRole): MarkState {
    const at = this.#find(id);
    const marks = at < 0 ? this.#other(id).marks : (this.#marks[at] ?? 0);
    if ((marks & roleBits[role]) === 0) return 'unseen';
    return (marks & (roleBits[role] << brokenShift)) === 0 ? 'whole' : 'broken';
  }

  setMark(id: BlobId, role: BlobRole, state: 'whole' | 'broken'): void {
    const bits = state === 'whole' ? roleBits[role] : roleBits[role] | (roleBits[role] << brokenShift);
    const at = this.#find(id);
    if (at < 0) this.#other(id).marks |= bits;
    else this.#marks[at] = (this.#marks[at] ?? 0) | bits;
  }

  /** Whether it is marked in any role. */
  isUsed(id: BlobId): boolean {
    const at = this.#find(id);
    return ((at < 0 ? this.#other(id).marks : (this.#marks[at] ?? 0)) & usedMask) !== 0;
  }

  /** Whether every blob of the directory is known, and how many of them are found in this very pack. */
  compareDirectory(directory: ListedDirectory): { readonly isKnown: boolean; readonly foundHere: number } {
    const pack = this.#packs.findIndex(({ id }) => id === directory.id);
    let foundHere = 0;
    for (const frame of directory.frames) {
      for (const [number, bytes] of frame.lengths.entries()) {
        const at = this.#search(frame.ids, idBytes * number);
        if (at < 0 || this.#bytesOf[at] !== bytes) return { isKnown: false, foundHere };
        const place = this.#frames[this.#frameOf[at] ?? 0];
        if (place?.pack === pack && place.offset === frame.offset && place.bytes === frame.bytes) foundHere++;
      }
    }
    return { isKnown: pack >= 0, foundHere };
  }

  /** Marked blobs that are wanted. */
  *usedIds(isWanted: (id: BlobId) => boolean): Generator<BlobId> {
    for (let at = 0; at < this.#frameOf.length; at++) {
      if (((this.#marks[at] ?? 0) & usedMask) === 0) continue;
      const id = blobIdFromBytes(this.#ids, at * idBytes);
      if (isWanted(id)) yield id;
    }
  }

  /** The pack in which a blob was found when this was made. */
  packOf(id: BlobId): PackId | undefined {
    const at = this.#find(id);
    return at < 0 ? undefined : this.#packs[this.#frames[this.#frameOf[at] ?? 0]?.pack ?? 0]?.id;
  }

  get packs(): PackId[] {
    return this.#packs.map(({ id }) => id);
  }

  get blobs(): number {
    return this.#frameOf.length;
  }

  get usedBlobs(): number {
    return this.#marks.reduce((sum, marks) => sum + ((marks & usedMask) === 0 ? 0 : 1), 0);
  }

  /** How much of each pack is marked, as far as blobs are found in it: a second copy in another pack counts as unused. */
  packUsage(): PackUsage[] {
    const total = new Float64Array(this.#frames.length);
    const used = new Float64Array(this.#frames.length);
    const blobs = new Uint32Array(this.#packs.length);
    for (let at = 0; at < this.#frameOf.length; at++) {
      const frame = this.#frameOf[at] ?? 0;
      const bytes = this.#bytesOf[at] ?? 0;
      total[frame] = (total[frame] ?? 0) + bytes;
      if (((this.#marks[at] ?? 0) & usedMask) === 0) continue;
      used[frame] = (used[frame] ?? 0) + bytes;
      const pack = this.#frames[frame]?.pack ?? 0;
      blobs[pack] = (blobs[pack] ?? 0) + 1;
    }
    const unused = new Float64Array(this.#packs.length);
    for (const [no, frame] of this.#frames.entries()) {
      const share = (total[no] ?? 0) === 0 ? 0 : (used[no] ?? 0) / (total[no] ?? 1);
      unused[frame.pack] = (unused[frame.pack] ?? 0) + frame.bytes * (1 - share);
    }
    return this.#packs.map(({ id, bytes }, no) => ({
      id,
      bytes,
      usedBlobs: blobs[no] ?? 0,
      unusedBytes: blobs[no] === 0 ? bytes : Math.round(unused[no] ?? 0),
    }));
  }

  #other(id: BlobId): { readonly bytes: number | undefined; marks: number } {
    const known = this.#others.get(id);
    if (known !== undefined) return known;
    const other = { bytes: this.#index.find(id)?.bytes, marks: 0 };
    this.#others.set(id, other);
    return other;
  }

  /** Whoever follows a tree asks three things of each blob. */
  #lastId: BlobId | undefined;
  #lastAt = -1;

  /** Number of an id, or -1. */
  #find(id: BlobId): number {
    if (id !== this.#lastId) {
      wanted.write(id, 'hex');
      this.#lastAt = this.#search(wanted, 0);
      this.#lastId = id;
    }
    return this.#lastAt;
  }

  /** Ids are hashes, so the first 16 bits leave few candidates, and the next 32 mostly one: comparing all of each took five times as long. */
  #search(id: Buffer, place: number): number {
    const bucket = id.readUInt16BE(place);
    const next = id.readUInt32BE(place + 2);
    let low = this.#starts[bucket] ?? 0;
    let high = (this.#starts[bucket + 1] ?? 0) - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order =
        this.#ids.readUInt32BE(middle * idBytes + 2) - next || this.#compareRest(middle, id, place);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #compareRest(number: number, id: Buffer, place: number): number {
    const at = number * idBytes;
    for (let byte = 6; byte < idBytes; byte++) {
      const order = (this.#ids[at + byte] ?? 0) - (id[place + byte] ?? 0);
      if (order !== 0) return order;
    }
    return 0;
  }
}

/** The id that is looked for, as bytes: memory for each would take as long as the search. */
const wanted = Buffer.alloc(idBytes);

interface Tables {
  readonly packs: { id: PackId; bytes: number }[];
  readonly frames: { pack: number; offset: number; bytes: number }[];
  readonly ids: Buffer;
  readonly frameOf: Uint32Array;
  readonly bytesOf: Uint32Array;
}

function loadTables(database: Database): Tables {
  const packs: Tables['packs'] = [];
  const packNumbers = new Map<number, number>();
  for (const row of database.prepare('SELECT no, id, bytes FROM pack ORDER BY no').raw().iterate()) {
    const [no, id, bytes] = row as [number, Buffer, number];
    packNumbers.set(no, packs.push({ id: packIdFromBytes(id), bytes }) - 1);
  }
  const frames: Tables['frames'] = [];
  const frameNumbers = new Map<number, number>();
  for (const row of database
    .prepare('SELECT no, pack, offset, bytes FROM frame ORDER BY no')
    .raw()
    .iterate()) {
    const [no, pack, offset, bytes] = row as [number, number, number, number];
    frameNumbers.set(no, frames.push({ pack: packNumbers.get(pack) ?? 0, offset, bytes }) - 1);
  }
  return { packs, frames, ...loadBlobs(database, frameNumbers) };
}

/** Of each blob, as SQL gives them: its id, its frame (u32), its bytes (u32). */
const recordBytes = idBytes + 4 + 4;
/** A part of the ids is one row, so that it makes no difference how many there are: a row for each takes four times as long. */
const partRecords = 4096;
const partsMax = 256;

/** Of several copies the newest is taken, as everywhere. A part of the ids at a time, in order. */
const recordsSql = `
  SELECT group_concat(hex(id) || printf('%08x%08x', frame & 0xffffffff, bytes & 0xffffffff), '') FROM (
    SELECT id, frame, bytes FROM blob WHERE id >= ? AND id < ? AND length(id) = ${idBytes} ORDER BY id, frame
  )`;

function loadBlobs(
  database: Database,
  frameNumbers: ReadonlyMap<number, number>,
): Pick<Tables, 'ids' | 'frameOf' | 'bytesOf'> {
  const count = database.prepare('SELECT count(*) FROM blob').pluck().get() as number;
  const ids = Buffer.from(new ArrayBuffer(count * idBytes));
  const frameOf = new Uint32Array(count);
  const bytesOf = new Uint32Array(count);
  let at = 0;
  for (const records of recordsInParts(database, count)) {
    for (let place = 0; place < records.length; place += recordBytes) {
      if (at > 0 && isIdAgain(ids, at - 1, records, place)) at--;
      records.copy(ids, at * idBytes, place, place + idBytes);
      frameOf[at] = frameNumbers.get(records.readUInt32BE(place + idBytes)) ?? 0;
      bytesOf[at++] = records.readUInt32BE(place + idBytes + 4);
    }
  }
  return {
    ids: ids.subarray(0, at * idBytes),
    frameOf: frameOf.subarray(0, at),
    bytesOf: bytesOf.subarray(0, at),
  };
}

function* recordsInParts(database: Database, count: number): Generator<Buffer> {
  const statement = database.prepare(recordsSql).pluck();
  let parts = 1;
  while (parts < partsMax && parts * partRecords < count) parts *= 2;
  for (let part = 0; part < parts; part++) {
    const text = statement.get(boundOf(part, parts), boundOf(part + 1, parts)) as string | null;
    if (text !== null) yield Buffer.from(text, 'hex');
  }
}

/** What no id of the part, and of any before it, comes after. */
function boundOf(part: number, parts: number): Buffer {
  return part < parts ? Buffer.from([(256 * part) / parts]) : Buffer.alloc(idBytes + 1, 0xff);
}

function isIdAgain(ids: Buffer, number: number, records: Buffer, place: number): boolean {
  const at = number * idBytes;
  if (ids.readUInt32BE(at) !== records.readUInt32BE(place)) return false;
  return ids.compare(records, place, place + idBytes, at, at + idBytes) === 0;
}

function startsOf(ids: Buffer): Uint32Array {
  const starts = new Uint32Array(0x10001);
  for (let at = 0; at < ids.length; at += idBytes) {
    const next = ids.readUInt16BE(at) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let bucket = 1; bucket < starts.length; bucket++) {
    starts[bucket] = (starts[bucket] ?? 0) + (starts[bucket - 1] ?? 0);
  }
  return starts;
}
