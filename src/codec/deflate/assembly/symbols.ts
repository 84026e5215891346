/** The symbols of DEFLATE (RFC 1951, 3.2.5), and how often each is in the block at hand. */

/** Symbols in the largest alphabet: 256 bytes, the end of a block, 29 lengths. */
export const symbolsMax: i32 = 286;
export const endOfBlock: i32 = 256;
export const lengthSymbols: i32 = 257;
export const distanceSymbols: i32 = 30;

export const literalCounts: usize = memory.data(symbolsMax * 4);
export const distanceCounts: usize = memory.data(distanceSymbols * 4);

/** For match lengths 3 to 258: which length symbol, and how many extra bits it has. */
export const lengthSlots: usize = memory.data(256);
export const lengthExtras: usize = memory.data(256);

fillLengths();

function fillLengths(): void {
  for (let length: u32 = 0; length < 256; length++) {
    const top: u32 = 31 - clz(length | 1);
    const extra: u32 = length < 8 || length == 255 ? 0 : top - 2;
    const slot: u32 = length < 8 ? length : length == 255 ? 28 : ((top - 1) << 2) + ((length >> extra) & 3);
    store<u8>(lengthExtras + length, extra);
    store<u8>(lengthSlots + length, slot);
  }
}

@inline
export function increment(counts: usize, symbol: u32): void {
  const slot = counts + ((<usize>symbol) << 2);
  store<u32>(slot, load<u32>(slot) + 1);
}

/** 0 to 29 for a distance less one. */
@inline
export function distanceSlot(distance: u32): u32 {
  if (distance < 2) return distance;
  const top: u32 = 31 - clz(distance);
  return 2 * top + ((distance >> (top - 1)) & 1);
}

export function resetCounts(): void {
  memory.fill(literalCounts, 0, symbolsMax * 4);
  memory.fill(distanceCounts, 0, distanceSymbols * 4);
  increment(literalCounts, endOfBlock);
}
