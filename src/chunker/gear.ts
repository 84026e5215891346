/**
 * The gear table and the rule that ends a chunk. The rolling hash is Gear (Xia et al., "Ddelta", 2014): shift left by
 * one, add the table's number for the byte, modulo 2^32, so it depends on the last 32 bytes. Cutting is normalized as in
 * FastCDC (Xia et al., 2016): a harder test before the average size, an easier one after it.
 */
import type { CutProfile } from './parameters.ts';

/** Bytes the hash depends on. */
export const gearWindow = 32;
/** Bits by which the test is harder before, and easier after, the average. */
const normalization = 2;

/**
 * 256 numbers of 32 bits from the SplitMix32 generator. With this seed no run of one repeated byte passes even the easiest
 * test (a run's hash is minus the byte's number): otherwise such runs would be cut at every chance. A test holds that.
 */
const gearSeed = 0x4558_5556;

export function makeGearTable(): Uint32Array {
  let state = gearSeed;
  return Uint32Array.from({ length: 256 }, () => {
    state = (state + 0x9e3779b9) >>> 0;
    let value = state;
    value = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
    value = Math.imul(value ^ (value >>> 15), 0x735a2d97);
    return (value ^ (value >>> 15)) >>> 0;
  });
}

export const gearTable: Uint32Array = makeGearTable();

/** A chunk may end where the hash shifted right by this is zero. */
export interface CutShifts {
  readonly before: number;
  readonly after: number;
}

export function cutShifts(profile: CutProfile): CutShifts {
  const bits = Math.log2(profile.avgBytes);
  return { before: 32 - (bits + normalization), after: 32 - (bits - normalization) };
}
