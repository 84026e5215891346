/**
 * Pack: a header, frames, a directory (itself a frame) and a trailer of fixed size, so that a pack is read from its end
 * and a torn one is recognised. See docs/FORMAT.md, "Packs". In a sealed pack everything but the header, the checksum and the
 * last magic looks random, and its length is padded: see "Encryption" there.
 *
 * Header                                   Trailer (the last 32 bytes)
 *    0 – magic 'EXUVIAPK'                     0 – offset of the directory (u32)
 *    8 – format version (u16)                 4 – length of the directory (u32)
 *   10 – sealing (u8): 0 none, 1 sealed       8 – number of blobs (u32)
 *   11 – zero (5 bytes)                      12 – zero (u32)
 *   16 – pack id (16 bytes)                  16 – first 8 bytes of the BLAKE3 of header, directory and trailer 0 to 15
 *   32 – sealed: ephemeral key (32 bytes)    24 – magic 'EXUVIAPE'
 *                                            sealed: 0 to 15 are one block under the block key
 */
import { DamageError, ExuviaError, invariant } from '../model/errors.ts';
import {
  asBuffer,
  type BlobId,
  blobIdsFromBytes,
  idBytes,
  idToBytes,
  type PackId,
  packIdFromBytes,
} from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import {
  type DecodedFrame,
  decodeFrame,
  encodeFrame,
  type FrameKind,
  frameHeaderBytes,
  frameKinds,
} from './frame.ts';
import { createHasher } from './hash.ts';
import type { PackKeys } from './keys.ts';
import {
  directoryNumber,
  paddingFrame,
  paddingFrameBytesMin,
  sealedFrameExtraBytes,
  sealFrame,
  unsealFrame,
} from './sealed-frame.ts';
import { paddedLength, sealBlock, unsealBlocks } from './sealing.ts';

export const packVersion = 1;
export const packHeaderBytes = 32;
export const packTrailerBytes = 32;
const headerMagic = Buffer.from('EXUVIAPK', 'latin1');
const trailerMagic = Buffer.from('EXUVIAPE', 'latin1');
const sealingNone = 0;
const sealingAgreed = 1;
export const ephemeralKeyBytes = 32;

/** One frame as the directory lists it; `offset` is from the start of the pack. */
export interface PackedFrame {
  readonly offset: number;
  readonly bytes: number;
  readonly kind: Exclude<FrameKind, 'directory' | 'padding'>;
  readonly blobs: readonly PackedBlob[];
}

export interface PackedBlob {
  readonly id: BlobId;
  readonly bytes: number;
}

export interface PackDirectory {
  readonly id: PackId;
  readonly frames: readonly PackedFrame[];
  /** Of a sealed pack: the frame after the others, which holds nothing. */
  readonly padding?: { readonly offset: number; readonly bytes: number };
}

/** A frame of a directory that was read. Its blobs are made when they are asked for: a text and an object for each takes six times as long as the rest. */
export interface ListedFrame extends PackedFrame {
  /** Of its blobs: 32 bytes each. */
  readonly ids: Buffer;
  readonly lengths: readonly number[];
}

export interface ListedDirectory extends PackDirectory {
  readonly frames: readonly ListedFrame[];
}

/** What seals a pack that is written. */
export interface PackSealing {
  readonly keys: PackKeys;
  readonly ephemeralKey: Uint8Array;
}

/** Where the first frame begins. */
export function firstFrameOffset(isSealed: boolean): number {
  return isSealed ? packHeaderBytes + ephemeralKeyBytes : packHeaderBytes;
}

export function encodePackHeader(id: PackId, ephemeralKey?: Uint8Array): Buffer {
  const header = Buffer.alloc(packHeaderBytes);
  headerMagic.copy(header, 0);
  header.writeUInt16LE(packVersion, 8);
  header.writeUInt8(ephemeralKey === undefined ? sealingNone : sealingAgreed, 10);
  idToBytes(id).copy(header, 16);
  return ephemeralKey === undefined ? header : Buffer.concat([header, ephemeralKey]);
}

/** Whether these bytes begin a pack that is sealed. */
export function isSealedHeader(header: Uint8Array): boolean {
  const bytes = asBuffer(header);
  return bytes.subarray(0, 8).equals(headerMagic) && bytes.readUInt8(10) === sealingAgreed;
}

/** The id that a pack's header gives it. `isSealed`: whether it must be. */
export function decodePackHeader(bytes: Uint8Array, place: string, isSealed = false): PackId {
  const header = asBuffer(bytes);
  if (header.length < firstFrameOffset(isSealed)) throw new DamageError(place, 'cut short in its header');
  if (!header.subarray(0, 8).equals(headerMagic)) throw new DamageError(place, 'does not begin like a pack');
  const version = header.readUInt16LE(8);
  const sealing = header.readUInt8(10);
  if (version > packVersion || sealing > sealingAgreed) throw newerFormat(place, version, sealing);
  if (isSealed !== (sealing === sealingAgreed))
    throw new DamageError(
      place,
      isSealed ? 'it is not sealed' : 'it is sealed, and the repository is not encrypted',
    );
  if (!header.subarray(11, 16).equals(Buffer.alloc(5))) throw new DamageError(place, 'unknown header fields');
  return packIdFromBytes(header, 16);
}

function newerFormat(place: string, version: number, sealing: number): ExuviaError {
  return new ExuviaError(`Cannot read ${place}: format version ${version}, sealing ${sealing}`, {
    code: 'ERR_PACK_FORMAT',
    hint: 'Install a newer version of exuvia.',
  });
}

/** Directory and trailer, to be written after the last frame; with `sealing`, padding before them. */
export function encodePackEnd(directory: PackDirectory, sealing?: PackSealing): Buffer {
  const { frames, id } = directory;
  const out = new ByteWriter(64 * 1024);
  if (sealing !== undefined) out.u32(0); // the length of the padding, once it is known
  let offset = encodeFrameList(out, frames, firstFrameOffset(sealing !== undefined));
  const header = encodePackHeader(id, sealing?.ephemeralKey);
  const trailer = Buffer.alloc(packTrailerBytes);
  trailer.writeUInt32LE(
    frames.reduce((sum, frame) => sum + frame.blobs.length, 0),
    8,
  );
  let encoded = encodeFrame('directory', [out.view()], { level: 0 });
  let padding: Buffer = Buffer.alloc(0);
  if (sealing !== undefined) {
    padding = encodePadding(
      offset + encoded.length + sealedFrameExtraBytes + packTrailerBytes,
      frames.length,
      sealing,
    );
    const record = out.finish();
    record.writeUInt32LE(padding.length, 0);
    encoded = sealFrame(encodeFrame('directory', [record], { level: 0 }), sealing.keys, directoryNumber);
  }
  offset += padding.length;
  trailer.writeUInt32LE(offset, 0);
  trailer.writeUInt32LE(encoded.length, 4);
  if (sealing !== undefined) sealBlock(sealing.keys.blockKey, trailer.subarray(0, 16)).copy(trailer, 0);
  packChecksum(header, encoded, trailer).copy(trailer, 16);
  trailerMagic.copy(trailer, 24);
  return Buffer.concat([padding, encoded, trailer]);
}

/** Returns where the last frame ends. */
function encodeFrameList(out: ByteWriter, frames: readonly PackedFrame[], start: number): number {
  let offset = start;
  out.varint(frames.length);
  for (const frame of frames) {
    invariant(frame.offset === offset, 'frames follow one another');
    offset += frame.bytes;
    out.varint(frame.bytes).u8(frameKinds[frame.kind]).varint(frame.blobs.length);
    for (const blob of frame.blobs) out.varint(blob.bytes);
    for (const blob of frame.blobs) out.id(blob.id);
  }
  return offset;
}

/** What brings a pack of `bytes` bytes to a length that tells little. */
function encodePadding(bytes: number, number: number, { keys }: PackSealing): Buffer {
  let wanted = paddedLength(bytes) - bytes;
  if (wanted > 0 && wanted < paddingFrameBytesMin)
    wanted = paddedLength(bytes + paddingFrameBytesMin) - bytes;
  return wanted === 0 ? Buffer.alloc(0) : paddingFrame(wanted, keys, number);
}

function packChecksum(header: Uint8Array, directory: Uint8Array, trailer: Buffer): Buffer {
  const hasher = createHasher();
  hasher.update(header);
  hasher.update(directory);
  hasher.update(trailer.subarray(0, 16));
  return asBuffer(hasher.digest()).subarray(0, 8);
}

export interface PackTrailer {
  readonly directoryOffset: number;
  readonly directoryBytes: number;
  readonly blobCount: number;
}

/** Where the directory is, from the last 32 bytes of a pack that is `packBytes` long. */
export function decodePackTrailer(
  bytes: Uint8Array,
  packBytes: number,
  place: string,
  keys?: PackKeys,
): PackTrailer {
  const end = asBuffer(bytes);
  if (end.length !== packTrailerBytes || !end.subarray(24).equals(trailerMagic)) {
    throw new DamageError(place, 'does not end like a pack: it is cut short or overwritten');
  }
  const trailer = keys === undefined ? end : unsealBlocks(keys.blockKey, end.subarray(0, 16));
  const directoryOffset = trailer.readUInt32LE(0);
  const directoryBytes = trailer.readUInt32LE(4);
  const ends = directoryOffset + directoryBytes + packTrailerBytes;
  if (directoryOffset < packHeaderBytes || directoryBytes < frameHeaderBytes || ends !== packBytes) {
    throw new DamageError(place, `is ${packBytes} bytes long, want ${ends}`);
  }
  if (directoryBytes > limits.packDirectoryBytesMax)
    throw new DamageError(place, 'its directory is too large');
  return { directoryOffset, directoryBytes, blobCount: trailer.readUInt32LE(8) };
}

/** The directory of a pack, checked against header and trailer. `keys` are those of a sealed pack, as far as a directory needs them. */
export function decodePackEnd(
  header: Uint8Array,
  end: Uint8Array,
  packBytes: number,
  place: string,
  keys?: PackKeys,
): ListedDirectory {
  const bytes = asBuffer(end);
  const trailerBytes = bytes.subarray(bytes.length - packTrailerBytes);
  const trailer = decodePackTrailer(trailerBytes, packBytes, place, keys);
  const encoded = bytes.subarray(0, bytes.length - packTrailerBytes);
  const found = packChecksum(header, encoded, trailerBytes);
  if (!found.equals(trailerBytes.subarray(16, 24))) {
    const wanted = trailerBytes.toString('hex', 16, 24);
    throw new DamageError(place, `directory checksum is ${found.toString('hex')}, want ${wanted}`);
  }
  // After the checksum: a flipped bit must not pass for a newer format.
  const id = decodePackHeader(header, place, keys !== undefined);
  const directoryPlace = `${place}, directory`;
  const decoded =
    keys === undefined
      ? decodeFrame(encoded, directoryPlace)
      : unsealFrame(encoded, keys, directoryPlace, directoryNumber);
  return { id, ...decodeDirectory(decoded, trailer, place, keys !== undefined) };
}

function decodeDirectory(
  decoded: DecodedFrame,
  trailer: PackTrailer,
  place: string,
  isSealed: boolean,
): Omit<ListedDirectory, 'id'> {
  const record = decoded.blobs[0];
  if (decoded.kind !== 'directory' || decoded.blobs.length !== 1 || record === undefined) {
    throw new DamageError(place, 'where its directory should be is something else');
  }
  const input = new ByteReader(record, `${place}, directory`);
  const paddingBytes = isSealed ? input.u32() : 0;
  const frameCount = input.varint();
  if (frameCount > limits.packFramesMax) throw input.error(`${frameCount} frames`);
  const frames: ListedFrame[] = [];
  let offset = firstFrameOffset(isSealed);
  for (let index = 0; index < frameCount; index++) {
    const frame = readFrameEntry(input, offset);
    offset += frame.bytes;
    frames.push(frame);
  }
  input.end();
  const blobCount = frames.reduce((sum, frame) => sum + frame.lengths.length, 0);
  if (offset + paddingBytes !== trailer.directoryOffset || blobCount !== trailer.blobCount) {
    throw input.error('its frames do not add up');
  }
  return paddingBytes === 0 ? { frames } : { frames, padding: { offset, bytes: paddingBytes } };
}

function readFrameEntry(input: ByteReader, offset: number): ListedFrame {
  const bytes = input.varint();
  const kind = input.u8();
  const blobCount = input.varint();
  if (bytes > limits.frameStoredBytesMax || blobCount > limits.frameBlobsMax) {
    throw input.error(`a frame of ${bytes} bytes and ${blobCount} blobs`);
  }
  if (kind !== frameKinds.data && kind !== frameKinds.tree)
    throw input.error(`unknown kind of frame ${kind}`);
  const lengths: number[] = [];
  while (lengths.length < blobCount) lengths.push(input.varint());
  if (lengths.some((length) => length > limits.blobBytesMax)) throw input.error('a blob that is too long');
  const ids = input.bytes(idBytes * blobCount);
  let blobs: readonly PackedBlob[] | undefined;
  return {
    offset,
    bytes,
    kind: kind === frameKinds.data ? 'data' : 'tree',
    ids,
    lengths,
    get blobs() {
      blobs ??= blobIdsFromBytes(ids, 0, blobCount).map((id, at) => ({ bytes: lengths[at] ?? 0, id }));
      return blobs;
    },
  };
}
