/**
 * DEFLATE compression by our own kernel (WebAssembly, `assembly/kernel.ts`), one piece of at most 1 MiB at a time.
 * The result for a piece depends on its bytes and on the 32 KiB before it only, so pieces may be compressed anywhere, in any
 * order, by any version of Node, and give the same bytes. See docs/decisions/0006-deterministic-gzip.md.
 */
import { invariant } from '../../model/errors.ts';
import { asBuffer } from '../../model/ids.ts';
import { kernelBase64 } from './kernel.generated.ts';

export const pieceBytesMax = 1024 * 1024;
export const dictionaryBytesMax = 32 * 1024;

/** What ends a stream of pieces: an empty block with fixed codes that says it is the last. */
export const deflateEnd: Uint8Array = Uint8Array.of(0x03, 0x00);

/** As much of WebAssembly as is used: TypeScript declares it with the DOM only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => CompiledKernel;
  readonly Memory: new (options: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => SharedMemory;
  readonly Instance: new (
    module: CompiledKernel,
    imports: { readonly env: { readonly memory: SharedMemory } },
  ) => { readonly exports: unknown };
};

/** The compiled kernel; it can be sent to other threads. */
export type CompiledKernel = object;

export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

interface Kernel {
  pieceBytesMax(): number;
  dictionaryEnd(): number;
  outputStart(): number;
  compress(dictionaryBytes: number, bytes: number): number;
}

/** In pages of 64 KiB: what the kernel is compiled for (.ci/kernels.mjs). */
const memoryPages = 42;

let compiled: CompiledKernel | undefined;

export function compiledKernel(): CompiledKernel {
  compiled ??= new WebAssembly.Module(Buffer.from(kernelBase64, 'base64'));
  return compiled;
}

/**
 * A kernel with a memory of its own, which threads can share: pieces are put where it reads them, and taken from where it writes, without
 * another copy.
 */
export class PieceKernel {
  readonly memory = new WebAssembly.Memory({ initial: memoryPages, maximum: memoryPages, shared: true });
  /** Room for 32 KiB, of which a dictionary takes the end, and behind them a piece. */
  readonly window: Uint8Array;
  readonly #output: number;
  readonly #kernel: Kernel;

  constructor() {
    const { memory } = this;
    this.#kernel = new WebAssembly.Instance(compiledKernel(), { env: { memory } }).exports as Kernel;
    invariant(this.#kernel.pieceBytesMax() === pieceBytesMax, 'the deflate kernel has another piece size');
    this.#output = this.#kernel.outputStart();
    const start = this.#kernel.dictionaryEnd() - dictionaryBytesMax;
    this.window = new Uint8Array(memory.buffer, start, windowBytesMax);
  }

  /** Compresses what is in the window. The result is valid until the next call. */
  compress(bytes: number, dictionaryBytes: number): Uint8Array {
    invariant(dictionaryBytes <= dictionaryBytesMax && bytes <= pieceBytesMax, `a deflate piece of ${bytes}`);
    return this.result(this.#kernel.compress(dictionaryBytes, bytes));
  }

  /** The result of that many bytes which another thread has put into this memory. */
  result(bytes: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.#output, bytes);
  }
}

export const windowBytesMax: number = dictionaryBytesMax + pieceBytesMax;

/**
 * What is done with a window: a piece of so many bytes, and before it, at the end of the first 32 KiB, as many as these of what came before
 * the piece. Returns the window for the next one, which may be the same; this one is still read when it has returned.
 */
export type TakeWindow = (window: Uint8Array, bytes: number, dictionaryBytes: number) => Uint8Array;

/** Cuts a stream of bytes into windows. */
export class PieceCutter {
  readonly #take: TakeWindow;
  #window: Uint8Array;
  #dictionaryBytes = 0;
  #bytes = 0;

  /** `window`, and what `take` returns, have room for the largest one. */
  constructor(window: Uint8Array, take: TakeWindow) {
    this.#window = window;
    this.#take = take;
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + pieceBytesMax - this.#bytes);
      copyInto(this.#window, part, dictionaryBytesMax + this.#bytes);
      this.#bytes += part.length;
      done += part.length;
      if (this.#bytes === pieceBytesMax) this.flush();
    }
  }

  /** Gives away what is waiting. Where pieces end is part of the result: only the end of the stream may cut one short. */
  flush(): void {
    if (this.#bytes === 0) return;
    const last = this.#window;
    const end = dictionaryBytesMax + this.#bytes;
    this.#window = this.#take(last, this.#bytes, this.#dictionaryBytes);
    this.#dictionaryBytes = Math.min(dictionaryBytesMax, this.#dictionaryBytes + this.#bytes);
    this.#window.set(
      last.subarray(end - this.#dictionaryBytes, end),
      dictionaryBytesMax - this.#dictionaryBytes,
    );
    this.#bytes = 0;
  }
}

/**
 * `set`, for memory that threads share: V8 copies into that word by word, so that no other thread sees half of one, which took 0.9 s for the
 * 1.5 GB of an archive. Nobody reads here before it is told to, and `fill` with bytes of that length is one plain copy.
 */
function copyInto(shared: Uint8Array, bytes: Uint8Array, at: number): void {
  asBuffer(shared).fill(bytes, at, at + bytes.length);
}
