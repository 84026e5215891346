/** One 512-byte tar header block to its fields: v7, ustar (POSIX.1-1988) and GNU. Pure. */
import type { ByteString } from '../model/paths.ts';
import { hasRightChecksum } from './read-kind.ts';

export interface TarBlock {
  /** The type flag as a character; '\0' of old tars is '0'. */
  readonly type: string;
  readonly name: ByteString;
  readonly link: ByteString;
  readonly size: number;
  /** Undefined where the field is blank or not a number. */
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Seconds since 1970; 0 where the field is blank, as node-tar leaves it for folders. Undefined when it is not a number. */
  readonly mtime: number | undefined;
}

/** The fields, or a sentence about what is wrong with the block. */
export function parseTarBlock(block: Buffer): TarBlock | string {
  if (!hasRightChecksum(block)) return 'the checksum of a header is wrong';
  // 156 – type flag
  const type = block[156] === 0 ? '0' : block.toString('latin1', 156, 157);
  const size = sizeOf(block, type);
  if (size === undefined || size < 0) return 'the size in a header is not a number that a file can have';
  return {
    type,
    name: nameOf(block),
    // 157 – link name, 100 bytes
    link: textField(block, 157, 100),
    size,
    // 100 – mode, 8 bytes; 108 – uid, 8; 116 – gid, 8; 136 – mtime, 12
    mode: numberField(block, 100, 8),
    uid: positive(numberField(block, 108, 8)),
    gid: positive(numberField(block, 116, 8)),
    mtime: isBlank(block, 136, 12) ? 0 : numberField(block, 136, 12),
  };
}

/** 124 – size, 12 bytes; GNU tar leaves it blank in volume labels. */
function sizeOf(block: Buffer, type: string): number | undefined {
  return type === 'V' && isBlank(block, 124, 12) ? 0 : numberField(block, 124, 12);
}

function isBlank(block: Buffer, offset: number, bytes: number): boolean {
  return block.subarray(offset, offset + bytes).every((byte) => byte === 0);
}

/** 0 – name, 100 bytes; in ustar 345 – prefix, 155 bytes. GNU keeps other things where ustar has the prefix. */
function nameOf(block: Buffer): ByteString {
  const name = textField(block, 0, 100);
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? textField(block, 345, 155) : '';
  return (prefix === '' ? name : `${prefix}/${name}`) as ByteString;
}

function textField(block: Buffer, offset: number, bytes: number): ByteString {
  const end = block.indexOf(0, offset);
  const cut = end < 0 ? offset + bytes : Math.min(end, offset + bytes);
  return block.toString('latin1', offset, cut) as ByteString;
}

/** Octal digits, or GNU's base-256 (two's complement, marked by the top bit). Undefined when blank, malformed or not exact. */
export function numberField(block: Buffer, offset: number, bytes: number): number | undefined {
  if (((block[offset] ?? 0) & 0x80) !== 0) return base256(block.subarray(offset, offset + bytes));
  const match = /^[ \0]*([0-7]+)(?:[ \0]|$)/.exec(block.toString('latin1', offset, offset + bytes));
  return match === null ? undefined : Number.parseInt(match[1] ?? '', 8);
}

function base256(field: Buffer): number | undefined {
  const bits = BigInt(field.length * 8 - 1);
  const value = BigInt.asIntN(Number(bits), BigInt(`0x${field.toString('hex')}`));
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value >= 0 ? value : undefined;
}
