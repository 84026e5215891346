/**
 * LZ77: turns input into sequences, each a run of literal bytes and then one match with earlier bytes, and counts the symbols that they
 * take.
 *
 * A hash of five bytes names the place that had it last; four bytes or more that are the same there are taken, at once, and as many before
 * them as are the same too. Of a match, only its second place and its last two are remembered. Where nothing has matched for a while the
 * steps get longer. Measured on a twentieth of set b of bench/peers (source code, JSONL, databases, media): half the time of two places for a
 * hash of four bytes with all places remembered, and 0.9 % larger.
 */
import { pieceBytes } from './output';
import {
  decrement,
  distanceCounts,
  distanceSlot,
  increment,
  lengthSlots,
  lengthSymbols,
  literalCounts,
  resetCounts,
} from './symbols';

export const dictionaryBytesMax: i32 = 32768;
/** A match may reach 257 bytes beyond this; the whole then still fits one stored block (65,535 bytes). */
const blockBytesMax: i32 = 65535 - 257;

const hashBits: u32 = 16;
const matchBytesMax: u32 = 258;
const distanceMax: usize = 32768;
/** Bytes before the end of a piece that are literals, so that hashes and first compares never look beyond it. */
const tailBytes: usize = 8;
/** Every second place of the dictionary is remembered: they are 16,000, and the search looks at 200,000 in a piece of text. */
const dictionaryStep: usize = 2;
/** After so many literals (as a power of two) the search goes in steps of two bytes, after twice as many of three … */
const stepShift: usize = 5;
/** … and at most in these: what cannot be compressed, but is there twice, is still found. */
const stepMax: usize = 16;

/** The u32 address of the last place with each hash. An address is never near 0, so an empty one is simply too far away. */
const places: usize = memory.data((1 << hashBits) * 4);

/** The dictionary ends, and the input begins, at `input`. */
export const dictionary: usize = memory.data(dictionaryBytesMax);
export const input: usize = memory.data(pieceBytes + 16);

/** One sequence: 0 - literals before the match (u32), 4 - length (u16), 6 - distance - 1 (u16). A length of 0 is the end of a block. */
export const sequences: usize = memory.data((blockBytesMax / 4 + 4) * 8);
export const sequenceBytes: usize = 8;

/** Where the last place is kept that has the same five bytes as the lowest of `head`. */
// @ts-ignore: decorator
@inline
function placeOf(head: u64): usize {
  return places + ((<usize>(((head << 24) * 0x9e3779b185ebca87) >> (64 - hashBits))) << 2);
}

// @ts-ignore: decorator
@inline
function remember(at: usize): void {
  store<u32>(placeOf(load<u64>(at)), <u32>at);
}

/** Where the dictionary begins. */
let lowest: usize = input;

export function resetMatches(dictionaryBytes: i32): void {
  lowest = input - dictionaryBytes;
  memory.fill(places, 0, (1 << hashBits) * 4);
  for (let at = lowest; at + 8 <= input; at += dictionaryStep) remember(at);
}

/** How many bytes, up to the end of the piece, are the same at `from` and at `at`, where `head` is: 0, or 4 to 258. */
// @ts-ignore: decorator
@inline
function matchLength(from: usize, at: usize, head: u32, pieceEnd: usize): u32 {
  if (at - from > distanceMax || load<u32>(from) != head) return 0;
  const limit = <u32>min(<usize>matchBytesMax, pieceEnd - at);
  let length: u32 = 4;
  while (length < limit) {
    const difference = load<u64>(from + length) ^ load<u64>(at + length);
    if (difference != 0) return min(length + (<u32>ctz(difference) >> 3), limit);
    length += 8;
  }
  return limit;
}

/**
 * Finds the sequences of one block, from `start` on, and counts their symbols; returns where the block ends. What lies between the end of
 * the last match and the end of the block are literals.
 */
export function findSequences(start: usize, pieceEnd: usize): usize {
  const blockEnd = min(start + blockBytesMax, pieceEnd);
  const searchEnd = min(blockEnd, pieceEnd - tailBytes);
  resetCounts();
  let sequence = sequences;
  let literals = start; // where the current run of literals began
  let at = start;
  while (at < searchEnd) {
    const head = load<u64>(at);
    const place = placeOf(head);
    let from = <usize>load<u32>(place);
    store<u32>(place, <u32>at);
    let length = matchLength(from, at, <u32>head, pieceEnd);
    if (length == 0) {
      increment(literalCounts, <u32>head & 0xff);
      const next = min(at + min(1 + ((at - literals) >> stepShift), stepMax), blockEnd);
      for (at++; at < next; at++) increment(literalCounts, load<u8>(at));
      continue;
    }
    while (at > literals && from > lowest && load<u8>(at - 1) == load<u8>(from - 1)) {
      at--;
      from--;
      length++;
      decrement(literalCounts, load<u8>(at));
    }
    length = min(length, matchBytesMax);
    const distance = <u32>(at - from - 1);
    store<u32>(sequence, <u32>(at - literals));
    store<u32>(sequence, length | (distance << 16), 4);
    sequence += sequenceBytes;
    increment(literalCounts, lengthSymbols + load<u8>(lengthSlots + length - 3));
    increment(distanceCounts, distanceSlot(distance));
    literals = at + length;
    if (literals <= pieceEnd - tailBytes) {
      remember(at + 1);
      remember(literals - 2);
      remember(literals - 1);
    }
    at = literals;
  }
  for (; at < blockEnd; at++) increment(literalCounts, load<u8>(at));
  const end = max(blockEnd, literals);
  store<u32>(sequence, <u32>(end - literals));
  store<u32>(sequence, 0, 4);
  return end;
}
