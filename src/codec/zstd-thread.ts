/**
 * A thread of libzstd's own that compresses one piece of bytes after another, each to a zstd frame, as short as `zstdCompressSync` makes it (not always of the same
 * bytes). It starts in a tenth of a millisecond, where a thread of Node's takes 50 and a heap of its own.
 *
 * The library is asked for a frame with one thread to help (`ZSTD_c_nbWorkers`), and is given no room for the result: it copies the piece, lets the thread begin,
 * and returns. Asked once more, with room, it waits for the thread. Node's streams always give room, so what they work with is used without them.
 */
import { constants, createZstdCompress } from 'node:zlib';
import { invariant } from '../model/errors.ts';
import type { ZstdSettings } from './compression.ts';
import { ZlibEngine } from './zlib-engine.ts';
import { zstdBounds } from './zstd-blocks.ts';

/** Half a megabyte or less is compressed by whoever asks, whatever the library is told. */
export const threadBytesMin = 640 * 1024;
/** A piece of this length or less is one task for the thread. Longer ones would be cut, and what they become would be longer. */
const jobBytes = [1.25 * 1024 * 1024, 8 * 1024 * 1024];

const nothing = new Uint8Array(0);

export class ZstdThread implements Disposable {
  readonly settings: ZstdSettings;
  readonly #bytesMax: number;
  readonly #engine: ZlibEngine;

  /** Undefined where Node or its library has no such threads. */
  static for(settings: ZstdSettings, bytes: number): ZstdThread | undefined {
    const bytesMax = jobBytes.find((most) => bytes <= most);
    if (bytesMax === undefined) return undefined;
    const params = {
      ...settings.params,
      [constants.ZSTD_c_nbWorkers]: 1,
      [constants.ZSTD_c_jobSize]: bytesMax,
      [constants.ZSTD_c_overlapLog]: 1, // none: less memory
    };
    let engine: ZlibEngine | undefined;
    try {
      engine = ZlibEngine.of(createZstdCompress({ chunkSize: 64, params }));
    } catch {
      // The library was built without threads.
    }
    return engine && new ZstdThread(settings, bytesMax, engine);
  }

  private constructor(settings: ZstdSettings, bytesMax: number, engine: ZlibEngine) {
    this.settings = settings;
    this.#bytesMax = bytesMax;
    this.#engine = engine;
  }

  /** Whether it is the one for so many bytes with these settings. */
  isFor(settings: ZstdSettings, bytes: number): boolean {
    return settings === this.settings && bytes <= this.#bytesMax;
  }

  /** Takes the bytes before it returns, at least `threadBytesMin` of them. False where it cannot: it is of no use any more then. */
  begin(raw: Uint8Array): boolean {
    const { unused, problem } = this.#engine.step(constants.ZSTD_e_end, raw, nothing);
    return unused === 0 && problem === undefined;
  }

  /** Waits for what the bytes have become, of which there is room for all (`compressedBytesMax`): how many bytes that are. */
  end(out: Uint8Array): number {
    const { written, problem } = this.#engine.step(constants.ZSTD_e_end, nothing, out);
    if (problem !== undefined) throw new Error(`Cannot compress with zstd: ${problem}`);
    // What was compressed is no longer there: half a frame would be a loss that is found when it is restored.
    invariant(zstdBounds(out.subarray(0, written)) !== undefined, 'a whole zstd frame');
    return written;
  }

  /** Waits for what it is at. */
  [Symbol.dispose](): void {
    this.#engine.close();
  }
}
