/** The compressed bytes and the bits not yet written. */

/** Bytes of one piece of input; the output of a piece always fits (stored blocks cost 5 bytes for 65,535). */
export const pieceBytes: i32 = 1 << 20;
const outputBytes: i32 = pieceBytes + (pieceBytes >> 6) + 1024;

export const output: usize = memory.data(outputBytes);
let cursor: usize = output;
let pending: u64 = 0;
let pendingBits: u32 = 0;

export function resetOutput(): void {
  cursor = output;
  pending = 0;
  pendingBits = 0;
}

export function outputLength(): i32 {
  return <i32>(cursor - output);
}

/** Bits, the lowest first. They stay in `pending`, which holds 64 with up to 7 left from before, until `flushBits`. */
// @ts-ignore: decorator
@inline
export function addBits(value: u32, bits: u32): void {
  pending |= (<u64>value) << pendingBits;
  pendingBits += bits;
}

/** A code as `assignCodes` makes them: length << 24 | bits. */
// @ts-ignore: decorator
@inline
export function addCode(code: u32): void {
  addBits(code & 0xffffff, code >> 24);
}

/** Writes the whole bytes of what is pending. */
// @ts-ignore: decorator
@inline
export function flushBits(): void {
  store<u64>(cursor, pending);
  cursor += pendingBits >> 3;
  pending >>= pendingBits & ~7;
  pendingBits &= 7;
}

/** Up to 32 bits, written. */
export function putBits(value: u32, bits: u32): void {
  addBits(value, bits);
  flushBits();
}

export function alignToByte(): void {
  if (pendingBits > 0) putBits(0, 8 - pendingBits);
}

/** Copies bytes; the output must stand at a byte boundary. */
export function putBytes(from: usize, bytes: i32): void {
  memory.copy(cursor, from, bytes);
  cursor += bytes;
}
