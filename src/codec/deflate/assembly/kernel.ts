/**
 * DEFLATE (RFC 1951) for one piece of up to 1 MiB. The output depends on the input, the dictionary and this file, on
 * nothing else: see docs/decisions/0006-deterministic-gzip.md.
 *
 * The host puts the bytes before the piece (up to 32 KiB) at `dictionaryEnd() - count` and the piece itself at
 * `dictionaryEnd()`, calls `compress`, and takes the result from `outputStart()`. The result is whole blocks, none marked as last, and
 * ends at a byte boundary with an empty stored block, so that results can simply be put one after another.
 */
import { assignCodes, assignLengths } from './huffman';
import { findSequences, input, resetMatches, sequenceBytes, sequences } from './matches';
import {
  alignToByte,
  cursor,
  output,
  outputLength,
  pending,
  pendingBits,
  pieceBytes,
  putBits,
  putBytes,
  putCode,
  resetOutput,
  resumeOutput,
} from './output';
import {
  distanceCounts,
  distanceSlot,
  distanceSymbols,
  endOfBlock,
  increment,
  lengthExtras,
  lengthSlots,
  lengthSymbols,
  literalCounts,
  symbolsMax,
} from './symbols';

/** Four codes of 14 bits fit a u64 with 7 bits that are waiting there. */
const literalBitsMax: i32 = 14;
const distanceBitsMax: i32 = 15;
const lengthCodeBitsMax: i32 = 7;
const lengthCodeSymbols: i32 = 19;

/** Lengths of both trees one after the other, as they are written. */
const treeLengths: usize = memory.data(symbolsMax + distanceSymbols);
const fixedLengths: usize = memory.data(288);
const literalCodes: usize = memory.data(288 * 4);
const distanceCodes: usize = memory.data(32 * 4);
/** For match lengths 3 to 258: symbol code and extra bits together, u32: bits << 24 | value. */
const matchCodes: usize = memory.data(256 * 4);

/** The lengths of the trees after run-length coding: u16 each: symbol | extra << 8. */
const runs: usize = memory.data((symbolsMax + distanceSymbols) * 2);
let runCount: i32 = 0;
const runCounts: usize = memory.data(lengthCodeSymbols * 4);
const runLengths: usize = memory.data(lengthCodeSymbols);
const runCodes: usize = memory.data(lengthCodeSymbols * 4);
/** The order in which code-length lengths are written (RFC 1951, 3.2.7). */
const runOrder: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

let literalCount: i32 = 0; // symbols of each tree that are written
let distanceCount: i32 = 0;

fillTables();

function fillTables(): void {
  for (let symbol = 0; symbol < 288; symbol++) {
    store<u8>(fixedLengths + symbol, symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8);
  }
}

export function pieceBytesMax(): i32 {
  return pieceBytes;
}

export function dictionaryEnd(): usize {
  return input;
}

export function outputStart(): usize {
  return output;
}

/** Compresses the `bytes` bytes at `dictionaryEnd()`; returns how many bytes the result has. */
export function compress(dictionaryBytes: i32, bytes: i32): i32 {
  resetOutput();
  resetMatches(dictionaryBytes);
  const end = input + bytes;
  for (let at = input; at < end; ) {
    const blockEnd = findSequences(at, end);
    writeBlock(at, blockEnd);
    at = blockEnd;
  }
  putStored(input, 0);
  return outputLength();
}

function writeBlock(start: usize, end: usize): void {
  assignLengths(literalCounts, symbolsMax, literalBitsMax, treeLengths);
  literalCount = usedSymbols(treeLengths, symbolsMax, 257);
  const distanceLengths = treeLengths + literalCount;
  assignLengths(distanceCounts, distanceSymbols, distanceBitsMax, distanceLengths);
  distanceCount = usedSymbols(distanceLengths, distanceSymbols, 1);
  codeTreeLengths();

  const extra = extraBits();
  const dynamicCost: u32 = headerBits() + extra + contentBits(treeLengths, distanceLengths);
  const fixedCost: u32 = 3 + extra + contentBits(fixedLengths, 0);
  const bytes = end - start;
  const storedCost = <u32>((bytes + 5) << 3);
  if (storedCost <= min(dynamicCost, fixedCost)) return putStored(start, bytes);
  if (fixedCost <= dynamicCost) {
    putBits(2, 3); // not the last block, fixed codes
    assignCodes(fixedLengths, 288, literalCodes);
    for (let slot: u32 = 0; slot < 30; slot++) store<u32>(distanceCodes + (slot << 2), (5 << 24) | reverse5(slot));
  } else {
    writeTrees();
    assignCodes(treeLengths, literalCount, literalCodes);
    assignCodes(distanceLengths, distanceCount, distanceCodes);
  }
  joinMatchCodes();
  writeSequences(start);
}

function reverse5(value: u32): u32 {
  return ((value & 1) << 4) | ((value & 2) << 2) | (value & 4) | ((value & 8) >> 2) | ((value & 16) >> 4);
}

// What a block would take

/** Bits of the codes of all symbols, without extra bits; `distanceLengths` 0 means 5 bits for each. */
function contentBits(literalLengths: usize, distanceLengths: usize): u32 {
  let bits: u32 = 0;
  for (let symbol: usize = 0; symbol < <usize>symbolsMax; symbol++) {
    bits += load<u32>(literalCounts + (symbol << 2)) * <u32>load<u8>(literalLengths + symbol);
  }
  for (let slot: usize = 0; slot < <usize>distanceSymbols; slot++) {
    bits += load<u32>(distanceCounts + (slot << 2)) * (distanceLengths == 0 ? 5 : <u32>load<u8>(distanceLengths + slot));
  }
  return bits;
}

function extraBits(): u32 {
  let bits: u32 = 0;
  for (let slot = 8; slot < 28; slot++) {
    bits += load<u32>(literalCounts + ((<usize>(lengthSymbols + slot)) << 2)) * (slot / 4 - 1);
  }
  for (let slot = 4; slot < distanceSymbols; slot++) {
    bits += load<u32>(distanceCounts + ((<usize>slot) << 2)) * (slot / 2 - 1);
  }
  return bits;
}

// The two trees at the head of a block

function usedSymbols(lengths: usize, symbols: i32, least: i32): i32 {
  let count = symbols;
  while (count > least && load<u8>(lengths + count - 1) == 0) count--;
  return count;
}

/** Run-length codes the lengths of both trees into `runs` (RFC 1951, 3.2.7), and gives the run symbols their lengths. */
function codeTreeLengths(): void {
  runCount = 0;
  memory.fill(runCounts, 0, lengthCodeSymbols * 4);
  const end = treeLengths + literalCount + distanceCount;
  for (let at = treeLengths; at < end; ) {
    const length = load<u8>(at);
    let run: i32 = 1;
    while (at + run < end && load<u8>(at + run) == length) run++;
    at += run;
    if (length != 0) {
      addRun(length, 0);
      run--;
    }
    run = addRepeats(length, run);
    for (; run > 0; run--) addRun(length, 0);
  }
  assignLengths(runCounts, lengthCodeSymbols, lengthCodeBitsMax, runLengths);
}

/** Symbols 16 to 18 for as much of the run as they can say; returns what is left of it. */
function addRepeats(length: u32, run: i32): i32 {
  let left = run;
  if (length == 0) {
    while (left >= 11) {
      const part = min(left, 138);
      addRun(18, part - 11);
      left -= part;
    }
    if (left >= 3) {
      addRun(17, left - 3);
      left = 0;
    }
    return left;
  }
  while (left >= 3) {
    const part = min(left, 6);
    addRun(16, part - 3);
    left -= part;
  }
  return left;
}

function addRun(symbol: u32, extra: u32): void {
  store<u16>(runs + ((<usize>runCount) << 1), symbol | (extra << 8));
  runCount++;
  increment(runCounts, symbol);
}

@inline
function runExtraBits(symbol: u32): u32 {
  return symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
}

function writtenRunLengths(): i32 {
  let count = lengthCodeSymbols;
  while (count > 4 && load<u8>(runLengths + load<u8>(runOrder + count - 1)) == 0) count--;
  return count;
}

function headerBits(): u32 {
  let bits: u32 = 17 + 3 * writtenRunLengths();
  for (let symbol: u32 = 0; symbol < <u32>lengthCodeSymbols; symbol++) {
    bits += load<u32>(runCounts + (symbol << 2)) * (<u32>load<u8>(runLengths + symbol) + runExtraBits(symbol));
  }
  return bits;
}

function writeTrees(): void {
  const written = writtenRunLengths();
  putBits(4, 3); // not the last block, dynamic codes
  putBits(literalCount - 257, 5);
  putBits(distanceCount - 1, 5);
  putBits(written - 4, 4);
  for (let index = 0; index < written; index++) putBits(load<u8>(runLengths + load<u8>(runOrder + index)), 3);
  assignCodes(runLengths, lengthCodeSymbols, runCodes);
  for (let index = 0; index < runCount; index++) {
    const run: u32 = load<u16>(runs + ((<usize>index) << 1));
    putCode(load<u32>(runCodes + ((run & 0xff) << 2)));
    putBits(run >> 8, runExtraBits(run & 0xff));
  }
}

// The contents

function joinMatchCodes(): void {
  for (let length: u32 = 0; length < 256; length++) {
    const extra: u32 = load<u8>(lengthExtras + length);
    const code = load<u32>(literalCodes + ((lengthSymbols + <u32>load<u8>(lengthSlots + length)) << 2));
    const bits = code >> 24;
    const value = (code & 0xffffff) | ((length & ((1 << extra) - 1)) << bits);
    store<u32>(matchCodes + (length << 2), ((bits + extra) << 24) | value);
  }
}

/** The bits that are pending are in local variables: in globals, which are in memory, the whole took 3 to 5 % longer. */
function writeSequences(start: usize): void {
  let place = cursor;
  let bits = pending;
  let count = pendingBits;
  let at = start;
  for (let sequence = sequences; ; sequence += sequenceBytes) {
    const matchAt = at + load<u32>(sequence);
    for (; at + 4 <= matchAt; at += 4) {
      let code = literalCode(at);
      bits |= (<u64>(code & 0xffffff)) << count;
      count += code >> 24;
      code = literalCode(at + 1);
      bits |= (<u64>(code & 0xffffff)) << count;
      count += code >> 24;
      code = literalCode(at + 2);
      bits |= (<u64>(code & 0xffffff)) << count;
      count += code >> 24;
      code = literalCode(at + 3);
      bits |= (<u64>(code & 0xffffff)) << count;
      count += code >> 24;
      store<u64>(place, bits);
      place += count >> 3;
      bits >>= count & ~7;
      count &= 7;
    }
    for (; at < matchAt; at++) {
      const code = literalCode(at);
      bits |= (<u64>(code & 0xffffff)) << count;
      count += code >> 24;
    }
    store<u64>(place, bits);
    place += count >> 3;
    bits >>= count & ~7;
    count &= 7;
    const length: u32 = load<u16>(sequence, 4);
    if (length == 0) break; // the literals at the end of the block
    // At most 19 bits for the length and 28 for the distance, both with their extra bits.
    const distance: u32 = load<u16>(sequence, 6);
    const near = load<u32>(matchCodes + ((length - 3) << 2));
    bits |= (<u64>(near & 0xffffff)) << count;
    count += near >> 24;
    const far = load<u32>(distanceCodes + (distanceSlot(distance) << 2));
    bits |= (<u64>(far & 0xffffff)) << count;
    count += far >> 24;
    const extra: u32 = distance < 4 ? 0 : 30 - clz(distance);
    bits |= (<u64>(distance & ((1 << extra) - 1))) << count;
    count += extra;
    store<u64>(place, bits);
    place += count >> 3;
    bits >>= count & ~7;
    count &= 7;
    at += length;
  }
  resumeOutput(place, bits, count);
  putCode(load<u32>(literalCodes + (endOfBlock << 2)));
}

@inline
function literalCode(at: usize): u32 {
  return load<u32>(literalCodes + ((<usize>load<u8>(at)) << 2));
}

/** A stored block; it may be empty, and then only aligns the output to a byte. */
function putStored(from: usize, bytes: usize): void {
  putBits(0, 3);
  alignToByte();
  putBits(<u32>bytes | (~(<u32>bytes) << 16), 32);
  putBytes(from, <i32>bytes);
}
