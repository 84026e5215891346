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

/** Cuts a stream of bytes into windows: up to 32 KiB that were in the piece before, then a new piece. */
export class PieceCutter {
  readonly #window = new Uint8Array(dictionaryBytesMax + pieceBytesMax);
  readonly #emit: (window: Uint8Array, dictionaryBytes: number) => void;
  #dictionary = 0;
  #end = 0;

  /** `emit` gets each window; it is valid during the call only. */
  constructor(emit: (window: Uint8Array, dictionaryBytes: number) => void) {
    this.#emit = emit;
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + this.#dictionary + pieceBytesMax - this.#end);
      this.#window.set(part, this.#end);
      this.#end += part.length;
      done += part.length;
      if (this.#end === this.#dictionary + pieceBytesMax) this.flush();
    }
  }

  /** Emits what is waiting. Where pieces end is part of the result: only the end of the stream may cut one short. */
  flush(): void {
    if (this.#end === this.#dictionary) return;
    this.#emit(this.#window.subarray(0, this.#end), this.#dictionary);
    const kept = Math.min(this.#end, dictionaryBytesMax);
    this.#window.copyWithin(0, this.#end - kept, this.#end);
    this.#dictionary = kept;
    this.#end = kept;
  }
}
