/**
 * Collects blobs into frames and frames into packs. A pack is published (fsync, rename, fsync of the folder) when it is full or
 * when the caller asks for it; only then does the index learn of it. Frames of larger runs are compressed in threads.
 */
import type { FrameCompression } from '../codec/frame.ts';
import type { PackDirectory, PackedBlob, PackedFrame } from '../codec/pack.ts';
import type { RandomBytes } from '../model/clock.ts';
import { invariant } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { BlobKind, BlobStream } from '../model/store.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { FrameCompressor } from './frame-compressor.ts';
import type { RepositoryLayout } from './layout.ts';
import { OpenPack } from './open-pack.ts';

/** A frame whose blobs are not yet published. */
interface PendingFrame {
  readonly kind: BlobKind;
  /** Where its blobs are until it is closed. */
  filling: FrameBuffer | undefined;
  /** Once it is closed. */
  blobs: readonly PackedBlob[];
  /** Where it is, once it has been compressed. */
  written: { readonly pack: OpenPack; readonly frame: PackedFrame } | undefined;
}

/** The frame that is being filled with the blobs of a stream. */
interface OpenFrame {
  readonly buffer: FrameBuffer;
  frame: PendingFrame;
}

/** Where a blob is that is not yet published. */
interface PendingBlob {
  readonly frame: PendingFrame;
  readonly position: number;
}

export interface PackWriterOptions {
  readonly layout: RepositoryLayout;
  /** Folder for this writer's temporary files. */
  readonly temporary: string;
  readonly random: RandomBytes;
  readonly level: number;
  /** Whether nothing was stored before this run. Asked when the first frame is full. */
  readonly isFirst: () => boolean;
  /** Packs that are published; their blobs are found here until it returns. `isAll`: nothing that was added is left to be published. */
  readonly onPublished: (packs: readonly PublishedPack[], isAll: boolean) => void;
}

export interface PublishedPack {
  readonly directory: PackDirectory;
  readonly packBytes: number;
}

export class PackWriter {
  readonly #options: PackWriterOptions;
  /** zstd level of frames written from now on; 0 stores them as they are. */
  level: number;
  readonly #open: Partial<Record<BlobStream, OpenFrame>> = {};
  readonly #pending = new Map<BlobId, PendingBlob>();
  readonly #compressor = new FrameCompressor<PendingFrame>((frame, encoded) => this.#append(frame, encoded));
  #lastRead: { readonly frame: PendingFrame; readonly blobs: readonly Uint8Array[] } | undefined;
  #pack: OpenPack | undefined;
  /** Full packs, oldest first, that are being written to disk. */
  #sealed: OpenPack[] = [];
  /** Packs that the index does not know yet: few large transactions write less than many small ones. */
  #published: PublishedPack[] = [];
  #publishedBlobs = 0;
  #addedBytes = 0;
  #storedBytes = 0;
  #isFirst: boolean | undefined;
  /** A write failed: what was added and is not published is lost, so nothing that refers to it may be believed. */
  #failure: { readonly error: unknown } | undefined;

  constructor(options: PackWriterOptions) {
    this.#options = options;
    this.level = options.level;
  }

  /** Bytes of all blobs added. */
  get addedBytes(): number {
    return this.#addedBytes;
  }

  /** Bytes of all packs published. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** What makes random bytes, which a pack is named by, takes 7 ms to load where it is node:crypto. */
  expectWrites(): void {
    this.#options.random(1);
  }

  /**
   * Compresses what waits to be, which takes 20 ms for a megabyte, in a run that has no threads for it. Frames end here whether or not there is time,
   * so that the same source gives the same packs.
   */
  expectWait(): void {
    if (this.#compressor.hasThreads) return;
    for (const open of Object.values(this.#open))
      if (open.buffer.bytes >= closedEarlyBytesMin) this.#orFail(() => this.#closeFrame(open));
  }

  has(id: BlobId): boolean {
    this.#refuseAfterFailure();
    return this.#pending.has(id);
  }

  /** @throws also whatever an earlier write failed with: a writer that failed stays failed. */
  add(stream: BlobStream, id: BlobId, bytes: Uint8Array): void {
    this.#refuseAfterFailure();
    invariant(bytes.length <= limits.blobBytesMax, 'a blob that is not too long');
    const open = this.#openFor(this.#streamNow(stream));
    if (open.buffer.isFullFor(bytes.length)) this.#orFail(() => this.#closeFrame(open));
    this.#pending.set(id, { frame: open.frame, position: open.buffer.add(id, bytes) });
    this.#addedBytes += bytes.length;
    // Starting threads costs more than they save in a small run.
    if (this.#addedBytes > threadsFromBytes && this.level > 0 && !this.#compressor.hasThreads)
      this.#orFail(() => this.#compressor.startThreads());
  }

  /** A blob that is not yet published. */
  read(id: BlobId): Uint8Array | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#refuseAfterFailure(); // its pack may be closed, and the number of its file another's
    const { frame, position } = pending;
    if (frame.filling !== undefined) return frame.filling.blobAt(position);
    if (frame.written === undefined)
      this.#orFail(() => this.#compressor.writeUntil(() => frame.written !== undefined));
    return this.#blobsOf(frame)?.[position];
  }

  /** Who reads what was just written reads one blob after another. */
  #blobsOf(frame: PendingFrame): readonly Uint8Array[] | undefined {
    if (this.#lastRead?.frame !== frame) {
      const blobs = frame.written?.pack.readFrame(frame.written.frame).blobs;
      this.#lastRead = blobs && { frame, blobs };
    }
    return this.#lastRead?.blobs;
  }

  /** Publishes everything added so far, and tells of it. */
  flush(): void {
    this.publish();
    this.#orFail(() => this.#tellPublished(true));
  }

  /** Publishes everything added so far. It is found here until it is told of. */
  publish(): void {
    this.#refuseAfterFailure();
    this.#orFail(() => {
      for (const open of Object.values(this.#open)) this.#closeFrame(open);
      this.#compressor.writeAll();
      this.#sealPack();
      while (this.#sealed.length > 0) this.#publishOldest();
    });
  }

  /** Published, and nobody was told of them. */
  get untold(): readonly PublishedPack[] {
    return this.#published;
  }

  /** All that was added is published, and whoever is to know has heard of it elsewhere. */
  noteTold(): void {
    this.#pending.clear();
    this.#published = [];
    this.#publishedBlobs = 0;
  }

  /** Drops what is not published, and ends the threads. */
  async close(): Promise<void> {
    this.#discardPacks();
    this.#pending.clear();
    await this.#compressor.end();
  }

  #refuseAfterFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #orFail(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failure ??= { error };
      this.#discardPacks();
      throw error;
    }
  }

  #discardPacks(): void {
    this.#published = [];
    for (const pack of this.#sealed.splice(0)) pack.discard();
    this.#pack?.discard();
    this.#pack = undefined;
  }

  /** A large run saves its reader, and its writer's memory, what larger frames cost. */
  #streamNow(stream: BlobStream): BlobStream {
    return stream === 'large' && this.#addedBytes > mediumRunBytes ? 'data' : stream;
  }

  #openFor(stream: BlobStream): OpenFrame {
    const open = this.#open[stream];
    if (open !== undefined) return open;
    const buffer = new FrameBuffer(stream);
    this.#open[stream] = { buffer, frame: emptyFrame(buffer) };
    return this.#open[stream];
  }

  #closeFrame(open: OpenFrame): void {
    const { buffer, frame: closed } = open;
    if (buffer.isEmpty) return;
    const { raw, blobs } = buffer.take();
    closed.filling = undefined;
    closed.blobs = blobs;
    open.frame = emptyFrame(buffer);
    const compression = this.#compressionNow();
    const toCompress = { kind: closed.kind, raw, blobCount: blobs.length, compression };
    const isTaken = this.#compressor.compress(closed, toCompress);
    if (isTaken) buffer.useMemory(this.#compressor.takeMemory(buffer.memoryBytes));
    this.#publishSynced();
  }

  #append(closed: PendingFrame, encoded: Uint8Array): void {
    const { temporary, random, layout } = this.#options;
    this.#pack ??= new OpenPack(temporary, random, layout.keyring);
    const pack = this.#pack;
    closed.written = { pack, frame: pack.append(encoded, { kind: closed.kind, blobs: closed.blobs }) };
    if (!pack.isFull) return;
    this.#sealPack();
    this.#sealed.at(-1)?.beginSync();
  }

  #sealPack(): void {
    if (this.#pack === undefined) return;
    this.#pack.seal();
    this.#sealed.push(this.#pack);
    this.#pack = undefined;
  }

  /** Publishes what has been written to disk meanwhile; no more than a few packs wait for that. */
  #publishSynced(): void {
    while (this.#sealed[0]?.isSynced === true || this.#sealed.length > sealedPacksMax) this.#publishOldest();
  }

  #publishOldest(): void {
    const [pack] = this.#sealed;
    invariant(pack !== undefined, 'a pack to publish');
    const { directory, packBytes } = pack.publish(this.#options.layout);
    this.#sealed.shift();
    this.#storedBytes += packBytes;
    this.#published.push({ directory, packBytes });
    this.#publishedBlobs += directory.frames.reduce((sum, frame) => sum + frame.blobs.length, 0);
    if (this.#publishedBlobs >= publishedBlobsMax) this.#tellPublished(false);
  }

  #tellPublished(isAll: boolean): void {
    if (this.#published.length === 0) return;
    this.#options.onPublished(this.#published, isAll);
    if (isAll) this.#pending.clear();
    else
      for (const { directory } of this.#published)
        for (const frame of directory.frames) for (const { id } of frame.blobs) this.#pending.delete(id);
    this.#published = [];
    this.#publishedBlobs = 0;
  }

  /**
   * A run that adds little spends more time on each byte: it is the run that is repeated every few minutes, and what it saves is
   * kept for years. The first one comes once, and somebody waits for it. Measured in docs/decisions/0007-compression-levels.md.
   */
  #compressionNow(): FrameCompression {
    const { level } = this;
    this.#isFirst ??= this.#options.isFirst();
    const isSmallRun = level > 0 && this.#addedBytes <= smallRunBytes;
    return {
      level: isSmallRun && !this.#isFirst ? Math.max(level, smallRunLevel) : level,
      isLarge: this.#addedBytes > mediumRunBytes,
    };
  }
}

function emptyFrame(buffer: FrameBuffer): PendingFrame {
  return { kind: buffer.kind, filling: buffer, blobs: [], written: undefined };
}

const smallRunBytes = 4 * 1024 * 1024;
const smallRunLevel = 6;
const mediumRunBytes = 128 * 1024 * 1024;
/** A smaller frame is not worth what one more takes. */
const closedEarlyBytesMin = 256 * 1024;
const threadsFromBytes = 8 * 1024 * 1024;
const sealedPacksMax = 3;
const publishedBlobsMax = 20_000;
