/** Codecs of a frame's payload: as it is, or zstd (node:zlib, synchronous: asynchronous calls do not scale). */
import { constants, zstdCompressSync } from 'node:zlib';
import { DamageError } from '../model/errors.ts';
import { unzstd } from './decode-now.ts';
import { zstdBounds } from './zstd-blocks.ts';

export const codecRaw = 0;
export const codecZstd = 1;

/** Below this a gain is not worth a decompression: 1/32. */
const gainShift = 5;
const sampleBytes = 32 * 1024;

/**
 * zstd's own tables for level 3 take 768 KB, and threads that compress share a cache: smaller ones cost 1.7 % in size and save a fifth
 * of the time (docs/decisions/0007).
 */
const levelOfTables = 3;
const smallTables = {
  [constants.ZSTD_c_strategy]: constants.ZSTD_dfast,
  [constants.ZSTD_c_hashLog]: 16,
  [constants.ZSTD_c_chainLog]: 14,
  [constants.ZSTD_c_minMatch]: 6,
};

/** Compressed, or undefined where it does not pay. A sample from the middle decides first for large inputs. */
export function compressZstd(raw: Uint8Array, level: number): Buffer | undefined {
  if (raw.length >= 4 * sampleBytes && !samplesCompress(raw)) return undefined;
  const compressed = zstdCompressSync(raw, {
    pledgedSrcSize: raw.length,
    chunkSize: raw.length + (raw.length >> 7) + 512, // in one piece: the result always fits
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      ...(level === levelOfTables ? smallTables : {}),
      [constants.ZSTD_c_contentSizeFlag]: 0,
      [constants.ZSTD_c_checksumFlag]: 0,
    },
  });
  return compressed.length < raw.length - (raw.length >> gainShift) ? compressed : undefined;
}

/** Three samples, level 1: incompressible media would cost 1 ms a MiB to try in full. */
function samplesCompress(raw: Uint8Array): boolean {
  return [0.1, 0.5, 0.9].some((where) => {
    const start = Math.floor((raw.length - sampleBytes) * where);
    const sample = zstdCompressSync(raw.subarray(start, start + sampleBytes), {
      params: { [constants.ZSTD_c_compressionLevel]: 1 },
    });
    return sample.length < sampleBytes - (sampleBytes >> gainShift);
  });
}

/** Exactly `rawBytes` bytes, or DamageError; never allocates more than that, and nothing for what cannot decode to it. */
export function decompressZstd(payload: Uint8Array, rawBytes: number, place: string): Buffer {
  const bounds = zstdBounds(payload);
  if (bounds === undefined) throw new DamageError(place, 'its compressed bytes are not one zstd frame');
  if (rawBytes < bounds.least || rawBytes > bounds.most)
    throw new DamageError(place, `says it holds ${rawBytes} bytes, which its compressed bytes cannot`);
  let raw: Buffer;
  try {
    raw = unzstd(payload, {
      maxOutputLength: Math.max(rawBytes, 1),
      chunkSize: Math.max(rawBytes, 64), // in one piece
    });
  } catch (error) {
    throw new DamageError(place, 'its compressed bytes cannot be decoded', error);
  }
  if (raw.length !== rawBytes)
    throw new DamageError(place, `decodes to ${raw.length} bytes, want ${rawBytes}`);
  return raw;
}
