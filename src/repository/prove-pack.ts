/** What threads do of a check: frames of a pack are read and decoded, and every blob compared with the id that the pack's directory gives it. */
import type { DecodedFrame } from '../codec/frame.ts';
import { type BlobProof, blobProof } from '../codec/hash.ts';
import { idBytes } from '../model/ids.ts';
import type { FrameToProve, SharedPack } from './shared-pack.ts';
import type { TaskFrames } from './task-frames.ts';
import { succeeds } from './task-steps.ts';

type DecodingFrames = Pick<TaskFrames, 'decode' | 'release'>;

/** All frames that nobody else takes. `goesOn` is asked before each. */
export function provePack(
  pack: SharedPack,
  idKey: Uint8Array | undefined,
  frames: DecodingFrames,
  goesOn: () => boolean,
): void {
  const isBlobAt = blobProof(idKey);
  while (goesOn() && proveNextFrame(pack, isBlobAt, frames));
}

/** False where there is none that nobody has taken. */
export function proveNextFrame(pack: SharedPack, isBlobAt: BlobProof, frames: DecodingFrames): boolean {
  const frame = pack.take();
  if (frame === undefined) return false;
  let isSound = false;
  try {
    isSound = succeeds(() => isAsListed(pack, frame, isBlobAt, frames));
  } finally {
    // Also after a failure that is none of the pack: somebody waits for it.
    pack.note(frame.number, isSound ? 'sound' : 'unproven');
  }
  return true;
}

function isAsListed(
  pack: SharedPack,
  frame: FrameToProve,
  isBlobAt: BlobProof,
  frames: DecodingFrames,
): boolean {
  const { path, keys } = pack.parts;
  const { number, offset, bytes } = frame;
  const sealing = keys === undefined ? {} : { number, keys };
  const decoded = frames.decode({ do: 'decode', path, offset, bytes, ...sealing });
  const isSame = decoded.kind === frame.kind && areBlobsListed(pack, frame, decoded, isBlobAt);
  frames.release(decoded);
  return isSame;
}

function areBlobsListed(
  pack: SharedPack,
  frame: FrameToProve,
  { blobs }: DecodedFrame,
  isBlobAt: BlobProof,
): boolean {
  if (blobs.length !== frame.blobs) return false;
  return blobs.every((blob, position) => {
    const number = frame.firstBlob + position;
    return blob.length === pack.lengthOf(number) && isBlobAt(blob, pack.ids, idBytes * number);
  });
}
