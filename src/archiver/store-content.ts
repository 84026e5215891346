/**
 * Bytes to blobs: how a file's content is cut and stored. Input comes in pieces through a reader function, so a live file,
 * a database's copy and an archive's member all take the same way.
 */
import { type Cutter, createCutter } from '../chunker/cutter.ts';
import { chooseProfile, cutProfiles } from '../chunker/parameters.ts';
import { createHasher } from '../codec/hash.ts';
import { invariant } from '../model/errors.ts';
import { type BlobId, blobIdFromBytes, idBytes } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { BlobStore, NamedBlob } from '../model/store.ts';
import type { Chunk, FileContent, FileNode } from '../model/tree.ts';
import { ChunkListBuilder } from '../tree/chunk-list.ts';
import { readUnitIds, unitBytesFor, updatePageMap, writePageMap } from '../tree/page-map.ts';
import { type KnownChunks, knownChunksOf } from './known-chunks.ts';

/** Fills `buffer` from `offset` up to `bytes`; fewer only at the end. */
export type ReadBytes = (buffer: Uint8Array, offset: number, bytes: number) => number;

export interface StoredContent {
  readonly content: FileContent;
  /** Bytes that there really were. */
  readonly size: number;
}

/** How a file was stored before. */
export type PreviousContent = Pick<FileNode, 'content' | 'size'>;

/** Called after each piece, so that long files show progress. */
export type OnBytes = (bytes: number) => void;

const smallBuffer = Buffer.allocUnsafe(limits.singleChunkBytesMax);
const noBytes = new Uint8Array(0);

/** Work in steps of a few milliseconds, so that a run can be interrupted in the middle of a large file. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** All steps one after another. */
export function runSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * Stores up to `size` bytes. `previous` is how the file was stored before, all of which is there: what is the same need not be asked for,
 * and a growing file keeps its profile for a while.
 */
export function* storeContent(
  blobs: BlobStore,
  read: ReadBytes,
  size: number,
  previous: PreviousContent | undefined,
  onBytes: OnBytes,
): Steps<StoredContent> {
  const before = previous?.content;
  if (size <= limits.singleChunkBytesMax) return storeSmall(blobs, read, size, before, onBytes);
  const profile = chooseProfile(size, before?.kind === 'list' ? before.profile : undefined);
  const known = knownChunksOf(blobs, previous, profile);
  return yield* new ChunkedStore(blobs, profile, known, onBytes).run(read, size);
}

function storeSmall(
  blobs: BlobStore,
  read: ReadBytes,
  size: number,
  previous: FileContent | undefined,
  onBytes: OnBytes,
): StoredContent {
  const count = read(smallBuffer, 0, size);
  onBytes(count);
  return { content: storeSmallBytes(blobs, smallBuffer.subarray(0, count), previous), size: count };
}

/** All of a file of at most `limits.singleChunkBytesMax`. */
export function storeSmallBytes(
  blobs: BlobStore,
  bytes: Uint8Array,
  previous: FileContent | undefined,
): FileContent {
  if (bytes.length === 0) return { kind: 'inline', bytes: noBytes };
  if (bytes.length <= limits.inlineBytesMax)
    return { kind: 'inline', bytes: Uint8Array.prototype.slice.call(bytes) };
  const id = blobs.idOf(bytes);
  const isAsBefore = previous?.kind === 'blob' && previous.id === id;
  if (!isAsBefore) blobs.writeBlobs('data', [{ id, bytes }]);
  return { kind: 'blob', id };
}

/** Cuts a stream at content-defined points and at holes. */
class ChunkedStore {
  readonly #blobs: BlobStore;
  readonly #onBytes: OnBytes;
  readonly #profile: number;
  readonly #cutter: Cutter;
  readonly #hasher = createHasher();
  /** Until something differs. */
  #known: KnownChunks | undefined;
  #chunks: Chunk[] = [];
  /** Chunks in the window that are not yet written. */
  #cut: NamedBlob[] = [];
  #list: ChunkListBuilder | undefined;

  constructor(blobs: BlobStore, profile: number, known: KnownChunks | undefined, onBytes: OnBytes) {
    this.#blobs = blobs;
    this.#onBytes = onBytes;
    this.#profile = profile;
    this.#known = known;
    const cut = cutProfiles[profile];
    invariant(cut !== undefined, `cut profile ${profile}`);
    this.#cutter = createCutter(cut);
  }

  *run(read: ReadBytes, size: number): Steps<StoredContent> {
    const { window } = this.#cutter;
    let total = 0;
    let kept = 0; // bytes at the start of the window that are not yet cut
    for (;;) {
      // Whole hole blocks only, so that blocks stay aligned to the file.
      const room = Math.floor((window.length - kept) / limits.holeBytes) * limits.holeBytes;
      const wanted = Math.min(room, size - total);
      const count = wanted > 0 ? read(window, kept, wanted) : 0;
      this.#hasher.update(window.subarray(kept, kept + count));
      total += count;
      this.#onBytes(count);
      const final = count < wanted || total >= size;
      kept = this.#cutWindow(kept, kept + count, final);
      if (final) break;
      yield;
    }
    this.#cutter.release(); // after a failure it is not used again, and goes with this
    const hash = blobIdFromBytes(this.#hasher.digest());
    return { content: this.#finish(hash), size: total };
  }

  /** Cuts what is in the window; `fresh` is where the new bytes begin. Returns how many bytes stay at its start. */
  #cutWindow(fresh: number, end: number, final: boolean): number {
    const { window } = this.#cutter;
    let start = 0;
    for (let block = fresh; block + limits.holeBytes <= end; block += limits.holeBytes) {
      if (!isZero(window, block)) continue;
      this.#cutRange(start, block, true);
      this.#addHole(limits.holeBytes);
      start = block + limits.holeBytes;
    }
    start = this.#cutRange(start, end, final);
    this.#blobs.writeBlobs('data', this.#cut);
    this.#cut = [];
    window.copyWithin(0, start, end);
    return end - start;
  }

  /** Cuts [start, end); the rest is kept for more bytes unless `final`. Returns where the rest begins. */
  #cutRange(start: number, end: number, final: boolean): number {
    let at = start;
    while (at < end) {
      const known = this.#knownIn(at, end, final);
      if (known === 'open') return at;
      if (known !== undefined) {
        this.#add(known);
        at += known.bytes;
        continue;
      }
      const cut = this.#cutter.cut(at, end);
      const isOpen = cut === end && end - at < this.#maxBytes();
      if (isOpen && !final) return at;
      this.#addChunk(at, cut);
      at = cut;
    }
    return at;
  }

  /** The known chunk that begins at `at`; `open` where more bytes are needed to tell. */
  #knownIn(at: number, end: number, final: boolean): Chunk | 'open' | undefined {
    const chunk = this.#known?.next;
    if (chunk !== undefined && chunk.bytes <= this.#maxBytes()) {
      const cut = at + chunk.bytes;
      if (cut > end && !final) return 'open';
      if (cut <= end && this.#blobs.idOf(this.#cutter.window.subarray(at, cut)) === chunk.id) {
        this.#known?.pass();
        return chunk;
      }
    }
    this.#known = undefined;
    return undefined;
  }

  #maxBytes(): number {
    return cutProfiles[this.#profile]?.maxBytes ?? 0;
  }

  #addChunk(start: number, end: number): void {
    const bytes = this.#cutter.window.subarray(start, end);
    const id = this.#blobs.idOf(bytes);
    this.#cut.push({ id, bytes });
    this.#add({ bytes: end - start, id });
  }

  #addHole(bytes: number): void {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.id === undefined) {
      this.#chunks[this.#chunks.length - 1] = { bytes: last.bytes + bytes, id: undefined };
    } else this.#add({ bytes, id: undefined });
  }

  /** Keeps the last chunk back: a hole may still grow. */
  #add(chunk: Chunk): void {
    this.#chunks.push(chunk);
    if (this.#list === undefined && this.#chunks.length <= limits.nodeChunksMax) return;
    this.#list ??= new ChunkListBuilder(this.#blobs);
    for (const done of this.#chunks.splice(0, this.#chunks.length - 1)) this.#list.add(done);
  }

  #finish(hash: BlobId): FileContent {
    const only = this.#chunks[0];
    if (this.#list === undefined) {
      if (this.#chunks.length === 1 && only?.id !== undefined) return { kind: 'blob', id: only.id };
      return { kind: 'chunks', chunks: this.#chunks, hash };
    }
    for (const chunk of this.#chunks) this.#list.add(chunk);
    return { kind: 'list', profile: this.#profile, root: this.#list.finish(), hash };
  }
}

const zeroBlock = Buffer.alloc(limits.holeBytes);

function isZero(bytes: Uint8Array, start: number): boolean {
  return zeroBlock.equals(bytes.subarray(start, start + limits.holeBytes));
}

/** The hash of so many bytes; undefined when there are fewer. */
export function* hashContent(read: ReadBytes, size: number): Steps<BlobId | undefined> {
  const hasher = createHasher();
  const buffer = Buffer.allocUnsafe(Math.min(size, 1024 * 1024));
  for (let total = 0; total < size; ) {
    const count = read(buffer, 0, Math.min(buffer.length, size - total));
    if (count === 0) return undefined;
    hasher.update(buffer.subarray(0, count));
    total += count;
    yield;
  }
  return blobIdFromBytes(hasher.digest());
}

/** Stores a database by its units. `previous` is the version before, if it was stored so. */
export function* storePages(
  blobs: BlobStore,
  read: ReadBytes,
  size: number,
  pageBytes: number,
  previous: PreviousContent | undefined,
  onBytes: OnBytes,
): Steps<StoredContent> {
  const unitBytes = unitBytesFor(size, pageBytes);
  const map = blobs.isWriteOnly ? undefined : previousMap(previous, unitBytes);
  const before = map === undefined ? undefined : readUnitIds(blobs, map, Math.ceil(map.size / unitBytes));
  const units = new Units(blobs, unitBytes, Math.ceil(size / unitBytes), before);
  const hasher = createHasher();
  // No Buffer: to make a view on a part of one takes twice as long.
  const buffer = new Uint8Array(Math.max(unitBytes, 1024 * 1024));
  let total = 0;
  for (let count = -1; total < size && count !== 0; ) {
    count = read(buffer, 0, Math.min(buffer.length, size - total));
    const bytes = buffer.subarray(0, count);
    hasher.update(bytes);
    units.write(bytes, total / unitBytes);
    total += count;
    onBytes(count);
    yield;
  }
  invariant(total === size, 'a copy of a database does not change');
  const hash = blobIdFromBytes(hasher.digest());
  const pages =
    map === undefined || before === undefined
      ? writePageMap(blobs, units.ids)
      : updatePageMap(blobs, map, before, units.ids);
  return { content: { kind: 'pages', unitBytes, base: pages.base, layers: pages.layers, hash }, size };
}

/** The units of a database, most of which are as they were. */
class Units {
  /** Of all units. */
  readonly ids: Buffer;
  readonly #blobs: BlobStore;
  readonly #unitBytes: number;
  /** So many have an id of before until they are written; all blobs of before are there. */
  readonly #knownCount: number;

  constructor(blobs: BlobStore, unitBytes: number, count: number, before: Buffer | undefined) {
    this.#blobs = blobs;
    this.#unitBytes = unitBytes;
    this.ids = Buffer.alloc(count * idBytes);
    this.#knownCount = (before?.copy(this.ids) ?? 0) / idBytes;
  }

  /** `first` is the number of the first one in the bytes. */
  write(bytes: Uint8Array, first: number): void {
    const changed: NamedBlob[] = [];
    for (let at = 0, no = first; at < bytes.length; at += this.#unitBytes, no++) {
      const unit = bytes.subarray(at, at + this.#unitBytes);
      if (no < this.#knownCount && this.#isAsBefore(unit, no * idBytes)) continue;
      const id = this.#blobs.idOf(unit);
      this.ids.write(id, no * idBytes, idBytes, 'hex');
      changed.push({ id, bytes: unit });
    }
    if (changed.length > 0) this.#blobs.writeBlobs('data', changed);
  }

  #isAsBefore(unit: Uint8Array, place: number): boolean {
    const blobs = this.#blobs;
    return (
      blobs.isIdAt?.(unit, this.ids, place) ??
      blobs.idOf(unit) === this.ids.toString('hex', place, place + idBytes)
    );
  }
}

function previousMap(
  previous: PreviousContent | undefined,
  unitBytes: number,
): (FileContent & { kind: 'pages'; size: number }) | undefined {
  if (previous?.content.kind !== 'pages' || previous.content.unitBytes !== unitBytes) return undefined;
  return { ...previous.content, size: previous.size };
}
