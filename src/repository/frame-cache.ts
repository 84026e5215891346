/** Decoded frames, the least recently used dropped first. Restores read blobs in the order they were stored, so a few frames suffice. */
import type { DecodedFrame } from '../codec/frame.ts';
import { limits } from '../model/limits.ts';

export class FrameCache {
  readonly #frames = new Map<string, { readonly frame: DecodedFrame; readonly bytes: number }>();
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number = limits.frameCacheBytesMax) {
    this.#bytesMax = bytesMax;
  }

  get(name: string): DecodedFrame | undefined {
    const entry = this.#frames.get(name);
    if (entry === undefined) return undefined;
    this.#frames.delete(name); // to the end: a Map keeps the order of insertion
    this.#frames.set(name, entry);
    return entry.frame;
  }

  set(name: string, frame: DecodedFrame): void {
    const bytes = frame.blobs.reduce((sum, blob) => sum + blob.length, 0);
    this.#frames.set(name, { frame, bytes });
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#frames) {
      if (this.#bytes <= this.#bytesMax || oldest === name) return;
      this.#frames.delete(oldest);
      this.#bytes -= entry.bytes;
    }
  }

  clear(): void {
    this.#frames.clear();
    this.#bytes = 0;
  }
}
