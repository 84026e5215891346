/**
 * What a zstd frame (RFC 8878) can decode to, from the headers of its blocks alone: no memory is allocated for bytes that are no frame, nor
 * for more than one can hold.
 *
 *   0 – magic, 0xfd2fb528     4 – descriptor: bits 0-1 dictionary, 2 checksum, 3 zero, 5 single segment, 6-7 content size
 *   then – window (1 byte, but for a single segment), dictionary (0, 1, 2, 4), content size (0, 1, 2, 4, 8), blocks, checksum (4)
 *   a block: u24: bit 0 last, bits 1-2 type (0 as it is, 1 one byte repeated, 2 compressed), then its size; its bytes
 */
import { asBuffer } from '../model/ids.ts';

export interface DecodedBounds {
  readonly least: number;
  readonly most: number;
}

const magic = 0xfd2fb528;
const blockHeaderBytes = 3;
const blockBytesMax = 128 * 1024;
const blockTypes = { raw: 0, repeated: 1, compressed: 2 } as const;

/** Undefined for what is not exactly one frame. A frame with these bounds may still be damaged. */
export function zstdBounds(payload: Uint8Array): DecodedBounds | undefined {
  const bytes = asBuffer(payload);
  const frame = frameAt(bytes, 0);
  return frame?.end === bytes.length ? { least: frame.least, most: frame.most } : undefined;
}

/** Whether these are frames one after another, at least one, and none of them cut short. */
export function areWholeZstdFrames(payload: Uint8Array): boolean {
  const bytes = asBuffer(payload);
  let at = 0;
  do {
    const end = frameAt(bytes, at)?.end;
    if (end === undefined) return false;
    at = end;
  } while (at < bytes.length);
  return true;
}

/** Where the frame that begins at `start` ends, and its bounds; undefined where none begins, or not all of it is there. */
function frameAt(bytes: Buffer, start: number): (DecodedBounds & { readonly end: number }) | undefined {
  if (bytes.length < start + 5 || bytes.readUInt32LE(start) !== magic) return undefined;
  const descriptor = bytes.readUInt8(start + 4);
  if ((descriptor & 0x08) !== 0) return undefined;
  let least = 0;
  let most = 0;
  let at = start + firstBlockOffset(descriptor);
  for (let isLast = false; !isLast; ) {
    if (at + blockHeaderBytes > bytes.length) return undefined;
    const header = bytes.readUIntLE(at, blockHeaderBytes);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type > blockTypes.compressed || size > blockBytesMax) return undefined;
    isLast = (header & 1) === 1;
    at += blockHeaderBytes + (type === blockTypes.repeated ? 1 : size);
    if (type !== blockTypes.compressed) least += size;
    most += type === blockTypes.compressed ? blockBytesMax : size;
  }
  const end = at + ((descriptor & 0x04) === 0 ? 0 : 4);
  return end <= bytes.length ? { least, most, end } : undefined;
}

function firstBlockOffset(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
}
