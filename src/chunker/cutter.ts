/** The chunker as it is used: WebAssembly where there is any, over a window that files are read straight into. */
import { cutShifts, gearTable } from './gear.ts';
import { kernelBase64 } from './kernel.generated.ts';
import type { CutProfile } from './parameters.ts';
import { findCutReference } from './reference.ts';

/** As much of WebAssembly as is used: TypeScript declares it with the DOM only. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

export interface Cutter {
  /** Put the bytes to be cut here. This cutter's own until it is released. */
  readonly window: Uint8Array;
  /**
   * End of the chunk that begins at `start` of the window, when bytes are there up to `end`. `end` itself means that no
   * cut point was found before it (unless the chunk is the largest there may be).
   */
  cut(start: number, end: number): number;
  /** Gives the window to the next cutter that is made. */
  release(): void;
}

/** Bytes of the window of every cutter. */
export const windowBytes = 4 * 1024 * 1024;
const windowOffset = 65_536;

type FindCut = (minEnd: number, middle: number, limit: number, before: number, after: number) => number;

interface Kernel {
  readonly window: Uint8Array;
  readonly findCut: FindCut;
}

const freeKernels: Kernel[] = [];

/** `EXUVIA_CHUNKER=reference` asks for the plain one, for tests and for doubt. */
export function createCutter(profile: CutProfile): Cutter {
  const useReference = typeof WebAssembly === 'undefined' || process.env['EXUVIA_CHUNKER'] === 'reference';
  return useReference ? createReferenceCutter(profile) : createKernelCutter(profile);
}

export function createReferenceCutter(profile: CutProfile): Cutter {
  const window = new Uint8Array(windowBytes);
  return { window, cut: (start, end) => findCutReference(window, start, end, profile), release: () => {} };
}

export function createKernelCutter(profile: CutProfile): Cutter {
  const kernel = freeKernels.pop() ?? startKernel();
  const { window, findCut } = kernel;
  const { minBytes, avgBytes, maxBytes } = profile;
  const { before, after } = cutShifts(profile);
  return {
    window,
    cut(start, end) {
      const limit = Math.min(end, start + maxBytes);
      if (limit - start <= minBytes) return limit;
      const minEnd = windowOffset + start + minBytes;
      const middle = windowOffset + Math.min(limit, start + avgBytes);
      return findCut(minEnd, middle, windowOffset + limit, before, after) - windowOffset;
    },
    release: () => void freeKernels.push(kernel),
  };
}

function startKernel(): Kernel {
  const bytes = Buffer.from(kernelBase64, 'base64');
  const memory = new WebAssembly.Memory({ initial: (windowOffset + windowBytes) / 65_536 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  new Uint32Array(memory.buffer, 0, 256).set(gearTable);
  return {
    window: new Uint8Array(memory.buffer, windowOffset, windowBytes),
    findCut: instance.exports['findCut'] as FindCut,
  };
}
