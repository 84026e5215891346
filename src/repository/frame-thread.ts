/**
 * The program of a thread that compresses frames, or reads and proves them, or writes files of them, or hashes files. The memory that bytes are in goes back and forth: a frame
 * returns in the memory that its raw bytes came in, which has room for both headers.
 */
import { type MessagePort, workerData } from 'node:worker_threads';
import { type DecodedFrame, encodeRawFrame } from '../codec/frame.ts';
import { hashBytes } from '../codec/hash.ts';
import { giveBack } from '../codec/memory.ts';
import { messageOf } from '../model/errors.ts';
import { idBytes } from '../model/ids.ts';
import type {
  CheckedFrame,
  DecodeTask,
  EncodedFrame,
  EncodeTask,
  FilesDone,
  FileTask,
  FrameAnswer,
  HashedFiles,
  HashTask,
  ProveTask,
} from './frame-threads.ts';
import { hashFiles } from './hash-files.ts';
import { unpackFiles } from './packed-files.ts';
import { placeFiles } from './place-files.ts';
import { provePack } from './prove-pack.ts';
import { SharedPack } from './shared-pack.ts';
import { decodedIn, type FrameMemory, TaskFrames } from './task-frames.ts';

const { answered, port } = workerData as { readonly answered: SharedArrayBuffer; readonly port: MessagePort };
const answers = new Int32Array(answered);

port.on('message', (task: Task) => {
  const { answer, memory } = work(task);
  port.postMessage(answer, memory === undefined ? [] : [memory]);
  Atomics.add(answers, 0, 1);
  Atomics.notify(answers, 0);
});
Atomics.store(answers, 1, 1);
Atomics.notify(answers, 1);

type Task = EncodeTask | DecodeTask | FileTask | ProveTask | HashTask;

interface Worked {
  readonly answer: FrameAnswer<EncodedFrame | CheckedFrame | FilesDone | HashedFiles | Record<string, never>>;
  /** What goes along with it. */
  readonly memory?: ArrayBuffer;
}

function work(task: Task): Worked {
  try {
    switch (task.do) {
      case 'encode':
        return encode(task);
      case 'decode':
        return decode(task);
      case 'place':
        return {
          answer: { failed: placeFiles({ ...task, files: unpackFiles(task.files) }, frames, goesOn) },
        };
      case 'prove':
        provePack(new SharedPack(task), task.idKey, frames, goesOn);
        return { answer: {} };
      case 'hash':
        return { answer: { hashes: hashFiles(task, goesOn) } };
    }
  } catch (error) {
    return { answer: { problem: messageOf(error) } };
  }
}

/** Tells that it gets on, and hears whether it is to. */
function goesOn(): boolean {
  Atomics.add(answers, 2, 1);
  return Atomics.load(answers, 3) === 0;
}

function encode({ kind, memory, start, end, blobCount, compression }: EncodeTask): Worked {
  const frame = encodeRawFrame(kind, new Uint8Array(memory, start, end - start), blobCount, compression);
  const bytes = frame.length;
  new Uint8Array(memory).set(frame);
  giveBack(frame);
  return { answer: { memory, bytes }, memory };
}

function decode(task: DecodeTask): Worked {
  const { kind, blobs } = withOwnMemory(decodedIn(fresh, task));
  const hashes = new Uint8Array(idBytes * blobs.length);
  for (const [position, blob] of blobs.entries()) hashes.set(hashBytes(blob), idBytes * position);
  const [first] = blobs;
  const answer = { kind, blobs, hashes };
  return first === undefined ? { answer } : { answer, memory: first.buffer as ArrayBuffer };
}

/** Frames that stay here. */
const frames = new TaskFrames();

/** For those that go away. */
const fresh: FrameMemory = { take: (bytes) => Buffer.allocUnsafeSlow(bytes), give: giveBack };

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
