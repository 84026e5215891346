/** Frames as a directory that was read lists them. */
import type { ListedFrame, PackedFrame } from '../../src/codec/pack.ts';
import { idToBytes } from '../../src/model/ids.ts';

export function listed(frame: PackedFrame): ListedFrame {
  return {
    ...frame,
    ids: Buffer.concat(frame.blobs.map(({ id }) => idToBytes(id))),
    lengths: frame.blobs.map(({ bytes }) => bytes),
  };
}
