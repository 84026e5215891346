/**
 * Compresses frames in threads and, while those have enough before them, in the thread that asks, which would otherwise wait. Frames are handed over
 * in the order in which they came, whoever compressed them: the same source gives the same packs.
 */
import { encodeRawFrame, type FrameCompression } from '../codec/frame.ts';
import { giveBack } from '../codec/memory.ts';
import { invariant } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import type { BlobKind } from '../model/store.ts';
import { FrameThreads, threadsWorthStarting } from './frame-threads.ts';

export interface RawFrame {
  readonly kind: BlobKind;
  /** As `FrameBuffer` gives them: before them, their memory has room for a frame's header. */
  readonly raw: Uint8Array<ArrayBuffer>;
  readonly blobCount: number;
  readonly compression: FrameCompression;
}

interface WaitingFrame<F> {
  readonly frame: F;
  /** Length of its raw bytes. */
  readonly bytes: number;
  /** What it became, where it was compressed here and not by a thread. */
  readonly encoded: Uint8Array | undefined;
}

/** `F` is what the caller knows a frame by. */
export class FrameCompressor<F> {
  /** Writes a frame whose bytes are valid only meanwhile. */
  readonly #write: (frame: F, encoded: Uint8Array) => void;
  #threads: FrameThreads<'encode'> | undefined;
  /** Oldest first. */
  readonly #waiting: WaitingFrame<F>[] = [];
  /** Of the frames that threads have. */
  #threadBytes = 0;
  /** How many of those that wait were compressed here. */
  #ownFrames = 0;
  /** Memory for frames to come. */
  readonly #spare: ArrayBuffer[] = [];

  constructor(write: (frame: F, encoded: Uint8Array) => void) {
    this.#write = write;
  }

  get hasThreads(): boolean {
    return this.#threads !== undefined;
  }

  /** Until they are ready, frames are compressed here. */
  startThreads(): void {
    this.#threads ??= new FrameThreads(threadsWorthStarting({ besides: 1 }), { tasksAhead: framesAhead });
  }

  /** Returns whether the memory of the raw bytes was taken. Hands over what is ready. */
  compress(frame: F, { kind, raw, blobCount, compression }: RawFrame): boolean {
    this.#writeReady();
    const bytes = raw.length;
    const threads = this.#threadsWithRoom();
    if (threads === undefined) {
      const encoded = encodeRawFrame(kind, raw, blobCount, compression);
      this.#waiting.push({ frame, bytes, encoded });
      this.#ownFrames++;
      this.#writeReady();
      return false;
    }
    const { buffer: memory, byteOffset: start } = raw;
    threads.submit({ do: 'encode', kind, memory, start, end: start + bytes, blobCount, compression });
    this.#waiting.push({ frame, bytes, encoded: undefined });
    this.#threadBytes += bytes;
    return true;
  }

  /** Hands over frames, and waits for them, until that is so. */
  writeUntil(isReached: () => boolean): void {
    while (!isReached()) this.#writeOldest();
  }

  /** Hands over all that came. */
  writeAll(): void {
    this.writeUntil(() => this.#waiting.length === 0);
  }

  /** For `bytes` or more: what fits, or new; what fits nothing any more goes. */
  takeMemory(bytes: number): ArrayBuffer {
    const at = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 3 * bytes);
    const [memory] = this.#spare.splice(Math.max(at, 0), 1);
    return at < 0 || memory === undefined ? new ArrayBuffer(bytes) : memory;
  }

  async end(): Promise<void> {
    await this.#threads?.end();
  }

  /** Threads that want one more frame. They are waited for where enough was compressed here meanwhile. */
  #threadsWithRoom(): FrameThreads<'encode'> | undefined {
    const threads = this.#threads;
    if (!threads?.areReady) return undefined;
    const bytesMax = threads.count * bytesAhead;
    const haveEnough = (): boolean => threads.isFull || this.#threadBytes > bytesMax;
    if (haveEnough() && this.#ownFrames < ownFramesMax) return undefined;
    while (haveEnough()) this.#writeOldest();
    return threads;
  }

  #writeReady(): void {
    while (this.#waiting[0]?.encoded !== undefined || this.#threads?.isOldestReady) this.#writeOldest();
  }

  #writeOldest(): void {
    const oldest = this.#waiting.shift();
    invariant(oldest !== undefined, 'a frame that waits');
    const { frame, encoded } = oldest;
    if (encoded === undefined) this.#writeAnswer(oldest);
    else {
      this.#ownFrames--;
      this.#write(frame, encoded);
      giveBack(encoded);
    }
  }

  #writeAnswer({ frame, bytes }: WaitingFrame<F>): void {
    invariant(this.#threads !== undefined, 'threads that have a frame');
    this.#threadBytes -= bytes;
    const answer = this.#threads.collect();
    if ('problem' in answer) throw new Error(`Internal error while compressing: ${answer.problem}`);
    this.#write(frame, new Uint8Array(answer.memory, 0, answer.bytes));
    this.#spare.push(answer.memory);
  }
}

/** Of each thread: they go on while this one writes an index transaction, or a long file that is known. */
const framesAhead = 8;
const bytesAhead = framesAhead * limits.dataFrameBytesTarget;
/** They wait for one that a thread has: more would only take memory. */
const ownFramesMax = 4;
