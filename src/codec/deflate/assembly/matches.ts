/**
 * LZ77: turns input into sequences, each a run of literal bytes and then one match with earlier bytes.
 *
 * A hash of four bytes names a bucket with the two places that had it last. The longer match is taken, at once. Measured on source
 * code, JSONL and a database: the second place makes the output 3 to 6 % smaller and the search 3 to 7 % slower. Where nothing has
 * matched for a while the steps get longer: random bytes pass at 1,000 MB/s instead of 110, and text is not affected.
 */
import { pieceBytes } from './output';

export const dictionaryBytesMax: i32 = 32768;
/** A match may reach 257 bytes beyond this; the whole then still fits one stored block (65,535 bytes). */
const blockBytesMax: i32 = 65535 - 257;

const hashBits: u32 = 16;
const matchBytesMax: usize = 258;
const distanceMax: usize = 32768;
/** Bytes before the end of a piece that are literals, so that hashes and first compares never look beyond it. */
const tailBytes: usize = 8;

/** Bucket: two u32 addresses, the newer first. An address is never near 0, so an empty place is simply too far away. */
const buckets: usize = memory.data((1 << hashBits) * 8);

/** The dictionary ends, and the input begins, at `input`. */
export const dictionary: usize = memory.data(dictionaryBytesMax);
export const input: usize = memory.data(pieceBytes + 16);

/** One sequence: 0 - literals before the match (u32), 4 - length (u16), 6 - distance - 1 (u16). */
export const sequences: usize = memory.data((blockBytesMax / 4 + 4) * 8);
export const sequenceBytes: usize = 8;

// @ts-ignore: decorator
@inline
function bucketOf(at: usize): usize {
  return buckets + ((<usize>((load<u32>(at) * 0x9e3779b1) >> (32 - hashBits))) << 3);
}

// @ts-ignore: decorator
@inline
function remember(at: usize): void {
  const bucket = bucketOf(at);
  store<u32>(bucket, load<u32>(bucket), 4);
  store<u32>(bucket, <u32>at);
}

export function resetMatches(dictionaryBytes: i32): void {
  memory.fill(buckets, 0, (1 << hashBits) * 8);
  for (let at = input - dictionaryBytes; at + 4 <= input; at++) remember(at);
}

/** How many bytes, at most `limit`, are the same at `from` and at `at`, where `head` is: 0, or 4 and more. */
// @ts-ignore: decorator
@inline
function matchLength(from: usize, at: usize, head: u32, limit: u32): u32 {
  if (at - from > distanceMax || load<u32>(from) != head) return 0;
  let length: u32 = 4;
  while (length < limit) {
    const difference = load<u64>(from + length) ^ load<u64>(at + length);
    if (difference != 0) return min(length + (<u32>ctz(difference) >> 3), limit);
    length += 8;
  }
  return limit;
}

/** How many sequences the last call of `findSequences` made. */
export let sequenceCount: i32 = 0;

/**
 * Finds the sequences of one block, from `start` on; returns where the block ends. What lies between the end of the last
 * sequence and the end of the block are literals.
 */
export function findSequences(start: usize, pieceEnd: usize): usize {
  const blockEnd = min(start + blockBytesMax, pieceEnd);
  const searchEnd = min(blockEnd, pieceEnd - tailBytes);
  let sequence = sequences;
  let literals = start; // where the current run of literals began
  let at = start;
  while (at < searchEnd) {
    const head = load<u32>(at);
    const bucket = bucketOf(at);
    const first = <usize>load<u32>(bucket);
    const second = <usize>load<u32>(bucket, 4);
    store<u32>(bucket, <u32>first, 4);
    store<u32>(bucket, <u32>at);
    const limit = <u32>min(matchBytesMax, pieceEnd - at);
    let length = matchLength(first, at, head, limit);
    let from = first;
    const other = matchLength(second, at, head, limit);
    if (other > length) {
      length = other;
      from = second;
    }
    if (length == 0) {
      at += 1 + ((at - literals) >> 8);
      continue;
    }
    store<u32>(sequence, <u32>(at - literals));
    store<u16>(sequence, <u16>length, 4);
    store<u16>(sequence, <u16>(at - from - 1), 6);
    sequence += sequenceBytes;
    literals = at + length;
    const rememberEnd = min(literals, pieceEnd - tailBytes);
    for (at = at + 1; at < rememberEnd; at++) remember(at);
    at = literals;
  }
  sequenceCount = <i32>((sequence - sequences) / sequenceBytes);
  return max(blockEnd, literals);
}
