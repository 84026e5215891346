/** Finds frames in a pack that may be damaged in any way, also without its directory. */
import { DamageError } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import { type DecodedFrame, decodeFrameBody, frameHeaderBytes, frameLength, frameMagic } from './frame.ts';

/** What beginning a decompression costs, in bytes that could be decoded instead. */
const attemptBytes = 64 * 1024;
const attemptsPerTurn = 256;

/**
 * Every frame that begins anywhere in `bytes` and can be decoded, whatever its checksum says: the caller names blobs by what they hash to.
 * Undefined once in a while, when there were many places where no frame is: the caller can turn to something else. It ends when more has
 * failed than a pack that was only damaged can hold.
 */
export function* salvageFrames(bytes: Buffer): Generator<DecodedFrame | undefined> {
  let failedBytes = 0;
  let attempts = 0;
  for (let at = bytes.indexOf(frameMagic); at >= 0; at = bytes.indexOf(frameMagic, at)) {
    const found = salvageFrameAt(bytes, at);
    if ('frame' in found) {
      yield found.frame;
      at = found.end;
      continue;
    }
    at += 1;
    failedBytes += found.failedBytes;
    if (failedBytes > limits.salvageFailedBytesMax) return;
    if (++attempts % attemptsPerTurn === 0) yield undefined;
  }
}

type Salvaged = { readonly frame: DecodedFrame; readonly end: number } | { readonly failedBytes: number };

function salvageFrameAt(bytes: Buffer, at: number): Salvaged {
  let failedBytes = 0;
  try {
    const end = at + frameLength(bytes.subarray(at, at + frameHeaderBytes), 'frame');
    if (end > bytes.length) return { failedBytes };
    const body = bytes.subarray(at + frameHeaderBytes, end);
    failedBytes = attemptBytes + body.length + Math.min(body.readUInt32LE(4), limits.packDirectoryBytesMax);
    return { frame: decodeFrameBody(body, 'frame'), end };
  } catch (error) {
    if (error instanceof DamageError || error instanceof RangeError) return { failedBytes }; // no frame, or a damaged one
    throw error;
  }
}
