/**
 * DEFLATE compression by our own kernel (WebAssembly, `assembly/kernel.ts`), one piece of at most 1 MiB at a time.
 * The result for a piece depends on its bytes and on the 32 KiB before it only, so pieces may be compressed anywhere, in any
 * order, by any version of Node, and give the same bytes. See docs/decisions/0006-deterministic-gzip.md.
 */
import { invariant } from '../../model/errors.ts';
import { kernelBase64 } from './kernel.generated.ts';

export const pieceBytesMax = 1024 * 1024;
export const dictionaryBytesMax = 32 * 1024;

/** What ends a stream of pieces: an empty block with fixed codes that says it is the last. */
export const deflateEnd: Uint8Array = Uint8Array.of(0x03, 0x00);

/**
 * Compresses the bytes of `window` after its first `dictionaryBytes`, which are what came before them. The result is whole blocks
 * that end at a byte boundary, valid until the next call.
 */
export type PieceCompressor = (window: Uint8Array, dictionaryBytes: number) => Uint8Array;

/** As much of WebAssembly as is used: TypeScript declares it with the DOM only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => CompiledKernel;
  readonly Instance: new (module: CompiledKernel) => { readonly exports: unknown };
};

/** The compiled kernel; it can be sent to other threads. */
export type CompiledKernel = object;

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  pieceBytesMax(): number;
  dictionaryEnd(): number;
  outputStart(): number;
  compress(dictionaryBytes: number, bytes: number): number;
}

let compiled: CompiledKernel | undefined;

export function compiledKernel(): CompiledKernel {
  compiled ??= new WebAssembly.Module(Buffer.from(kernelBase64, 'base64'));
  return compiled;
}

export function createPieceCompressor(): PieceCompressor {
  const kernel = new WebAssembly.Instance(compiledKernel()).exports as Kernel;
  invariant(kernel.pieceBytesMax() === pieceBytesMax, 'the deflate kernel has another piece size');
  const memory = new Uint8Array(kernel.memory.buffer);
  const middle = kernel.dictionaryEnd();
  const output = kernel.outputStart();
  return (window, dictionaryBytes) => {
    const bytes = window.length - dictionaryBytes;
    invariant(dictionaryBytes <= dictionaryBytesMax && bytes <= pieceBytesMax, `a deflate piece of ${bytes}`);
    memory.set(window, middle - dictionaryBytes);
    return memory.subarray(output, output + kernel.compress(dictionaryBytes, bytes));
  };
}

export const windowBytesMax: number = dictionaryBytesMax + pieceBytesMax;

/**
 * What is done with a window: up to 32 KiB that were in the piece before, then a new piece, at the start of `memory`. Returns the memory
 * for the next one, which may be the same.
 */
export type TakeWindow = (memory: Uint8Array, bytes: number, dictionaryBytes: number) => Uint8Array;

/** Cuts a stream of bytes into windows. */
export class PieceCutter {
  readonly #take: TakeWindow;
  #memory: Uint8Array;
  #dictionary = 0;
  #end = 0;

  /** `memory`, and what `take` returns, have room for the largest window. */
  constructor(memory: Uint8Array, take: TakeWindow) {
    this.#memory = memory;
    this.#take = take;
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + this.#dictionary + pieceBytesMax - this.#end);
      this.#memory.set(part, this.#end);
      this.#end += part.length;
      done += part.length;
      if (this.#end === this.#dictionary + pieceBytesMax) this.flush();
    }
  }

  /** Gives away what is waiting. Where pieces end is part of the result: only the end of the stream may cut one short. */
  flush(): void {
    if (this.#end === this.#dictionary) return;
    const kept = this.#memory.slice(Math.max(0, this.#end - dictionaryBytesMax), this.#end);
    this.#memory = this.#take(this.#memory, this.#end, this.#dictionary);
    this.#memory.set(kept);
    this.#dictionary = kept.length;
    this.#end = kept.length;
  }
}
