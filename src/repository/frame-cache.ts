/** Decoded frames, the least recently used dropped first. Restores read blobs in the order they were stored, so a few frames suffice. */
import { giveBack } from '../codec/memory.ts';
import { limits } from '../model/limits.ts';
import type { CheckedFrame } from './frame-threads.ts';

export class FrameCache {
  readonly #frames = new Map<string, { readonly frame: CheckedFrame; readonly bytes: number }>();
  readonly #bytesMax: number;
  #bytes = 0;
  /** Whether nobody uses the contents of a frame that is dropped. */
  areContentsDone = false;

  constructor(bytesMax: number = limits.frameCacheBytesMax) {
    this.#bytesMax = bytesMax;
  }

  get(name: string): CheckedFrame | undefined {
    const entry = this.#frames.get(name);
    if (entry === undefined) return undefined;
    this.#frames.delete(name); // to the end: a Map keeps the order of insertion
    this.#frames.set(name, entry);
    return entry.frame;
  }

  has(name: string): boolean {
    return this.#frames.has(name);
  }

  /** Returns how many bytes it holds. */
  set(name: string, frame: CheckedFrame): number {
    const bytes = frame.blobs.reduce((sum, blob) => sum + blob.length, 0);
    this.#frames.set(name, { frame, bytes });
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#frames) {
      if (this.#bytes <= this.#bytesMax || oldest === name) break;
      this.#frames.delete(oldest);
      this.#bytes -= entry.bytes;
      const [first] = entry.frame.blobs;
      if (this.areContentsDone && entry.frame.kind === 'data' && first !== undefined) giveBack(first);
    }
    return bytes;
  }

  clear(): void {
    this.#frames.clear();
    this.#bytes = 0;
  }
}
