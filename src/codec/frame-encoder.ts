/**
 * Encodes frames, several at once, and gives them back in the order in which they came. Those of more than half a megabyte are compressed in threads of the
 * library's own (zstd-thread.ts), where there are any. To begin with one takes half a millisecond, to wake its thread: in a long run threads of Node's, which have the next frames
 * before them, are faster (docs/decisions/0013).
 */
import { availableParallelism } from 'node:os';
import { invariant } from '../model/errors.ts';
import {
  codecRaw,
  codecZstd,
  compressedBytesMax,
  pays,
  type ZstdSettings,
  zstdSettings,
} from './compression.ts';
import { unzstdInto } from './decode-now.ts';
import { encodeRawFrame, frameHeadBytes, type RawFrame, writeFrameHead } from './frame.ts';
import { Recycled } from './memory.ts';
import { threadBytesMin, ZstdThread } from './zstd-thread.ts';

/** A frame that a thread is at. */
interface BegunFrame extends Pick<RawFrame, 'kind' | 'blobCount'> {
  readonly rawBytes: number;
  readonly thread: ZstdThread;
}

export class FrameEncoder implements Disposable {
  #hasThreads: boolean;
  /** In order; some are done, because no thread is needed for them. */
  readonly #begun: (BegunFrame | Buffer)[] = [];
  #begunBytes = 0;
  /** Threads with nothing to do; last those that were busy last. */
  readonly #idle: ZstdThread[] = [];
  readonly #memory = new Recycled();
  /** What was given last. */
  #given: Buffer | undefined;

  /** On a single core threads would only take turns. */
  constructor(cores = availableParallelism()) {
    this.#hasThreads = cores > 1;
  }

  /** Whether the oldest should be taken before the next one is begun. */
  get isFull(): boolean {
    return this.#begun.length >= framesAhead || this.#begunBytes > bytesAhead;
  }

  get isEmpty(): boolean {
    return this.#begun.length === 0;
  }

  /** Takes the bytes before it returns. The frame, where it is done and no other comes before it; see `end`. */
  begin(frame: RawFrame): Buffer | undefined {
    this.#recycle();
    const { kind, blobCount, raw } = frame;
    const isLong = this.#hasThreads && raw.length >= threadBytesMin;
    const settings = isLong ? zstdSettingsFor(frame) : undefined;
    const thread = settings && this.#threadAt(raw, settings);
    if (thread !== undefined) {
      this.#begun.push({ kind, blobCount, rawBytes: raw.length, thread });
      this.#begunBytes += raw.length;
      return undefined;
    }
    const compression = isLong && settings === undefined ? { level: 0 } : frame.compression;
    const encoded = encodeRawFrame({ ...frame, compression }, this.#memory.take);
    if (this.isEmpty) return this.#give(encoded);
    this.#begun.push(encoded);
    this.#begunBytes += encoded.length;
    return undefined;
  }

  /** The oldest frame that was begun, once it is done. Its bytes are valid until the next call. */
  end(): Buffer {
    this.#recycle();
    const oldest = this.#begun.shift();
    invariant(oldest !== undefined, 'a frame that was begun');
    this.#begunBytes -= 'thread' in oldest ? oldest.rawBytes : oldest.length;
    return this.#give('thread' in oldest ? this.#finished(oldest) : oldest);
  }

  /** Waits for what the threads are at. */
  [Symbol.dispose](): void {
    for (const begun of this.#begun.splice(0)) if ('thread' in begun) begun.thread[Symbol.dispose]();
    for (const thread of this.#idle.splice(0)) thread[Symbol.dispose]();
  }

  /** A thread that has begun with it. */
  #threadAt(raw: Uint8Array, settings: ZstdSettings): ZstdThread | undefined {
    const thread = this.#threadFor(settings, raw.length);
    if (thread === undefined || thread.begin(raw)) return thread;
    thread[Symbol.dispose]();
    this.#hasThreads = false; // the system refuses one; they only save time
    return undefined;
  }

  #threadFor(settings: ZstdSettings, bytes: number): ZstdThread | undefined {
    const at = this.#idle.findLastIndex((thread) => thread.isFor(settings, bytes));
    const [idle] = at < 0 ? [] : this.#idle.splice(at, 1);
    const thread = idle ?? ZstdThread.for(settings, bytes);
    this.#hasThreads = thread !== undefined;
    return thread;
  }

  #finished({ kind, blobCount, rawBytes, thread }: BegunFrame): Buffer {
    const room = this.#memory.take(frameHeadBytes + compressedBytesMax(rawBytes));
    const bytes = thread.end(room.subarray(frameHeadBytes));
    this.#idle.push(thread);
    if (this.#idle.length > idleMax) this.#idle.shift()?.[Symbol.dispose]();
    const compressed = room.subarray(0, frameHeadBytes + bytes);
    if (pays(bytes, rawBytes))
      return writeFrameHead(compressed, { codec: codecZstd, kind, rawBytes, blobCount });
    // The bytes it was made of are no longer there. This is rare: samples said that it would pay.
    const stored = this.#memory.take(frameHeadBytes + rawBytes);
    const decoded = unzstdInto(compressed.subarray(frameHeadBytes), stored.subarray(frameHeadBytes));
    invariant(decoded === rawBytes, 'all that was compressed');
    this.#memory.give(room);
    return writeFrameHead(stored, { codec: codecRaw, kind, rawBytes, blobCount });
  }

  #give(frame: Buffer): Buffer {
    this.#given = frame;
    return frame;
  }

  #recycle(): void {
    if (this.#given !== undefined) this.#memory.give(this.#given);
    this.#given = undefined;
  }
}

/** Undefined where it is stored as it is. */
function zstdSettingsFor({ raw, compression: { level, isLarge } }: RawFrame): ZstdSettings | undefined {
  return level === 0 ? undefined : zstdSettings(raw, level, isLarge);
}

/** They are compressed while their order is waited for, or the thread that gives them is busy with other things. */
const framesAhead = 4;
const bytesAhead = 12 * 1024 * 1024;
const idleMax = framesAhead;
