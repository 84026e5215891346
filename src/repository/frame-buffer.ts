/** The blobs of a frame that is being filled, side by side as they are compressed. Its memory is used again for the next frame. */
import { ByteWriter } from '../codec/bytes.ts';
import type { PackedBlob } from '../codec/pack.ts';
import type { BlobId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { BlobKind, BlobStream } from '../model/store.ts';

/** Room before the blobs for the list of their lengths, which is written when the frame is closed. */
const listBytesMax = 4 * limits.frameBlobsMax;

const bytesTargets: Readonly<Record<BlobStream, number>> = {
  data: limits.dataFrameBytesTarget,
  large: limits.largeFrameBytesTarget,
  tree: limits.treeFrameBytesTarget,
};

/** Where its blobs are put when they are stored once more. */
export function streamOfFrame(kind: BlobKind, blobs: readonly PackedBlob[]): BlobStream {
  const bytes = blobs.reduce((sum, blob) => sum + blob.bytes, 0);
  return kind === 'data' && bytes >= limits.largeFrameBytesMin ? 'large' : kind;
}

export class FrameBuffer {
  readonly kind: BlobKind;
  readonly #bytesTarget: number;
  #memory: Uint8Array<ArrayBuffer>;
  #end = listBytesMax;
  #ids: BlobId[] = [];
  #lengths: number[] = [];

  constructor(stream: BlobStream) {
    this.kind = stream === 'large' ? 'data' : stream;
    this.#bytesTarget = bytesTargets[stream];
    this.#memory = new Uint8Array(this.memoryBytes);
  }

  /** What it needs for a frame. */
  get memoryBytes(): number {
    return listBytesMax + this.#bytesTarget;
  }

  get isEmpty(): boolean {
    return this.#ids.length === 0;
  }

  /** Of the blobs in it. */
  get bytes(): number {
    return this.#end - listBytesMax;
  }

  /** Whether a blob of so many bytes belongs into the next frame. */
  isFullFor(bytes: number): boolean {
    if (this.isEmpty) return false;
    return this.bytes + bytes > this.#bytesTarget || this.#ids.length >= limits.frameBlobsMax;
  }

  /** Copies the bytes. Returns the position of the blob in the frame. */
  add(id: BlobId, bytes: Uint8Array): number {
    this.#makeRoom(bytes.length);
    this.#memory.set(bytes, this.#end);
    this.#end += bytes.length;
    this.#lengths.push(bytes.length);
    return this.#ids.push(id) - 1;
  }

  /** A copy of the blob at `position`. */
  blobAt(position: number): Uint8Array {
    const start = this.#lengths.slice(0, position).reduce((sum, bytes) => sum + bytes, listBytesMax);
    return Uint8Array.prototype.slice.call(this.#memory, start, start + (this.#lengths[position] ?? 0));
  }

  /** What was added since, as a frame's raw bytes, valid until the next call of `add`. Empties the buffer. */
  take(): TakenFrame {
    const list = new ByteWriter(this.#lengths.length * 3 + 8);
    for (const length of this.#lengths) list.varint(length);
    const start = listBytesMax - list.length;
    this.#memory.set(list.view(), start);
    const taken = {
      raw: this.#memory.subarray(start, this.#end),
      blobs: this.#ids.map((id, position) => ({ id, bytes: this.#lengths[position] ?? 0 })),
    };
    this.#end = listBytesMax;
    this.#ids = [];
    this.#lengths = [];
    return taken;
  }

  /** What was taken last is no longer its own: goes on in other memory, of `memoryBytes` or more. */
  useMemory(memory: ArrayBuffer): void {
    this.#memory = new Uint8Array(memory);
  }

  #makeRoom(bytes: number): void {
    const wanted = this.#end + bytes;
    if (wanted <= this.#memory.length) return;
    const larger = new Uint8Array(wanted);
    larger.set(this.#memory.subarray(listBytesMax, this.#end), listBytesMax);
    this.#memory = larger;
  }
}

export interface TakenFrame {
  /** A list of lengths, then the blobs. At its end there may be no room, before it there is more than a frame's header takes. */
  readonly raw: Uint8Array<ArrayBuffer>;
  readonly blobs: readonly PackedBlob[];
}
