/**
 * A ring of frames in shared memory, between the thread that fills them and those that compress them. Nothing is sent as a
 * message: the writer of packs is synchronous and could not receive one. Positions count up for ever; position p
 * is in slot p modulo the number of slots.
 *
 * Numbers in `control`, all i32:
 *    0 – positions submitted          3 + 8s – state of slot s: 0 free, 1 waiting, 2 done, 3 failed
 *    1 – positions taken by threads   4 + 8s – kind (number as in a frame)
 *    2 – 1 once threads shall end     5 + 8s – number of blobs
 *                                     6 + 8s – zstd level
 *                                     7 + 8s – bytes in the slot's input
 *                                     8 + 8s – bytes in the slot's output: the frame, or the text of an error
 */
import { encodeRawFrame } from '../codec/frame.ts';
import { invariant, messageOf } from '../model/errors.ts';
import type { BlobKind } from '../model/store.ts';
import { bufferedFrameBytesMax } from './frame-buffer.ts';

const submittedAt = 0;
const takenAt = 1;
const endedAt = 2;
const firstSlotAt = 3;
const slotNumbers = 8;
const states = { free: 0, waiting: 1, done: 2, failed: 3 } as const;
const kinds: readonly BlobKind[] = ['data', 'tree'];

/** A frame is at most as long as its raw bytes and two headers: what does not shrink is stored as it is. */
const slotBytes = bufferedFrameBytesMax + 1024;

export interface FrameQueueMemory {
  readonly control: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  readonly slotCount: number;
}

/** Pages of shared memory that are never touched cost nothing: a slot usually holds a fifth of what it could. */
export function createQueueMemory(slotCount: number): FrameQueueMemory {
  return {
    control: new SharedArrayBuffer(4 * (firstSlotAt + slotNumbers * slotCount)),
    slots: new SharedArrayBuffer(2 * slotBytes * slotCount),
    slotCount,
  };
}

export interface RawFrame {
  readonly kind: BlobKind;
  readonly raw: Uint8Array;
  readonly blobCount: number;
  readonly level: number;
}

/** Both sides of the ring. Only one thread submits and collects; any number of others compress. */
export class FrameQueue {
  readonly #control: Int32Array;
  readonly #slots: Buffer;
  readonly #slotCount: number;
  #collected = 0;

  constructor(memory: FrameQueueMemory) {
    this.#control = new Int32Array(memory.control);
    this.#slots = Buffer.from(memory.slots);
    this.#slotCount = memory.slotCount;
  }

  get isFull(): boolean {
    return this.#submitted - this.#collected >= this.#slotCount;
  }

  get isEmpty(): boolean {
    return this.#submitted === this.#collected;
  }

  /** Copies the bytes. Not to be called while it is full. */
  submit(frame: RawFrame): void {
    invariant(!this.isFull && frame.raw.length <= slotBytes, `a frame of ${frame.raw.length} bytes`);
    const position = this.#submitted;
    const slot = position % this.#slotCount;
    this.#slots.set(frame.raw, this.#inputOf(slot));
    const at = firstSlotAt + slotNumbers * slot;
    const numbers = [
      states.waiting,
      kinds.indexOf(frame.kind),
      frame.blobCount,
      frame.level,
      frame.raw.length,
    ];
    this.#control.set(numbers, at);
    Atomics.store(this.#control, submittedAt, position + 1);
    Atomics.notify(this.#control, submittedAt);
  }

  /** Whether the oldest frame can be collected at once. */
  get isOldestReady(): boolean {
    return !this.isEmpty && Atomics.load(this.#control, this.#oldestState()) !== states.waiting;
  }

  /**
   * The oldest frame, compressed; waits for it. The bytes are valid until the next call of `submit`.
   * @throws when no thread answers for `waitMs`, or compressing failed
   */
  collect(waitMs: number): Buffer {
    invariant(!this.isEmpty, 'nothing to collect');
    const at = this.#oldestState();
    if (Atomics.wait(this.#control, at, states.waiting, waitMs) === 'timed-out') {
      throw new Error(`Internal error: no compressing thread has answered for ${waitMs / 1000} s.`);
    }
    const slot = this.#collected++ % this.#slotCount;
    const start = this.#inputOf(slot) + slotBytes;
    const output = this.#slots.subarray(start, start + (this.#control[at + 5] ?? 0));
    const state = Atomics.exchange(this.#control, at, states.free);
    if (state === states.failed) throw new Error(`Internal error while compressing: ${output.toString()}`);
    return output;
  }

  /** Threads end when they have nothing more to do. */
  end(): void {
    Atomics.store(this.#control, endedAt, 1);
    Atomics.notify(this.#control, submittedAt);
  }

  /** What a thread does: compresses one frame after another, until it is told to end. */
  serve(): void {
    for (;;) {
      const submitted = Atomics.load(this.#control, submittedAt);
      const taken = Atomics.load(this.#control, takenAt);
      if (taken < submitted) {
        const isMine = Atomics.compareExchange(this.#control, takenAt, taken, taken + 1) === taken;
        if (isMine) this.#compress(taken % this.#slotCount);
      } else if (Atomics.load(this.#control, endedAt) === 1) return;
      else Atomics.wait(this.#control, submittedAt, submitted);
    }
  }

  #compress(slot: number): void {
    const at = firstSlotAt + slotNumbers * slot;
    const [, kind = 0, blobCount = 0, level = 0, bytes = 0] = this.#control.subarray(at, at + 5);
    const start = this.#inputOf(slot);
    const raw = this.#slots.subarray(start, start + bytes);
    let output: Buffer;
    let state: number = states.done;
    try {
      output = encodeRawFrame(kinds[kind] ?? 'data', raw, blobCount, { level });
    } catch (error) {
      output = Buffer.from(messageOf(error)).subarray(0, slotBytes);
      state = states.failed;
    }
    this.#slots.set(output, start + slotBytes);
    this.#control[at + 5] = output.length;
    Atomics.store(this.#control, at, state);
    Atomics.notify(this.#control, at);
  }

  get #submitted(): number {
    return Atomics.load(this.#control, submittedAt);
  }

  #oldestState(): number {
    return firstSlotAt + slotNumbers * (this.#collected % this.#slotCount);
  }

  #inputOf(slot: number): number {
    return 2 * slotBytes * slot;
  }
}
