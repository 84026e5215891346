/** A task of a thread: frames of a pack are read and decoded, and every blob compared with the id that the pack's directory gives it. */
import type { DecodedFrame } from '../codec/frame.ts';
import { blobNamer } from '../codec/hash.ts';
import { giveBack } from '../codec/memory.ts';
import type { BlobId } from '../model/ids.ts';
import type { DecodeTask, FrameToProve, ProveTask } from './frame-threads.ts';
import { numbersOfFailed } from './task-steps.ts';

const idDigits = 64;

/** Numbers of the frames that are not what the directory says, or could not be read. `goesOn` is asked before each. */
export function provePack(
  task: ProveTask,
  decode: (frame: DecodeTask) => DecodedFrame,
  goesOn: () => boolean,
): number[] {
  const idOf = blobNamer(task.idKey);
  return numbersOfFailed(task.frames, goesOn, (frame) => isAsListed(frame, decode(frame.frame), idOf));
}

function isAsListed(
  { kind, ids, lengths }: FrameToProve,
  decoded: DecodedFrame,
  idOf: (bytes: Uint8Array) => BlobId,
): boolean {
  const { blobs } = decoded;
  const isSame =
    decoded.kind === kind &&
    blobs.length === lengths.length &&
    blobs.every(
      (blob, position) =>
        blob.length === lengths[position] &&
        idOf(blob) === ids.slice(idDigits * position, idDigits * (position + 1)),
    );
  const [first] = blobs;
  if (first !== undefined) giveBack(first);
  return isSame;
}
