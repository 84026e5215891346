/**
 * A frame in a sealed pack. Its header is one block that looks random, its body is sealed: nobody without the key sees where
 * a frame begins or how long it is. See docs/FORMAT.md, "Encryption".
 *
 *    0 – one block under the pack's block key:
 *          0 – magic 'XFRM'     4 – length of the body (u32)     8 – number of the frame in the pack (u32)
 *         12 – kind (u8)       13 – zero (3 bytes)
 *   16 – body of the frame, sealed under the pack's frame key (a directory: its directory key); the number is the nonce
 *        then – tag (16 bytes); the pack's context and the block are authenticated with the body
 */
import { DamageError, ExuviaError, invariant } from '../model/errors.ts';
import { asBuffer } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import {
  type DecodedFrame,
  decodeFrameBody,
  frameBodyHeaderBytes,
  frameHeaderBytes,
  frameKinds,
} from './frame.ts';
import type { PackKeys } from './keys.ts';
import { type Allocate, Recycled } from './memory.ts';
import {
  nonceOf,
  sealBlock,
  sealedBlockBytes,
  sealInParts,
  sealTagBytes,
  unseal,
  unsealBlocks,
} from './sealing.ts';

/** How much longer a frame is when it is sealed. */
export const sealedFrameExtraBytes = sealedBlockBytes + sealTagBytes - frameHeaderBytes;
/** The number of a pack's directory; others are numbered from 0 in the order of the pack. */
export const directoryNumber = 0xffffffff;

const magic = Buffer.from('XFRM', 'latin1');

/** Bodies, until they are decoded. */
const unsealed = new Recycled();

/** `frame` is one that encodeFrame made. No two frames of a pack may have the same number. */
export function sealFrame(frame: Uint8Array, keys: PackKeys, number: number): Buffer {
  return Buffer.concat([...sealFrameInParts(frame, keys, number)]);
}

/** Parts of the sealed frame, one after another: see `sealInParts`. */
export function* sealFrameInParts(frame: Uint8Array, keys: PackKeys, number: number): Generator<Buffer> {
  const body = asBuffer(frame).subarray(frameHeaderBytes);
  const kind = body.readUInt8(1);
  const isDirectory = kind === frameKinds.directory;
  invariant(isDirectory === (number === directoryNumber), `frame ${number} of kind ${kind}`);
  const block = Buffer.alloc(sealedBlockBytes);
  magic.copy(block, 0);
  block.writeUInt32LE(body.length, 4);
  block.writeUInt32LE(number, 8);
  block.writeUInt8(kind, 12);
  const key = isDirectory ? keys.directoryKey : keys.frameKey;
  invariant(key !== undefined, 'who writes a pack has its keys');
  const context = Buffer.concat([keys.context, block]);
  yield sealBlock(keys.blockKey, block);
  yield* sealInParts(key, nonceOf(number), context, body);
}

/** A frame of `bytes` bytes that holds nothing. */
export function paddingFrame(bytes: number, keys: PackKeys, number: number): Buffer {
  const frame = Buffer.alloc(bytes - sealedFrameExtraBytes);
  frame.writeUInt8(frameKinds.padding, frameHeaderBytes + 1);
  frame.writeUInt32LE(frame.length - frameHeaderBytes - frameBodyHeaderBytes, frameHeaderBytes + 4);
  return sealFrame(frame, keys, number);
}

export const paddingFrameBytesMin = frameHeaderBytes + frameBodyHeaderBytes + sealedFrameExtraBytes;

/** Opens one whole frame. `number` is what it must be, where the caller knows it. */
export function unsealFrame(
  frame: Uint8Array,
  keys: PackKeys,
  place: string,
  number?: number,
  allocate?: Allocate,
): DecodedFrame {
  const bytes = asBuffer(frame);
  if (bytes.length < paddingFrameBytesMin) throw new DamageError(place, 'cut short');
  const block = unsealBlocks(keys.blockKey, bytes.subarray(0, sealedBlockBytes));
  const header = parseBlock(block);
  if (header === undefined) throw new DamageError(place, 'no frame begins here');
  if (sealedFrameBytes(header) !== bytes.length)
    throw new DamageError(place, 'has another length than it says');
  if (number !== undefined && header.number !== number)
    throw new DamageError(place, `is frame ${header.number} of its pack, want ${number}`);
  const key = header.kind === frameKinds.directory ? keys.directoryKey : keys.frameKey;
  if (key === undefined) throw new WriteOnlyError();
  const context = Buffer.concat([keys.context, block]);
  const body = unseal(
    key,
    nonceOf(header.number),
    context,
    bytes.subarray(sealedBlockBytes),
    place,
    unsealed.take,
  );
  try {
    const decoded = decodeOwn(body, place, allocate);
    if (frameKinds[decoded.kind] !== header.kind)
      throw new DamageError(place, 'is of another kind than it says');
    return decoded;
  } finally {
    unsealed.give(body);
  }
}

/** Blobs that are not compressed would be views on the body, whose memory is used again, and is longer than a small frame by far. */
function decodeOwn(body: Buffer, place: string, allocate: Allocate | undefined): DecodedFrame {
  const decoded = decodeFrameBody(body, place, allocate);
  if (!decoded.blobs.some(({ buffer }) => buffer === body.buffer)) return decoded;
  const own = Buffer.allocUnsafeSlow(body.length);
  own.set(body);
  return decodeFrameBody(own, place, allocate);
}

/** The key at hand adds snapshots and does not read them. */
export class WriteOnlyError extends ExuviaError {
  constructor() {
    super('This key adds snapshots and cannot read them', {
      code: 'ERR_WRITE_ONLY_KEY',
      kind: 'wrong-key',
      hint: 'Give a key that reads: a passphrase, a key file or an identity that "exuvia key list" calls "full".',
    });
  }
}

interface BlockHeader {
  readonly bodyBytes: number;
  readonly number: number;
  readonly kind: number;
}

function parseBlock(block: Buffer, at = 0): BlockHeader | undefined {
  if (block.compare(magic, 0, 4, at, at + 4) !== 0) return undefined;
  const bodyBytes = block.readUInt32LE(at + 4);
  const kind = block.readUInt8(at + 12);
  if (block.readUIntLE(at + 13, 3) !== 0 || kind > frameKinds.padding) return undefined;
  if (bodyBytes < frameBodyHeaderBytes || bodyBytes > limits.packDirectoryBytesMax) return undefined;
  return { bodyBytes, number: block.readUInt32LE(at + 8), kind };
}

function sealedFrameBytes(header: BlockHeader): number {
  return sealedBlockBytes + header.bodyBytes + sealTagBytes;
}

/** Every frame that begins anywhere in `bytes` and whose seal is whole. */
export function* salvageSealedFrames(bytes: Buffer, keys: PackKeys): Generator<DecodedFrame> {
  for (const at of findBlocks(bytes, keys.blockKey)) {
    const block = unsealBlocks(keys.blockKey, bytes.subarray(at, at + sealedBlockBytes));
    const header = parseBlock(block);
    if (header === undefined || header.kind === frameKinds.directory) continue;
    const end = at + sealedFrameBytes(header);
    if (end > bytes.length) continue;
    try {
      yield unsealFrame(bytes.subarray(at, end), keys, 'frame');
    } catch (error) {
      if (!(error instanceof DamageError)) throw error; // a damaged frame is passed by
    }
  }
}

/** Where blocks are, at whatever offset: all blocks at each of the sixteen alignments are opened at once. */
function findBlocks(bytes: Buffer, blockKey: Uint8Array): number[] {
  const found: number[] = [];
  for (let shift = 0; shift < sealedBlockBytes; shift++) {
    const whole = Math.floor((bytes.length - shift) / sealedBlockBytes) * sealedBlockBytes;
    if (whole <= 0) continue;
    const opened = unsealBlocks(blockKey, bytes.subarray(shift, shift + whole));
    for (let at = opened.indexOf(magic); at >= 0; at = opened.indexOf(magic, at + 1)) {
      if (at % sealedBlockBytes === 0 && parseBlock(opened, at) !== undefined) found.push(at + shift);
    }
  }
  return found.sort((a, b) => a - b);
}
