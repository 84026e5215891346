/**
 * What a stream of node:zlib works with. Bytes come from where they are and go where they are wanted, at once, without a stream and its buffers in
 * between. Node's documentation does not have it, so nobody relies on its shape: `of` gives undefined for another one.
 */
import { invariant } from '../model/errors.ts';

interface Internals {
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

export class ZlibEngine {
  readonly #internals: Internals;
  /** How much room is left, and how many bytes were not used. */
  readonly #left: Uint32Array;
  #problem: string | undefined;
  #isClosed = false;

  /** Undefined where Node has it another way. Of the stream nothing else is to be used then. */
  static of(stream: unknown): ZlibEngine | undefined {
    const { _handle: internals, _writeState: left } = stream as {
      readonly _handle?: Partial<Internals>;
      readonly _writeState?: unknown;
    };
    if (typeof internals?.writeSync !== 'function' || typeof internals.close !== 'function') return undefined;
    if (!(left instanceof Uint32Array) || left.length !== 2) return undefined;
    return new ZlibEngine(internals as Internals, left);
  }

  private constructor(internals: Internals, left: Uint32Array) {
    this.#internals = internals;
    this.#left = left;
    internals.onerror = (message) => {
      this.#problem = message;
    };
  }

  /** `flush`: what is to be done once all of `bytes` is used, in the numbers of node:zlib. */
  step(flush: number, bytes: Uint8Array, out: Uint8Array): ZlibStep {
    invariant(!this.#isClosed, 'an engine that is not closed'); // Node would end the process
    this.#internals.writeSync(flush, bytes, 0, bytes.length, out, 0, out.length);
    const [room = 0, unused = 0] = this.#left;
    return { written: out.length - room, unused, problem: this.#problem };
  }

  close(): void {
    if (!this.#isClosed) this.#internals.close();
    this.#isClosed = true;
  }
}
