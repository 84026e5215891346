/**
 * Collects blobs into frames and frames into packs. A pack is written to a temporary file as it grows and published
 * (fsync, rename, fsync of the folder) when it is full or when the caller flushes; only then does the index learn of it.
 */
import { closeSync, fsyncSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decodeFrame, encodeFrame } from '../codec/frame.ts';
import {
  decodePackEnd,
  encodePackEnd,
  encodePackHeader,
  type PackDirectory,
  type PackedBlob,
  type PackedFrame,
  packHeaderBytes,
} from '../codec/pack.ts';
import {
  createPrivateFile,
  makePrivateFolder,
  removeFile,
  renameInto,
  syncFolder,
  withPath,
  writeFully,
} from '../io/files.ts';
import type { RandomBytes } from '../model/clock.ts';
import { invariant } from '../model/errors.ts';
import { type BlobId, type PackId, packIdBytes } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { BlobKind } from '../model/store.ts';
import { packPath, type RepositoryLayout } from './layout.ts';
import { packPlace, readExactly } from './pack-files.ts';

interface OpenFrame {
  readonly kind: BlobKind;
  readonly ids: BlobId[];
  readonly blobs: Uint8Array[];
  bytes: number;
}

interface OpenPack {
  readonly id: PackId;
  readonly path: string;
  readonly fd: number;
  readonly frames: PackedFrame[];
  bytes: number;
}

/** Where a blob that is not yet published is: in a frame still open (`frame`), or in the pack's file. */
type PendingBlob = { readonly frame: OpenFrame | PackedFrame; readonly position: number };

export interface PackWriterOptions {
  readonly layout: RepositoryLayout;
  /** Folder for this writer's temporary files. */
  readonly temporary: string;
  readonly random: RandomBytes;
  readonly level: number;
  readonly onPublished: (directory: PackDirectory, packBytes: number) => void;
}

export class PackWriter {
  readonly #options: PackWriterOptions;
  /** zstd level of frames written from now on; 0 stores them as they are. */
  level: number;
  readonly #open: Record<BlobKind, OpenFrame> = { data: newFrame('data'), tree: newFrame('tree') };
  readonly #pending = new Map<BlobId, PendingBlob>();
  #pack: OpenPack | undefined;
  #addedBytes = 0;
  #storedBytes = 0;
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

  has(id: BlobId): boolean {
    this.#refuseAfterFailure();
    return this.#pending.has(id);
  }

  /** @throws also whatever an earlier write failed with: a writer that failed stays failed. */
  add(kind: BlobKind, id: BlobId, bytes: Uint8Array): void {
    this.#refuseAfterFailure();
    invariant(bytes.length <= limits.blobBytesMax, `blob of ${bytes.length} bytes`);
    const target = kind === 'data' ? limits.dataFrameBytesTarget : limits.treeFrameBytesTarget;
    let frame = this.#open[kind];
    if (frame.bytes > 0 && frame.bytes + bytes.length > target) {
      this.#closeFrame(kind);
      frame = this.#open[kind];
    }
    this.#pending.set(id, { frame, position: frame.blobs.length });
    frame.ids.push(id);
    frame.blobs.push(Uint8Array.prototype.slice.call(bytes));
    frame.bytes += bytes.length;
    this.#addedBytes += bytes.length;
    if (frame.blobs.length >= limits.frameBlobsMax) this.#closeFrame(kind);
  }

  /** A blob that is not yet published. */
  read(id: BlobId): Uint8Array | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    if (!('offset' in pending.frame)) return pending.frame.blobs[pending.position];
    const pack = this.#pack;
    invariant(pack !== undefined, 'a frame that is written belongs to the open pack');
    const bytes = readExactly(pack.fd, pending.frame.offset, pending.frame.bytes, packPlace(pack.id));
    return decodeFrame(bytes, packPlace(pack.id)).blobs[pending.position];
  }

  /** Publishes everything added so far. */
  flush(): void {
    this.#refuseAfterFailure();
    this.#closeFrame('data');
    this.#closeFrame('tree');
    if (this.#pack !== undefined) this.#orFail(this.#pack, (pack) => this.#publish(pack));
  }

  #refuseAfterFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #orFail<T>(input: T, work: (input: T) => void): void {
    try {
      work(input);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  /** Drops what is not published. */
  abandon(): void {
    if (this.#pack !== undefined) discard(this.#pack);
    this.#pack = undefined;
    this.#pending.clear();
  }

  #closeFrame(kind: BlobKind): void {
    const frame = this.#open[kind];
    if (frame.blobs.length === 0) return;
    this.#open[kind] = newFrame(kind);
    this.#orFail(frame, (closed) => this.#writeFrame(closed));
    if (this.#pack !== undefined && this.#pack.bytes >= limits.packBytesTarget) this.flush();
  }

  #writeFrame(frame: OpenFrame): void {
    const { kind } = frame;
    const encoded = encodeFrame(kind, frame.blobs, { level: this.#levelNow() });
    this.#pack ??= this.#beginPack();
    const pack = this.#pack;
    withPath('write', pack.path, () => writeFully(pack.fd, encoded, pack.bytes));
    const blobs: PackedBlob[] = frame.ids.map((id, index) => ({
      id,
      bytes: frame.blobs[index]?.length ?? 0,
    }));
    const packed: PackedFrame = { offset: pack.bytes, bytes: encoded.length, kind, blobs };
    for (const [position, id] of frame.ids.entries()) this.#pending.set(id, { frame: packed, position });
    pack.frames.push(packed);
    pack.bytes += encoded.length;
  }

  /**
   * A run that adds little spends a little more time on it: it is the run that is repeated every few minutes, and what
   * it saves is kept for years. Measured in docs/decisions/0007-compression-levels.md.
   */
  #levelNow(): number {
    const { level } = this;
    return level > 0 && this.#addedBytes <= smallRunBytes ? Math.max(level, smallRunLevel) : level;
  }

  #beginPack(): OpenPack {
    const { random, temporary } = this.#options;
    const id = Buffer.from(random(packIdBytes)).toString('hex') as PackId;
    const path = join(temporary, `${id}.pack`);
    const fd = withPath('create', path, () => createPrivateFile(path));
    withPath('write', path, () => writeFully(fd, encodePackHeader(id), 0));
    return { id, path, fd, frames: [], bytes: packHeaderBytes };
  }

  #publish(pack: OpenPack): void {
    const { layout, onPublished } = this.#options;
    const directory = { id: pack.id, frames: pack.frames };
    const end = encodePackEnd(directory);
    const packBytes = pack.bytes + end.length;
    const decoded = decodePackEnd(encodePackHeader(pack.id), end, packBytes, packPlace(pack.id));
    invariant(decoded.frames.length === pack.frames.length, 'a directory decodes to what was encoded');
    this.#pack = undefined;
    const path = packPath(layout, pack.id);
    try {
      withPath('write', pack.path, () => {
        writeFully(pack.fd, end, pack.bytes);
        fsyncSync(pack.fd);
      });
      makePackFolder(layout, dirname(path));
    } catch (error) {
      discard(pack);
      throw error;
    }
    closeSync(pack.fd);
    withPath('publish', path, () => renameInto(pack.path, path));
    // A crash here leaves a pack that no snapshot refers to; the next open finds it and its blobs are used.
    this.#storedBytes += packBytes;
    this.#pending.clear();
    onPublished(directory, packBytes);
  }
}

const smallRunBytes = 4 * 1024 * 1024;
const smallRunLevel = 9;

function newFrame(kind: BlobKind): OpenFrame {
  return { kind, ids: [], blobs: [], bytes: 0 };
}

function makePackFolder(layout: RepositoryLayout, folder: string): void {
  makePrivateFolder(folder);
  syncFolder(layout.packs);
}

/** A failed write must not leave its file: the disk may be full. */
function discard(pack: OpenPack): void {
  closeSync(pack.fd);
  removeFile(pack.path);
}
