/**
 * The program of a compressing thread. One piece of memory goes back and forth: the raw bytes come in it, and the frame, which is
 * at most a little longer, returns in it.
 */
import { type MessagePort, workerData } from 'node:worker_threads';
import { encodeRawFrame } from '../codec/frame.ts';
import { messageOf } from '../model/errors.ts';
import type { FrameAnswer, FrameTask } from './frame-threads.ts';

const given = workerData as { readonly answered: SharedArrayBuffer; readonly port: MessagePort };
const answered = new Int32Array(given.answered);

given.port.on('message', (task: FrameTask) => {
  const answer = compress(task);
  given.port.postMessage(answer, answer.memory === undefined ? [] : [answer.memory]);
  Atomics.add(answered, 0, 1);
  Atomics.notify(answered, 0);
});

function compress({ kind, memory, start, end, blobCount, level }: FrameTask): FrameAnswer {
  try {
    const frame = encodeRawFrame(kind, new Uint8Array(memory, start, end - start), blobCount, { level });
    new Uint8Array(memory).set(frame);
    return { memory, bytes: frame.length };
  } catch (error) {
    return { memory: undefined, problem: messageOf(error) };
  }
}
