/**
 * The program of a thread that compresses frames, or reads and proves them. The memory that bytes are in goes back and forth: a frame
 * returns in the memory that its raw bytes came in, which has room for both headers.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type MessagePort, workerData } from 'node:worker_threads';
import { type DecodedFrame, decodeFrame, encodeRawFrame } from '../codec/frame.ts';
import { hashBytes } from '../codec/hash.ts';
import { giveBack } from '../codec/memory.ts';
import { unsealFrame } from '../codec/sealed-frame.ts';
import { messageOf } from '../model/errors.ts';
import { idBytes } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { CheckedFrame, DecodeTask, EncodedFrame, EncodeTask, FrameAnswer } from './frame-threads.ts';

const { answered, port } = workerData as { readonly answered: SharedArrayBuffer; readonly port: MessagePort };
const answers = new Int32Array(answered);

port.on('message', (task: EncodeTask | DecodeTask) => {
  const { answer, memory } = work(task);
  port.postMessage(answer, memory === undefined ? [] : [memory]);
  Atomics.add(answers, 0, 1);
  Atomics.notify(answers, 0);
});
Atomics.store(answers, 1, 1);

interface Worked {
  readonly answer: FrameAnswer<EncodedFrame | CheckedFrame>;
  /** What goes along with it. */
  readonly memory?: ArrayBuffer;
}

function work(task: EncodeTask | DecodeTask): Worked {
  try {
    return task.do === 'encode' ? encode(task) : decode(task);
  } catch (error) {
    return { answer: { problem: messageOf(error) } };
  }
}

function encode({ kind, memory, start, end, blobCount, level }: EncodeTask): Worked {
  const frame = encodeRawFrame(kind, new Uint8Array(memory, start, end - start), blobCount, { level });
  const bytes = frame.length;
  new Uint8Array(memory).set(frame);
  giveBack(frame);
  return { answer: { memory, bytes }, memory };
}

function decode(task: DecodeTask): Worked {
  const frame = readBytes(task);
  const place = 'frame';
  const { kind, blobs } = withOwnMemory(
    task.keys === undefined ? decodeFrame(frame, place) : unsealFrame(frame, task.keys, place, task.number),
  );
  if (!blobs.some(({ buffer }) => buffer === frame.buffer)) giveBack(frame);
  const hashes = new Uint8Array(idBytes * blobs.length);
  for (const [position, blob] of blobs.entries()) hashes.set(hashBytes(blob), idBytes * position);
  const [first] = blobs;
  const answer = { kind, blobs, hashes };
  return first === undefined ? { answer } : { answer, memory: first.buffer as ArrayBuffer };
}

/** Small buffers share memory with others, and then it cannot be given away. */
function withOwnMemory(frame: DecodedFrame): DecodedFrame {
  const [first] = frame.blobs;
  if (first === undefined || first.buffer.byteLength > Buffer.poolSize) return frame;
  const bytes = frame.blobs.reduce((sum, blob) => sum + blob.length, 0);
  const memory = new Uint8Array(bytes);
  let at = 0;
  const blobs = frame.blobs.map((blob) => {
    memory.set(blob, at);
    at += blob.length;
    return memory.subarray(at - blob.length, at);
  });
  return { kind: frame.kind, blobs };
}

function readBytes({ path, offset, bytes }: DecodeTask): Buffer {
  if (bytes > limits.packBytesMax) throw new Error('too long');
  const frame = Buffer.allocUnsafeSlow(bytes);
  const fd = openSync(path, 'r');
  try {
    for (let done = 0; done < bytes; ) {
      const count = readSync(fd, frame, done, bytes - done, offset + done);
      if (count === 0) throw new Error('cut short');
      done += count;
    }
  } finally {
    closeSync(fd);
  }
  return frame;
}
