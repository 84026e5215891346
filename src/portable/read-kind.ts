/** What kind of archive some bytes begin. The name of a file says nothing. */
import { asBuffer } from '../model/ids.ts';

export type Packing = 'tar' | 'gzip' | 'zstd' | 'zip';

/** Bytes that are enough to tell: one tar block. */
export const startBytes = 512;

/** The kind of archive that begins with `start`, or undefined. */
export function packingOf(start: Uint8Array): Packing | undefined {
  const bytes = asBuffer(start);
  if (beginsWith(bytes, [0x1f, 0x8b, 0x08])) return 'gzip';
  if (beginsWith(bytes, [0x28, 0xb5, 0x2f, 0xfd]) || isSkippableFrame(bytes)) return 'zstd';
  if (beginsWith(bytes, [0x50, 0x4b, 0x03, 0x04]) || beginsWith(bytes, [0x50, 0x4b, 0x05, 0x06]))
    return 'zip';
  return isTarBlock(bytes) ? 'tar' : undefined;
}

/** Whether `block` can begin a tar archive: the ustar magic, a right checksum (older tars have no magic), or an empty archive. */
export function isTarBlock(block: Uint8Array): boolean {
  if (block.length < 512) return false;
  const bytes = asBuffer(block);
  // 257 – magic
  if (bytes.toString('latin1', 257, 262) === 'ustar') return true;
  return isZeroBlock(bytes) || hasRightChecksum(bytes);
}

export function isZeroBlock(block: Buffer): boolean {
  return block.equals(zeroBlock);
}

const zeroBlock = Buffer.alloc(512);

/** Whether the sum of the header's bytes, with the checksum field as spaces, is what the field says. */
export function hasRightChecksum(block: Buffer): boolean {
  // 148 – checksum, 8 bytes of octal digits
  const field = /^[ \0]*([0-7]+)[ \0]*$/.exec(block.toString('latin1', 148, 156));
  if (field === null) return false;
  let sum = 8 * 0x20;
  for (let index = 0; index < 512; index++) {
    if (index < 148 || index >= 156) sum += block[index] ?? 0;
  }
  return sum === Number.parseInt(field[1] ?? '', 8);
}

function beginsWith(bytes: Buffer, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** Frames of user data that zstd decoders pass over; pzstd begins its files with one. */
function isSkippableFrame(bytes: Buffer): boolean {
  return bytes.length >= 4 && (bytes.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50;
}

const otherKinds: readonly (readonly [string, readonly number[]])[] = [
  ['an xz file', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['a bzip2 file', [0x42, 0x5a, 0x68]],
  ['a 7z archive', [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ['a rar archive', [0x52, 0x61, 0x72, 0x21]],
  ['an lz4 file', [0x04, 0x22, 0x4d, 0x18]],
  ['an age-encrypted file', [...Buffer.from('age-encryption.org/')]],
  ['a SQLite database', [...Buffer.from('SQLite format 3\0')]],
];

/** The first bytes for a message: as text where they are text, as hex digits otherwise. */
export function describeStart(start: Uint8Array): string {
  const bytes = asBuffer(start);
  const known = otherKinds.find(([, magic]) => beginsWith(bytes, magic));
  const head = bytes.subarray(0, 8);
  const isText = head.every((byte) => byte >= 0x20 && byte < 0x7f);
  const shown = isText
    ? JSON.stringify(head.toString('latin1'))
    : head.toString('hex').replace(/(..)(?=.)/g, '$1 ');
  return known === undefined ? shown : `${shown}, as ${known[0]} does`;
}
