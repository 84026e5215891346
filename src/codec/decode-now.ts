/**
 * Synchronous decompression that leaves nothing behind where it fails. Node's own `zstdDecompressSync` and its like end a decoder that
 * failed as any stream ends: its error is said at the next turn of the event loop, and until then it is held with all that it had
 * allocated. 500 damaged frames of 8 MB took 4 GB so. Here a decoder ends at once, and nothing refers to it any more: 180 MB.
 *
 * `_processChunk` is what those functions call. Node's documentation does not have it; npm's own reader of archives builds on it too.
 */
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { messageOf } from '../model/errors.ts';
import { ZlibEngine } from './zlib-engine.ts';
import { areWholeZstdFrames } from './zstd-blocks.ts';

interface SyncDecoder {
  destroy(error?: Error): unknown;
  _destroy(error: Error | null, callback: (error?: Error | null) => void): void;
  /** All that `bytes` decode to. Throws what is wrong with them. */
  _processChunk(bytes: Uint8Array, flush: number): Buffer;
}

export interface DecodeNowOptions {
  /** More than this is an error. */
  readonly maxOutputLength: number;
  /** How much is allocated at a time. */
  readonly chunkSize?: number;
}

/** All that whole zstd frames decode to. Node 22 gives of one that is cut short what there is, and says nothing. */
export function unzstd(bytes: Uint8Array, options: DecodeNowOptions): Buffer {
  if (!areWholeZstdFrames(bytes)) throw new Error('cut short, or not compressed by zstd');
  return unzstdWhatIsThere(bytes, options);
}

/**
 * The same for who only looks for something in it: of bytes that begin with a zstd frame, whatever follows. Seekable files end with a
 * frame that holds none, and others with what belongs to something else.
 */
export function unzstdWhatIsThere(bytes: Uint8Array, options: DecodeNowOptions): Buffer {
  return decodeNow(createZstdDecompress(options), bytes, constants.ZSTD_e_end);
}

export function gunzip(bytes: Uint8Array, options: DecodeNowOptions): Buffer {
  return decodeNow(createGunzip(options), bytes, constants.Z_FINISH);
}

function decodeNow(stream: unknown, bytes: Uint8Array, flush: number): Buffer {
  const decoder = stream as SyncDecoder;
  decoder.destroy = (error) => decoder._destroy(error ?? null, () => {});
  try {
    return decoder._processChunk(bytes, flush);
  } catch (error) {
    // The trace of Node's own error refers to the decoder, and whoever keeps the one would keep the other.
    throw new Error(messageOf(error));
  }
}

/** Kept from frame to frame: to make one takes as long as to decode 200 KB. */
let kept: ZlibEngine | undefined;

/**
 * All that one whole zstd frame (see zstd-blocks.ts) decodes to, in memory that the caller has: how many bytes that are. For a frame of 1 MB it takes 1.57 ms where
 * `unzstd` takes 2.1. Throws where it does not fit, or what is wrong with the bytes.
 */
export function unzstdInto(bytes: Uint8Array, out: Uint8Array): number {
  if (bytes.length === 0) throw new Error('no bytes'); // a decoder that is between two frames takes them
  const decoder = kept ?? ZlibEngine.of(createZstdDecompress({ chunkSize: 64 }));
  kept = undefined;
  if (decoder === undefined) return copied(unzstd(bytes, { maxOutputLength: Math.max(out.length, 1) }), out);
  const { written, unused, problem } = decoder.step(constants.ZSTD_e_end, bytes, out);
  // It may be in the middle of something: Node 22 says nothing of a frame that is cut short.
  if (problem !== undefined || unused > 0 || written < out.length) decoder.close();
  else kept = decoder;
  if (problem !== undefined || unused > 0) throw new Error(problem ?? 'more than was wanted');
  return written;
}

function copied(from: Uint8Array, to: Uint8Array): number {
  to.set(from);
  return from.length;
}
