/**
 * A pack that is being written: a temporary file that grows frame by frame. When it is full it is sealed, which lets the
 * system write it to disk while the next one is filled; and then it is published under its name.
 */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type DecodedFrame, decodeFrame } from '../codec/frame.ts';
import { giveBack } from '../codec/memory.ts';
import {
  decodePackEnd,
  decodePackTrailer,
  encodePackEnd,
  encodePackHeader,
  firstFrameOffset,
  type PackDirectory,
  type PackedFrame,
  type PackSealing,
  packTrailerBytes,
} from '../codec/pack.ts';
import { sealFrameInParts, unsealFrame } from '../codec/sealed-frame.ts';
import { BackgroundSync } from '../io/background-sync.ts';
import {
  createPrivateFile,
  makePrivateFolder,
  removeTemporary,
  renameInto,
  syncFolder,
  withPath,
  writeFully,
} from '../io/files.ts';
import type { RandomBytes } from '../model/clock.ts';
import { invariant } from '../model/errors.ts';
import { type PackId, packIdBytes } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { packPath, type RepositoryLayout } from './layout.ts';
import { packPlace, readExactly } from './pack-files.ts';
import type { PackKeyring } from './pack-keys.ts';

export class OpenPack {
  readonly #id: PackId;
  readonly #path: string;
  readonly #fd: number;
  readonly #frames: PackedFrame[] = [];
  readonly #sealing: PackSealing | undefined;
  readonly #header: Buffer;
  #bytes: number;
  #blobs = 0;
  readonly #sync: BackgroundSync;
  #isClosed = false;
  #publishedPath: string | undefined;

  /** `folder` is on the file system of the repository; `keyring` is that of an encrypted one. */
  constructor(folder: string, random: RandomBytes, keyring: PackKeyring | undefined) {
    this.#id = Buffer.from(random(packIdBytes)).toString('hex') as PackId;
    this.#path = join(folder, `${this.#id}.pack`);
    this.#fd = withPath('create', this.#path, () => createPrivateFile(this.#path));
    this.#sync = new BackgroundSync(this.#path);
    this.#sealing = keyring?.begin(this.#id, random);
    this.#header = encodePackHeader(this.#id, this.#sealing?.ephemeralKey);
    this.#bytes = firstFrameOffset(this.#sealing !== undefined);
    withPath('write', this.#path, () => writeFully(this.#fd, this.#header, 0));
  }

  /** Whether it is to be sealed now. */
  get isFull(): boolean {
    return (
      this.#bytes >= limits.packBytesTarget ||
      this.#blobs >= limits.packBlobsTarget ||
      this.#frames.length >= limits.packFramesTarget
    );
  }

  append(encoded: Uint8Array, frame: Pick<PackedFrame, 'kind' | 'blobs'>): PackedFrame {
    const parts =
      this.#sealing === undefined
        ? [encoded]
        : sealFrameInParts(encoded, this.#sealing.keys, this.#frames.length);
    const offset = this.#bytes;
    for (const part of parts) {
      withPath('write', this.#path, () => writeFully(this.#fd, part, this.#bytes));
      this.#bytes += part.length;
      if (part !== encoded) giveBack(part);
    }
    const packed: PackedFrame = { ...frame, offset, bytes: this.#bytes - offset };
    this.#frames.push(packed);
    this.#blobs += frame.blobs.length;
    return packed;
  }

  readFrame(frame: PackedFrame): DecodedFrame {
    const place = packPlace(this.#id);
    const bytes = this.#read(frame.offset, frame.bytes);
    return this.#sealing ? unsealFrame(bytes, this.#sealing.keys, place) : decodeFrame(bytes, place);
  }

  #read(offset: number, bytes: number): Buffer {
    const path = this.#publishedPath;
    if (path === undefined) return readExactly(this.#fd, offset, bytes, packPlace(this.#id));
    return withPath('read', path, () => {
      const fd = openSync(path, 'r');
      try {
        return readExactly(fd, offset, bytes, packPlace(this.#id));
      } finally {
        closeSync(fd);
      }
    });
  }

  /** Writes its end, and checks that it can be read. */
  seal(): void {
    const end = encodePackEnd(this.#directory, this.#sealing);
    const place = packPlace(this.#id);
    const packBytes = this.#bytes + end.length;
    const keys = this.#sealing?.keys;
    const { directoryOffset } = decodePackTrailer(end.subarray(-packTrailerBytes), packBytes, place, keys);
    const decoded = decodePackEnd(
      this.#header,
      end.subarray(directoryOffset - this.#bytes), // padding precedes the directory
      packBytes,
      place,
      keys,
    );
    invariant(decoded.frames.length === this.#frames.length, 'a directory decodes to what was encoded');
    withPath('write', this.#path, () => writeFully(this.#fd, end, this.#bytes));
    this.#bytes += end.length;
  }

  /** Lets the system write it to disk meanwhile; `publish` does not wait for that. */
  beginSync(): void {
    this.#sync.begin();
  }

  get isSynced(): boolean {
    return this.#sync.isDone;
  }

  /** Makes it durable under its name. A crash after it leaves a pack that no snapshot refers to; the next open finds it. */
  publish(layout: RepositoryLayout): { readonly directory: PackDirectory; readonly packBytes: number } {
    const path = packPath(layout, this.#id);
    withPath('write', this.#path, () => {
      if (this.#sync.error !== undefined) throw this.#sync.error;
      if (!this.#sync.isDone) fsyncSync(this.#fd);
    });
    makePackFolder(layout, dirname(path));
    withPath('publish', path, () => renameInto(this.#path, path));
    this.#publishedPath = path;
    this.#close(); // many may be published before the index learns of them, and a process has only so many open files
    return { directory: this.#directory, packBytes: this.#bytes };
  }

  /**
   * A failed write must not leave its file: the disk may be full. Of a pack that is published, nothing is removed. Where that fails
   * too, as on a disk that has become read-only, the first failure is the one to tell; a later run removes the file.
   */
  discard(): void {
    this.#close();
    removeTemporary(this.#path);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#fd);
  }

  get #directory(): PackDirectory {
    return { id: this.#id, frames: this.#frames };
  }
}

function makePackFolder(layout: RepositoryLayout, folder: string): void {
  makePrivateFolder(folder);
  syncFolder(layout.packs);
}
