/** The compressed bytes and the bits not yet written. */

/** Bytes of one piece of input; the output of a piece always fits (stored blocks cost 5 bytes for 65,535). */
export const pieceBytes: i32 = 1 << 20;
const outputBytes: i32 = pieceBytes + (pieceBytes >> 6) + 1024;

export const output: usize = memory.data(outputBytes);
/** Where the next whole byte goes. */
export let cursor: usize = output;
export let pending: u64 = 0;
export let pendingBits: u32 = 0;

export function resetOutput(): void {
  cursor = output;
  pending = 0;
  pendingBits = 0;
}

export function outputLength(): i32 {
  return <i32>(cursor - output);
}

/** Goes on where a loop with local variables has stopped: at most 7 bits are pending. */
export function resumeOutput(place: usize, bits: u64, count: u32): void {
  cursor = place;
  pending = bits;
  pendingBits = count;
}

/** Up to 32 bits, the lowest first. */
export function putBits(value: u32, bits: u32): void {
  pending |= (<u64>value) << pendingBits;
  pendingBits += bits;
  store<u64>(cursor, pending);
  cursor += pendingBits >> 3;
  pending >>= pendingBits & ~7;
  pendingBits &= 7;
}

/** A code as `assignCodes` makes them: length << 24 | bits. */
export function putCode(code: u32): void {
  putBits(code & 0xffffff, code >> 24);
}

export function alignToByte(): void {
  if (pendingBits > 0) putBits(0, 8 - pendingBits);
}

/** Copies bytes; the output must stand at a byte boundary. */
export function putBytes(from: usize, bytes: i32): void {
  memory.copy(cursor, from, bytes);
  cursor += bytes;
}
