/**
 * Frame: the unit that is compressed, checked and (in an encrypted repository) sealed: see sealed-frame.ts. It holds one large or
 * many small blobs of one kind. See docs/FORMAT.md, "Frames".
 *
 *    0 – magic 'XFRM'
 *    4 – length of the body (u32)
 *    8 – CRC-32 of bytes 4 to 7 and the body (u32)
 *   12 – body
 *          0 – codec (u8)    1 – kind (u8)    2 – zero (u16)
 *          4 – length of the payload once decoded (u32)
 *          8 – number of blobs (u32)
 *         12 – payload, encoded: the length of each blob (varints), then the blobs
 */
import { crc32 } from 'node:zlib';
import { DamageError, invariant } from '../model/errors.ts';
import { asBuffer } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { codecRaw, codecZstd, compressZstd, decompressZstd } from './compression.ts';
import { type Allocate, giveBack } from './memory.ts';

export const frameHeaderBytes = 12;
export const frameBodyHeaderBytes = 12;
const bodyHeaderBytes = frameBodyHeaderBytes;
export const frameMagic = Buffer.from('XFRM', 'latin1');

/** `padding` holds no blob: it hides how long a sealed pack is. */
export const frameKinds = { data: 0, tree: 1, directory: 2, padding: 3 } as const;
export type FrameKind = keyof typeof frameKinds;
const kindNames: readonly FrameKind[] = ['data', 'tree', 'directory', 'padding'];

export interface DecodedFrame {
  readonly kind: FrameKind;
  readonly blobs: readonly Uint8Array[];
}

export interface FrameCompression {
  /** zstd level, or 0 for none. */
  readonly level: number;
  /** Whether so much is compressed that a little size is given for time. */
  readonly isLarge?: boolean;
}

/** Sizes of `blobs` and then the blobs themselves, as they are compressed. */
function joinBlobs(blobs: readonly Uint8Array[]): Buffer {
  const head = new ByteWriter(blobs.length * 3 + 8);
  for (const blob of blobs) head.varint(blob.length);
  return Buffer.concat([head.view(), ...blobs]);
}

export function encodeFrame(
  kind: FrameKind,
  blobs: readonly Uint8Array[],
  compression: FrameCompression,
): Buffer {
  return encodeRawFrame(kind, joinBlobs(blobs), blobs.length, compression);
}

/** The same for blobs that are side by side already, behind the list of their lengths. */
export function encodeRawFrame(
  kind: FrameKind,
  raw: Uint8Array,
  blobCount: number,
  compression: FrameCompression,
): Buffer {
  invariant(raw.length <= limits.frameRawBytesMax || kind === 'directory', `frame of ${raw.length} bytes`);
  const compressed =
    compression.level > 0 ? compressZstd(raw, compression.level, compression.isLarge) : undefined;
  const payload = compressed ?? raw;
  const frame = Buffer.allocUnsafe(frameHeaderBytes + bodyHeaderBytes + payload.length);
  frameMagic.copy(frame, 0);
  frame.writeUInt32LE(bodyHeaderBytes + payload.length, 4);
  frame.writeUInt8(compressed === undefined ? codecRaw : codecZstd, 12);
  frame.writeUInt8(frameKinds[kind], 13);
  frame.writeUInt16LE(0, 14);
  frame.writeUInt32LE(raw.length, 16);
  frame.writeUInt32LE(blobCount, 20);
  frame.set(payload, frameHeaderBytes + bodyHeaderBytes);
  if (compressed !== undefined) giveBack(compressed);
  frame.writeUInt32LE(frameChecksum(frame), 8);
  return frame;
}

function frameChecksum(frame: Buffer): number {
  return crc32(frame.subarray(frameHeaderBytes), crc32(frame.subarray(4, 8)));
}

/** Length of the whole frame that begins with these 12 bytes. */
export function frameLength(header: Uint8Array, place: string): number {
  const bytes = asBuffer(header);
  if (!bytes.subarray(0, 4).equals(frameMagic)) throw new DamageError(place, 'no frame begins here');
  const body = bytes.readUInt32LE(4);
  if (body < bodyHeaderBytes || body > limits.packDirectoryBytesMax) {
    throw new DamageError(place, `a frame of ${body} bytes`);
  }
  return frameHeaderBytes + body;
}

/** Decodes one whole frame. The blobs are views on memory of their own, or on that of a frame that is not compressed. */
export function decodeFrame(frame: Uint8Array, place: string, allocate?: Allocate): DecodedFrame {
  const bytes = asBuffer(frame);
  if (bytes.length < frameHeaderBytes + bodyHeaderBytes) throw new DamageError(place, 'cut short');
  if (frameLength(bytes, place) !== bytes.length)
    throw new DamageError(place, 'has another length than it says');
  const found = frameChecksum(bytes);
  const wanted = bytes.readUInt32LE(8);
  if (found !== wanted) {
    throw new DamageError(place, `checksum is ${found.toString(16)}, want ${wanted.toString(16)}`);
  }
  return decodeFrameBody(bytes.subarray(frameHeaderBytes), place, allocate);
}

/** What a frame holds after its header. */
export function decodeFrameBody(body: Buffer, place: string, allocate?: Allocate): DecodedFrame {
  const codec = body.readUInt8(0);
  const kind = kindNames[body.readUInt8(1)];
  const rawBytes = body.readUInt32LE(4);
  const blobCount = body.readUInt32LE(8);
  if (kind === undefined || body.readUInt16LE(2) !== 0) throw new DamageError(place, 'unknown kind of frame');
  const rawBytesMax = kind === 'directory' ? limits.packDirectoryBytesMax : limits.frameRawBytesMax;
  if (rawBytes > rawBytesMax || blobCount > limits.frameBlobsMax) {
    throw new DamageError(place, `says it holds ${rawBytes} bytes in ${blobCount} blobs`);
  }
  const payload = body.subarray(bodyHeaderBytes);
  if (kind === 'padding') return { kind, blobs: decodePadding(payload, codec, rawBytes, blobCount, place) };
  const raw =
    codec === codecZstd
      ? decompressZstd(payload, rawBytes, place, allocate)
      : rawPayload(codec, payload, rawBytes, place);
  return { kind, blobs: splitBlobs(raw, blobCount, place) };
}

function decodePadding(payload: Buffer, codec: number, bytes: number, blobs: number, place: string): [] {
  const isRight = codec === codecRaw && blobs === 0 && payload.length === bytes;
  if (!isRight || payload.some((byte) => byte !== 0))
    throw new DamageError(place, 'padding that holds something');
  return [];
}

function rawPayload(codec: number, payload: Buffer, rawBytes: number, place: string): Buffer {
  if (codec !== codecRaw) throw new DamageError(place, `unknown codec ${codec}`);
  if (payload.length !== rawBytes) {
    throw new DamageError(place, `holds ${payload.length} bytes, want ${rawBytes}`);
  }
  return payload;
}

function splitBlobs(raw: Buffer, count: number, place: string): Uint8Array[] {
  const input = new ByteReader(raw, place);
  const lengths: number[] = [];
  let sum = 0;
  for (let number = 0; number < count; number++) {
    const length = input.varint();
    lengths.push(length);
    sum += length;
  }
  // Before any of them is made: there may be 65,536.
  if (sum !== input.remaining) throw new DamageError(place, 'the lengths of its blobs do not add up');
  return lengths.map((length) => input.bytes(length));
}
