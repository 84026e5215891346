/** The blobs of a frame that is being filled, side by side as they are compressed. Its memory is used again for the next frame. */
import { ByteWriter } from '../codec/bytes.ts';
import type { BlobId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { BlobKind } from '../model/store.ts';

/** Room before the blobs for the list of their lengths, which is written when the frame is closed. */
const listBytesMax = 4 * limits.frameBlobsMax;

/** As long as the raw bytes of any frame that a FrameBuffer makes. */
export const bufferedFrameBytesMax = listBytesMax + limits.dataFrameBytesTarget + limits.blobBytesMax;

export class FrameBuffer {
  readonly kind: BlobKind;
  readonly #bytesTarget: number;
  #memory: Buffer;
  #end = listBytesMax;
  #ids: BlobId[] = [];
  #lengths: number[] = [];

  constructor(kind: BlobKind) {
    this.kind = kind;
    this.#bytesTarget = kind === 'data' ? limits.dataFrameBytesTarget : limits.treeFrameBytesTarget;
    this.#memory = Buffer.allocUnsafeSlow(listBytesMax + this.#bytesTarget);
  }

  get isEmpty(): boolean {
    return this.#ids.length === 0;
  }

  /** Whether a blob of so many bytes belongs into the next frame. */
  isFullFor(bytes: number): boolean {
    if (this.isEmpty) return false;
    return this.#end - listBytesMax + bytes > this.#bytesTarget || this.#ids.length >= limits.frameBlobsMax;
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

  /** The frame's raw bytes, valid until the next call of `add`, and what they hold. Empties the buffer. */
  take(): { readonly raw: Buffer; readonly ids: readonly BlobId[]; readonly lengths: readonly number[] } {
    const list = new ByteWriter(this.#lengths.length * 3 + 8);
    for (const length of this.#lengths) list.varint(length);
    const start = listBytesMax - list.length;
    this.#memory.set(list.view(), start);
    const taken = {
      raw: this.#memory.subarray(start, this.#end),
      ids: this.#ids,
      lengths: this.#lengths,
    };
    this.#end = listBytesMax;
    this.#ids = [];
    this.#lengths = [];
    return taken;
  }

  #makeRoom(bytes: number): void {
    const wanted = this.#end + bytes;
    if (wanted <= this.#memory.length) return;
    const larger = Buffer.allocUnsafeSlow(wanted);
    this.#memory.copy(larger, listBytesMax, listBytesMax, this.#end);
    this.#memory = larger;
  }
}
