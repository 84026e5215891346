/**
 * Bytes to blobs: how a file's content is cut and stored. Input comes in pieces through a reader function, so a live file,
 * a database's copy and an archive's member all take the same way.
 */
import { chooseProfile } from '../chunker/parameters.ts';
import { createHasher } from '../codec/hash.ts';
import { invariant } from '../model/errors.ts';
import { type BlobId, blobIdFromBytes, idBytes } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { type BlobStore, type BlobStream, type NamedBlob, streamOf } from '../model/store.ts';
import type { FileContent, FileNode } from '../model/tree.ts';
import { readUnitIds, unitBytesFor, updatePageMap, writePageMap } from '../tree/page-map.ts';
import { ChunkedStore } from './chunked-store.ts';
import { knownChunksOf } from './known-chunks.ts';
import { PageBlocks } from './page-blocks.ts';

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
  const stored = yield* new ChunkedStore(blobs, profile, onBytes, { known }).run(read, size);
  invariant(stored !== undefined, 'nothing was said of how it begins');
  return stored;
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

/** How a database was stored before, the ids of its units where they have been read already, and digests of its blocks. */
export interface PreviousPages extends PreviousContent {
  readonly units?: Buffer | undefined;
  readonly digests?: Uint8Array | undefined;
}

/** `digests` are those of its blocks, where there was a version before: the next one is looked at more quickly with them. */
export interface StoredPages extends StoredContent {
  readonly digests?: Buffer;
}

/** Reads the ids of the units, if it was stored so: nothing else need be known of the next version. */
export function withUnits(
  blobs: BlobStore,
  previous: PreviousContent | undefined,
): PreviousPages | undefined {
  if (blobs.isWriteOnly || previous?.content.kind !== 'pages') return previous;
  const { content, size } = previous;
  return { content, size, units: readUnitIds(blobs, content, Math.ceil(size / content.unitBytes)) };
}

/** So much of a database is read in one step. */
export function pagesStepBytes(unitBytes: number): number {
  return Math.max(unitBytes, 1024 * 1024);
}

/** Stores a database by its units. `previous` is the version before, if it was stored so. */
export function* storePages(
  blobs: BlobStore,
  read: ReadBytes,
  size: number,
  pageBytes: number,
  previous: PreviousPages | undefined,
  onBytes: OnBytes,
): Steps<StoredPages> {
  const unitBytes = unitBytesFor(size, pageBytes);
  const map = blobs.isWriteOnly ? undefined : previousMap(previous, unitBytes);
  const before = map && (previous?.units ?? readUnitIds(blobs, map, Math.ceil(map.size / unitBytes)));
  const blocks = map && new PageBlocks(size, unitBytes);
  blocks?.compareWith(previous?.digests, map?.size ?? 0);
  const units = new Units(blobs, {
    stream: streamOf(size),
    unitBytes,
    count: Math.ceil(size / unitBytes),
    before,
    blocks,
  });
  const hasher = createHasher();
  // No Buffer: to make a view on a part of one takes twice as long.
  const buffer = new Uint8Array(pagesStepBytes(unitBytes));
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
  units.finish();
  const hash = blobIdFromBytes(hasher.digest());
  const pages =
    map === undefined || before === undefined
      ? writePageMap(blobs, units.ids)
      : updatePageMap(blobs, units.ids, {
          previous: map,
          previousCount: before.length / idBytes,
          changed: units.changed,
        });
  const content = { kind: 'pages', unitBytes, base: pages.base, layers: pages.layers, hash } as const;
  return { content, size, ...(blocks === undefined ? {} : { digests: blocks.digests }) };
}

/** Where few units change, they are copied and written many at once: whether they are there is then asked with one statement. */
const unwrittenBytesMax = 1024 * 1024;

function copyOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes);
}

interface UnitsOptions {
  readonly stream: BlobStream;
  readonly unitBytes: number;
  readonly count: number;
  /** Ids of the version before. */
  readonly before: Buffer | undefined;
  readonly blocks: PageBlocks | undefined;
}

/** The units of a database, most of which are as they were. */
class Units {
  /** Of all units. */
  readonly ids: Buffer;
  /** Those that are not as they were, where there was a version before. */
  readonly changed: number[] = [];
  readonly #blobs: BlobStore;
  readonly #stream: BlobStream;
  readonly #unitBytes: number;
  /** So many have an id of before until they are written; all blobs of before are there. */
  readonly #knownCount: number;
  readonly #blocks: PageBlocks | undefined;
  #unwritten: NamedBlob[] = [];
  #unwrittenBytes = 0;

  constructor(blobs: BlobStore, { stream, unitBytes, count, before, blocks }: UnitsOptions) {
    this.#blobs = blobs;
    this.#blocks = blocks;
    this.#stream = stream;
    this.#unitBytes = unitBytes;
    this.ids = Buffer.alloc(count * idBytes);
    this.#knownCount = (before?.copy(this.ids) ?? 0) / idBytes;
  }

  /** `first` is the number of the first one in the bytes. */
  write(bytes: Uint8Array, first: number): void {
    const blockBytes = this.#blocks?.blockBytes ?? bytes.length;
    for (let at = 0, no = first; at < bytes.length; at += blockBytes, no += blockBytes / this.#unitBytes) {
      const block = bytes.subarray(at, at + blockBytes);
      if (!this.#isBlockAsBefore(block, no)) this.#takeChanged(block, no);
    }
    if (this.#blocks === undefined) this.finish();
  }

  /** Writes what has changed. */
  finish(): void {
    if (this.#unwritten.length > 0) this.#blobs.writeBlobs(this.#stream, this.#unwritten);
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
  }

  /** The ids of its units are those of before then, and stand already. */
  #isBlockAsBefore(block: Uint8Array, first: number): boolean {
    const blocks = this.#blocks;
    if (blocks === undefined || block.length < blocks.blockBytes) return false;
    return blocks.isAsBefore(block, (first * this.#unitBytes) / blocks.blockBytes);
  }

  #takeChanged(bytes: Uint8Array, first: number): void {
    for (let at = 0, no = first; at < bytes.length; at += this.#unitBytes, no++) {
      const unit = bytes.subarray(at, at + this.#unitBytes);
      if (no < this.#knownCount && this.#isAsBefore(unit, no * idBytes)) continue;
      const id = this.#blobs.idOf(unit);
      this.ids.write(id, no * idBytes, idBytes, 'hex');
      if (this.#blocks !== undefined) this.changed.push(no);
      this.#unwritten.push({ id, bytes: this.#blocks === undefined ? unit : copyOf(unit) });
      this.#unwrittenBytes += unit.length;
    }
    if (this.#unwrittenBytes >= unwrittenBytesMax) this.finish();
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
