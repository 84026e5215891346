/** A task of a thread: frames of a pack are read and decoded, and every blob compared with the id that the pack's directory gives it. */
import type { DecodedFrame } from '../codec/frame.ts';
import { blobNamer } from '../codec/hash.ts';
import type { BlobId } from '../model/ids.ts';
import type { FrameToProve, ProveTask } from './frame-threads.ts';
import type { TaskFrames } from './task-frames.ts';
import { numbersOfFailed } from './task-steps.ts';

const idDigits = 64;

/** Numbers of the frames that are not what the directory says, or could not be read. `goesOn` is asked before each. */
export function provePack(
  task: ProveTask,
  frames: Pick<TaskFrames, 'decode' | 'release'>,
  goesOn: () => boolean,
): number[] {
  const idOf = blobNamer(task.idKey);
  return numbersOfFailed(task.frames, goesOn, (frame) => {
    const decoded = frames.decode(frame.frame);
    const isSame = isAsListed(frame, decoded, idOf);
    frames.release(decoded);
    return isSame;
  });
}

function isAsListed(
  { kind, ids, lengths }: FrameToProve,
  decoded: DecodedFrame,
  idOf: (bytes: Uint8Array) => BlobId,
): boolean {
  const { blobs } = decoded;
  return (
    decoded.kind === kind &&
    blobs.length === lengths.length &&
    blobs.every(
      (blob, position) =>
        blob.length === lengths[position] &&
        idOf(blob) === ids.slice(idDigits * position, idDigits * (position + 1)),
    )
  );
}
