/**
 * Gives the memory of a large buffer back at once; nobody may use it afterwards. Left to the collector, every 64 MB or so that were
 * allocated make it look through the whole heap, in threads of its own: a quarter of the processor time of a large restore.
 */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  // Small buffers share their memory with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}

/** Gives memory for so many bytes. */
export type Allocate = (bytes: number) => Buffer;

/** Pieces are a multiple of this. */
const stepBytes = 256 * 1024;
const freeBytesMax = 12 * 1024 * 1024;

/**
 * Memory that is used again and again, for frames that are read, decoded and done with one after another. To have the system give and take
 * it for each takes as long as a fifth of the decoding.
 */
export class Recycled {
  readonly #own = new WeakSet<ArrayBufferLike>();
  readonly #free: ArrayBuffer[] = [];

  readonly take: Allocate = (bytes) => {
    const fit = this.#free.findIndex(({ byteLength }) => byteLength >= bytes);
    const [memory = this.#more(bytes)] = fit < 0 ? [] : this.#free.splice(fit, 1);
    return Buffer.from(memory, 0, bytes);
  };

  #more(bytes: number): ArrayBuffer {
    const memory = new ArrayBuffer(stepBytes * Math.ceil(bytes / stepBytes));
    this.#own.add(memory);
    return memory;
  }

  /** Nobody may use it afterwards. */
  give(bytes: Uint8Array): void {
    const { buffer } = bytes;
    const isKept = buffer instanceof ArrayBuffer && this.#own.has(buffer) && this.#hasRoom(buffer.byteLength);
    if (isKept) this.#free.push(buffer);
    else giveBack(bytes);
  }

  #hasRoom(more: number): boolean {
    return this.#free.reduce((sum, { byteLength }) => sum + byteLength, more) <= freeBytesMax;
  }
}
