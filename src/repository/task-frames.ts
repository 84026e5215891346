/** Frames as a task needs them, in a thread or in whoever gives tasks: read, decoded, used and done with. Their memory is used again. */
import { closeSync, openSync, readSync } from 'node:fs';
import { type DecodedFrame, decodeFrame } from '../codec/frame.ts';
import { Recycled } from '../codec/memory.ts';
import { unsealFrame } from '../codec/sealed-frame.ts';
import { DamageError } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import type { DecodeTask } from './frame-threads.ts';

export type FrameMemory = Pick<Recycled, 'take' | 'give'>;

const place = 'frame';

export class TaskFrames {
  readonly #memory = new Recycled();

  /** @throws DamageError, or what the system says */
  decode(task: DecodeTask): DecodedFrame {
    return decodedIn(this.#memory, task);
  }

  /** Nobody may use its blobs afterwards. */
  release({ blobs: [first] }: DecodedFrame): void {
    if (first !== undefined) this.#memory.give(first);
  }
}

export function decodedIn(memory: FrameMemory, task: DecodeTask): DecodedFrame {
  if (task.bytes > limits.packBytesMax) throw new DamageError(place, 'is longer than a pack can be');
  const bytes = memory.take(task.bytes);
  let frame: DecodedFrame | undefined;
  try {
    readBytes(task, bytes);
    frame = decodedOf(task, bytes, memory);
    return frame;
  } finally {
    if (frame?.blobs[0]?.buffer !== bytes.buffer) memory.give(bytes);
  }
}

function decodedOf({ keys, number }: DecodeTask, bytes: Buffer, { take }: FrameMemory): DecodedFrame {
  return keys === undefined ? decodeFrame(bytes, place, take) : unsealFrame(bytes, keys, place, number, take);
}

function readBytes({ path, offset }: DecodeTask, frame: Buffer): void {
  const fd = openSync(path, 'r');
  try {
    for (let done = 0; done < frame.length; ) {
      const count = readSync(fd, frame, done, frame.length - done, offset + done);
      if (count === 0) throw new DamageError(place, 'cut short');
      done += count;
    }
  } finally {
    closeSync(fd);
  }
}
