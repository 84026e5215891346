/** A file as chunks: cut at content-defined points and at holes, from its beginning or from where it is known to begin as before. */
import { type Cutter, createCutter } from '../chunker/cutter.ts';
import { cutProfiles } from '../chunker/parameters.ts';
import { createHasher, type Hasher } from '../codec/hash.ts';
import { invariant } from '../model/errors.ts';
import { type BlobId, blobIdFromBytes } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { type BlobStore, type BlobStream, type NamedBlob, streamOf } from '../model/store.ts';
import type { Chunk, FileContent } from '../model/tree.ts';
import { ChunkListBuilder } from '../tree/chunk-list.ts';
import type { KnownChunks } from './known-chunks.ts';
import type { OnBytes, ReadBytes, Steps, StoredContent } from './store-content.ts';

export interface ChunksBefore {
  /** What follows is cut like this as long as it is the same. */
  readonly known: KnownChunks | undefined;
  /** Where cutting begins, and all that is before. By default the file's beginning, and nothing. */
  readonly begun?: BegunChunks;
}

export interface BegunChunks {
  /** Where a chunk begins. */
  readonly at: number;
  /** Of all bytes before that. */
  readonly hasher: Hasher;
  readonly list: ChunkListBuilder;
  /** What proves that these are the bytes that the list describes: how long the file was, and its hash. */
  readonly before: { readonly size: number; readonly hash: BlobId };
}

export class ChunkedStore {
  readonly #blobs: BlobStore;
  readonly #onBytes: OnBytes;
  readonly #profile: number;
  readonly #cutter: Cutter;
  readonly #hasher: Hasher;
  #stream: BlobStream = 'data';
  /** So many bytes of the file have been read. */
  #total: number;
  /** Of a file that begins as before, until that is proven. */
  #before: BegunChunks['before'] | undefined;
  #isOther = false;
  /** Until something differs. */
  #known: KnownChunks | undefined;
  #chunks: Chunk[] = [];
  /** Chunks in the window that are not yet written. */
  #cut: NamedBlob[] = [];
  #list: ChunkListBuilder | undefined;

  constructor(blobs: BlobStore, profile: number, onBytes: OnBytes, { known, begun }: ChunksBefore) {
    this.#blobs = blobs;
    this.#onBytes = onBytes;
    this.#profile = profile;
    this.#known = known;
    this.#total = begun?.at ?? 0;
    this.#before = begun?.before;
    this.#hasher = begun?.hasher ?? createHasher();
    this.#list = begun?.list;
    const cut = cutProfiles[profile];
    invariant(cut !== undefined, `cut profile ${profile}`);
    this.#cutter = createCutter(cut);
  }

  /** Undefined where the file does not begin as it was said to. */
  *run(read: ReadBytes, size: number): Steps<StoredContent | undefined> {
    const { window } = this.#cutter;
    this.#stream = streamOf(size);
    // Up to where a block begins that may be a hole: blocks stay aligned to the file.
    const first = Math.min(-this.#total & (limits.holeBytes - 1), size - this.#total);
    let kept = this.#read(read, 0, first); // bytes at the start of the window that are not yet cut
    for (;;) {
      // Whole blocks only, for the same reason.
      const room = Math.floor((window.length - kept) / limits.holeBytes) * limits.holeBytes;
      const wanted = Math.min(room, size - this.#total);
      const count = this.#read(read, kept, wanted);
      if (this.#isOther) return undefined;
      const final = count < wanted || this.#total >= size;
      kept = this.#cutWindow(kept, kept + count, final);
      if (final) break;
      yield;
    }
    this.#cutter.release(); // after a failure it is not used again, and goes with this
    if (this.#before !== undefined) return undefined; // it ended sooner
    const hash = blobIdFromBytes(this.#hasher.digest());
    return { content: this.#finish(hash), size: this.#total };
  }

  #read(read: ReadBytes, offset: number, wanted: number): number {
    if (wanted <= 0) return 0;
    const { window } = this.#cutter;
    const count = read(window, offset, wanted);
    this.#hash(window.subarray(offset, offset + count));
    this.#total += count;
    this.#onBytes(count);
    return count;
  }

  /** Looks at the hash where the file ended before. */
  #hash(bytes: Uint8Array): void {
    const before = this.#before;
    const left = (before?.size ?? 0) - this.#total;
    if (before === undefined || left > bytes.length) {
      this.#hasher.update(bytes);
      return;
    }
    this.#hasher.update(bytes.subarray(0, left));
    this.#isOther = blobIdFromBytes(this.#hasher.digestSoFar()) !== before.hash;
    this.#before = undefined;
    this.#hasher.update(bytes.subarray(left));
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
    this.#blobs.writeBlobs(this.#stream, this.#cut);
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
