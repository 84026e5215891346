/** Codecs of a frame's payload: as it is, or zstd (node:zlib, synchronous: asynchronous calls do not scale). */
import { constants, zstdCompressSync } from 'node:zlib';
import { DamageError } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import { unzstdInto } from './decode-now.ts';
import { type Allocate, giveBack } from './memory.ts';
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
/** For what hardly compresses: one table instead of two finds as much there, in two thirds of the time. */
const singleTable = {
  [constants.ZSTD_c_strategy]: constants.ZSTD_fast,
  [constants.ZSTD_c_hashLog]: 16,
  [constants.ZSTD_c_minMatch]: 7,
  [constants.ZSTD_c_targetLength]: 0, // else literals are not compressed
};

/** In large frames one table finds more than zstd's own two do in small ones, in less time (docs/decisions/0007). */
const largeTable = {
  ...singleTable,
  [constants.ZSTD_c_windowLog]: 22,
  [constants.ZSTD_c_hashLog]: 18,
};

type Tables = Readonly<Record<number, number>>;

/** zstd's own where little is compressed, in small frames. */
function tablesFor(raw: Uint8Array, chance: number, isLarge: boolean): Tables {
  const hardlyCompresses = chance < chanceOfTextMin;
  if (raw.length >= limits.largeFrameBytesMin)
    return { ...largeTable, [constants.ZSTD_c_minMatch]: hardlyCompresses ? 6 : 7 };
  if (!isLarge) return {};
  return hardlyCompresses ? singleTable : smallTables;
}

/**
 * Compressed, or undefined where it does not pay. Samples decide first for large inputs. `isLarge`: much is compressed: level 3 takes smaller tables
 * then.
 */
export function compressZstd(raw: Uint8Array, level: number, isLarge = false): Buffer | undefined {
  const chance = raw.length >= 4 * sampleBytes ? chanceOfEqualBytes(raw) : 1;
  if (chance < chanceOfNoiseMax && !samplesCompress(raw)) return undefined;
  const compressed = zstdCompressSync(raw, {
    pledgedSrcSize: raw.length,
    chunkSize: raw.length + (raw.length >> 7) + 512, // in one piece: the result always fits
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      ...(level === levelOfTables ? tablesFor(raw, chance, isLarge) : {}),
      [constants.ZSTD_c_contentSizeFlag]: 0,
      [constants.ZSTD_c_checksumFlag]: 0,
    },
  });
  return compressed.length < raw.length - (raw.length >> gainShift) ? compressed : undefined;
}

/** Of two bytes of a sample: 1/256 for noise, 0.05 and more for text and programs. Much cheaper than to compress one. */
function chanceOfEqualBytes(raw: Uint8Array): number {
  const pairs = samplePlaces.reduce((sum, where) => {
    const start = Math.floor((raw.length - countedBytes) * where);
    const counts = new Uint32Array(256);
    for (let at = start; at < start + countedBytes; at++)
      counts[raw[at] ?? 0] = (counts[raw[at] ?? 0] ?? 0) + 1;
    return sum + counts.reduce((squares, count) => squares + count * count, 0);
  }, 0);
  return pairs / (samplePlaces.length * countedBytes ** 2);
}

const samplePlaces = [0.1, 0.5, 0.9];
const countedBytes = 4096;
const chanceOfNoiseMax = 0.006;
const chanceOfTextMin = 0.03;

/** Three samples, level 1: incompressible media would cost 1 ms a MiB to try in full. */
function samplesCompress(raw: Uint8Array): boolean {
  return samplePlaces.some((where) => {
    const start = Math.floor((raw.length - sampleBytes) * where);
    const sample = zstdCompressSync(raw.subarray(start, start + sampleBytes), {
      params: { [constants.ZSTD_c_compressionLevel]: 1 },
    });
    return sample.length < sampleBytes - (sampleBytes >> gainShift);
  });
}

/** Exactly `rawBytes` bytes, or DamageError; never allocates more than that, and nothing for what cannot decode to it. */
export function decompressZstd(
  payload: Uint8Array,
  rawBytes: number,
  place: string,
  allocate: Allocate = Buffer.allocUnsafeSlow,
): Buffer {
  const bounds = zstdBounds(payload);
  if (bounds === undefined) throw new DamageError(place, 'its compressed bytes are not one zstd frame');
  if (rawBytes < bounds.least || rawBytes > bounds.most)
    throw new DamageError(place, `says it holds ${rawBytes} bytes, which its compressed bytes cannot`);
  const raw = allocate(rawBytes);
  let bytes: number;
  try {
    bytes = unzstdInto(payload, raw);
  } catch (error) {
    giveBack(raw);
    throw new DamageError(place, 'its compressed bytes cannot be decoded', error);
  }
  if (bytes !== rawBytes) throw new DamageError(place, `decodes to ${bytes} bytes, want ${rawBytes}`);
  return raw;
}
