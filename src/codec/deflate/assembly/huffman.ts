/**
 * Huffman codes with a limit on their length.
 *
 * Lengths of an optimal code come from the in-place method of Moffat and Katajainen (1995). Lengths above the limit are
 * cut to it, and the tree is made to fit again by moving the shallowest-costing leaves down, as few as needed: for
 * blocks of this size the loss against an optimal limited code is below 0.01 %.
 */

import { symbolsMax } from './symbols';

const bitsMax: i32 = 15;

const symbolBits: u32 = 9;
const sorted: usize = memory.data(symbolsMax * 4); // u32 each: frequency << 9 | symbol
const weights: usize = memory.data(symbolsMax * 4); // u32 each: weights, then parents, then depths
const lengthCounts: usize = memory.data((bitsMax + 1) * 4); // u32 each: how many codes have this many bits
const nextCodes: usize = memory.data((bitsMax + 2) * 4); // u32 each

/**
 * Gives each of `symbols` symbols the length of its code in bits (0 where it does not occur), at most `limit`.
 * At least two symbols always get a code: some decoders refuse a tree with fewer.
 * `frequencies` are u32 below 2^23, `lengths` are u8.
 */
export function assignLengths(frequencies: usize, symbols: i32, limit: i32, lengths: usize): void {
  memory.fill(lengths, 0, symbols);
  const used = collectUsed(frequencies, symbols);
  sortByFrequency(used);
  countLengths(used, limit);
  fitLimit(limit);
  let index: usize = 0;
  for (let bits = limit; bits > 0; bits--) {
    for (let left = load<u32>(lengthCounts + ((<usize>bits) << 2)); left > 0; left--) {
      const symbol = load<u32>(sorted + (index << 2)) & ((1 << symbolBits) - 1);
      store<u8>(lengths + symbol, bits);
      index++;
    }
  }
}

function collectUsed(frequencies: usize, symbols: i32): i32 {
  let used = 0;
  for (let symbol = 0; symbol < symbols; symbol++) {
    const frequency = load<u32>(frequencies + ((<usize>symbol) << 2));
    if (frequency == 0) continue;
    store<u32>(sorted + ((<usize>used) << 2), (frequency << symbolBits) | symbol);
    used++;
  }
  for (let symbol = 0; used < 2; symbol++) {
    if (load<u32>(frequencies + ((<usize>symbol) << 2)) != 0) continue;
    store<u32>(sorted + ((<usize>used) << 2), (1 << symbolBits) | symbol);
    used++;
  }
  return used;
}

/** Shell sort: 286 keys at most, and no memory. */
function sortByFrequency(used: i32): void {
  for (let gap = used > 57 ? 57 : used > 10 ? 10 : 1; gap > 0; gap = gap == 57 ? 23 : gap == 23 ? 10 : gap == 10 ? 4 : gap == 4 ? 1 : 0) {
    for (let from = gap; from < used; from++) {
      const key = load<u32>(sorted + ((<usize>from) << 2));
      let at = from;
      while (at >= gap) {
        const before = load<u32>(sorted + ((<usize>(at - gap)) << 2));
        if (before <= key) break;
        store<u32>(sorted + ((<usize>at) << 2), before);
        at -= gap;
      }
      store<u32>(sorted + ((<usize>at) << 2), key);
    }
  }
}

@inline
function weight(index: i32): u32 {
  return load<u32>(weights + ((<usize>index) << 2));
}

@inline
function setWeight(index: i32, value: u32): void {
  store<u32>(weights + ((<usize>index) << 2), value);
}

/** Fills `lengthCounts` from the sorted frequencies; depths above `limit` count as `limit`. */
function countLengths(used: i32, limit: i32): void {
  for (let index = 0; index < used; index++) {
    setWeight(index, load<u32>(sorted + ((<usize>index) << 2)) >> symbolBits);
  }
  pairWeights(used);
  setWeight(used - 2, 0);
  for (let node = used - 3; node >= 0; node--) setWeight(node, weight(weight(node)) + 1);

  memory.fill(lengthCounts, 0, (bitsMax + 1) * 4);
  let open = 1; // places for nodes at this depth
  let node = used - 2;
  for (let depth = 0; open > 0; depth++) {
    let inner = 0;
    while (node >= 0 && weight(node) == depth) {
      inner++;
      node--;
    }
    const slot = lengthCounts + ((<usize>min(depth, limit)) << 2);
    store<u32>(slot, load<u32>(slot) + (open - inner));
    open = 2 * inner;
  }
}

/** Joins the two lightest trees until one is left; `weights` then holds each inner node's parent. */
function pairWeights(used: i32): void {
  let root = 0;
  let leaf = 2;
  setWeight(0, weight(0) + weight(1));
  for (let next = 1; next < used - 1; next++) {
    let sum: u32 = 0;
    for (let side = 0; side < 2; side++) {
      if (leaf >= used || (root < next && weight(root) < weight(leaf))) {
        sum += weight(root);
        setWeight(root, next);
        root++;
      } else {
        sum += weight(leaf);
        leaf++;
      }
    }
    setWeight(next, sum);
  }
}

/** Each step moves one leaf a level down and hangs one of the deepest beside it, until the code fits. */
function fitLimit(limit: i32): void {
  let total: u32 = 0;
  for (let bits = 1; bits <= limit; bits++) {
    total += load<u32>(lengthCounts + ((<usize>bits) << 2)) << (limit - bits);
  }
  for (; total > (<u32>1) << limit; total--) {
    let bits = limit - 1;
    while (load<u32>(lengthCounts + ((<usize>bits) << 2)) == 0) bits--;
    addCount(bits, -1);
    addCount(bits + 1, 2);
    addCount(limit, -1);
  }
}

function addCount(bits: i32, by: i32): void {
  const slot = lengthCounts + ((<usize>bits) << 2);
  store<u32>(slot, load<u32>(slot) + by);
}

/** Canonical codes (RFC 1951, 3.2.2), bits reversed for writing; each u32 is length << 24 | code. */
export function assignCodes(lengths: usize, symbols: i32, codes: usize): void {
  memory.fill(lengthCounts, 0, (bitsMax + 1) * 4);
  for (let symbol = 0; symbol < symbols; symbol++) addCount(load<u8>(lengths + symbol), 1);
  store<u32>(lengthCounts, 0);
  let code: u32 = 0;
  for (let bits = 0; bits <= bitsMax; bits++) {
    code = (code + (bits > 0 ? load<u32>(lengthCounts + ((<usize>(bits - 1)) << 2)) : 0)) << 1;
    store<u32>(nextCodes + ((<usize>bits) << 2), code);
  }
  for (let symbol = 0; symbol < symbols; symbol++) {
    const bits: u32 = load<u8>(lengths + symbol);
    const next = nextCodes + ((<usize>bits) << 2);
    const value = load<u32>(next);
    if (bits != 0) store<u32>(next, value + 1);
    store<u32>(codes + ((<usize>symbol) << 2), bits == 0 ? 0 : (bits << 24) | (reverse16(value) >> (16 - bits)));
  }
}

function reverse16(value: u32): u32 {
  let x = value;
  x = ((x & 0x5555) << 1) | ((x >> 1) & 0x5555);
  x = ((x & 0x3333) << 2) | ((x >> 2) & 0x3333);
  x = ((x & 0x0f0f) << 4) | ((x >> 4) & 0x0f0f);
  return ((x & 0x00ff) << 8) | (x >> 8);
}
