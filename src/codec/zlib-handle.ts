/**
 * What a stream of node:zlib works with. Bytes come from where they are and go where they are wanted, at once, without a stream and its buffers in
 * between. Node's documentation does not have it: whoever uses it does the work another way where Node has it in another shape.
 */

interface Handle {
  /** What to do at the end; the bytes, from where, how many; the same of the room for what becomes of them. */
  writeSync(...all: [number, Uint8Array, number, number, Uint8Array, number, number]): void;
  onerror(message: string): void;
  close(): void;
}

export interface ZlibStep {
  /** Bytes that were put into `out`. */
  readonly written: number;
  /** Bytes that were not used. */
  readonly unused: number;
  readonly problem: string | undefined;
}

export class ZlibHandle {
  readonly #handle: Handle;
  /** How much room is left, and how many bytes were not used. */
  readonly #left: Uint32Array;
  #problem: string | undefined;

  /** Undefined where Node has it another way. Of the stream nothing else is to be used then. */
  static of(stream: unknown): ZlibHandle | undefined {
    const { _handle: handle, _writeState: left } = stream as {
      readonly _handle?: Partial<Handle>;
      readonly _writeState?: unknown;
    };
    if (typeof handle?.writeSync !== 'function' || typeof handle.close !== 'function') return undefined;
    if (!(left instanceof Uint32Array) || left.length !== 2) return undefined;
    return new ZlibHandle(handle as Handle, left);
  }

  private constructor(handle: Handle, left: Uint32Array) {
    this.#handle = handle;
    this.#left = left;
    handle.onerror = (message) => {
      this.#problem = message;
    };
  }

  /** `flush`: what is to be done once all of `bytes` is used, in the numbers of node:zlib. */
  step(flush: number, bytes: Uint8Array, out: Uint8Array): ZlibStep {
    this.#handle.writeSync(flush, bytes, 0, bytes.length, out, 0, out.length);
    const [room = 0, unused = 0] = this.#left;
    return { written: out.length - room, unused, problem: this.#problem };
  }

  close(): void {
    this.#handle.close();
  }
}
