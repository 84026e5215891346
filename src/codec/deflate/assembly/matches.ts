/**
 * LZ77: turns input into sequences, each a run of literal bytes and then one match with earlier bytes, and counts the symbols that they
 * take.
 *
 * A hash of six bytes names the place that had it last; four bytes or more that are the same there are taken, at once, and as many before
 * them as are the same too. Of a match, only its second place and its last two are remembered, and of what does not match every second,
 * or fewer where nothing has matched for a while. What that gains and costs is in docs/decisions/0006-deterministic-gzip.md.
 */
import { pieceBytes } from './output';
import {
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
/** Where nothing matches the search goes in steps of two bytes, most of what it passes over comes back from behind … */
const stepMin: usize = 2;
/** … after so many literals (as a power of two) in steps of three, after twice as many of four … */
const stepShift: usize = 4;
/** … and at most in these: what cannot be compressed, but is there twice, is still found. */
const stepMax: usize = 16;

/** The u32 address of the last place with each hash. An address is never near 0, so an empty one is simply too far away. */
const places: usize = memory.data((1 << hashBits) * 4);

/** The dictionary ends, and the input begins, at `input`. */
export const dictionary: usize = memory.data(dictionaryBytesMax);
export const input: usize = memory.data(pieceBytes + 32);

/** One sequence: 0 - literals before the match (u32), 4 - length (u16), 6 - distance - 1 (u16). A length of 0 is the end of a block. */
export const sequences: usize = memory.data((blockBytesMax / 4 + 4) * 8);
export const sequenceBytes: usize = 8;

/** Where the last place is kept that has the same six bytes as the lowest of `head`: fewer are overwritten than with five. */
@inline
function placeOf(head: u64): usize {
  return places + ((<usize>(((head << 16) * 0x9e3779b185ebca87) >> (64 - hashBits))) << 2);
}

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
@inline
function matchLength(from: usize, at: usize, head: u32, pieceEnd: usize): u32 {
  // After a match that was cut short at its end the search may come to a place once more: that one, and those behind it, are none.
  if (at - from - 1 >= distanceMax || load<u32>(from) != head) return 0;
  const limit = <u32>min(<usize>matchBytesMax, pieceEnd - at);
  let length: u32 = 4;
  while (length < limit) {
    const same = <u32>i8x16.bitmask(i8x16.eq(v128.load(from + length), v128.load(at + length)));
    if (same != 0xffff) return min(length + <u32>ctz(~same), limit);
    length += 16;
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
    const length = matchLength(from, at, <u32>head, pieceEnd);
    if (length == 0) {
      at += min(stepMin + ((at - literals) >> stepShift), stepMax);
      continue;
    }
    const end = at + length;
    const distance = <u32>(at - from - 1);
    let begin = at;
    while (begin > literals && from > lowest && load<u8>(begin - 1) == load<u8>(from - 1)) {
      begin--;
      from--;
    }
    const matched = min(<u32>(end - begin), matchBytesMax);
    store<u32>(sequence, <u32>(begin - literals));
    store<u32>(sequence, matched | (distance << 16), 4);
    sequence += sequenceBytes;
    countLiterals(literals, begin);
    increment(literalCounts, lengthSymbols + load<u8>(lengthSlots + matched - 3));
    increment(distanceCounts, distanceSlot(distance));
    literals = begin + matched;
    if (literals <= pieceEnd - tailBytes) {
      remember(at + 1);
      remember(literals - 2);
      remember(literals - 1);
    }
    at = literals;
  }
  const end = max(blockEnd, literals);
  countLiterals(literals, end);
  store<u32>(sequence, <u32>(end - literals));
  store<u32>(sequence, 0, 4);
  return end;
}

@inline
function countLiterals(from: usize, end: usize): void {
  for (let at = from; at < end; at++) increment(literalCounts, load<u8>(at));
}
