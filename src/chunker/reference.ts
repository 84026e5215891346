/** The chunker in plain TypeScript: what the kernel must agree with, and what runs where there is no WebAssembly. */
import { cutShifts, gearTable, gearWindow } from './gear.ts';
import type { CutProfile } from './parameters.ts';

/**
 * End of the chunk that begins at `start`: the first cut point, or the largest chunk, or `end` when neither comes before
 * it. Depends on nothing before `start`.
 */
export function findCutReference(bytes: Uint8Array, start: number, end: number, profile: CutProfile): number {
  const limit = Math.min(end, start + profile.maxBytes);
  if (limit - start <= profile.minBytes) return limit;
  const { before, after } = cutShifts(profile);
  const middle = Math.min(limit, start + profile.avgBytes);
  let at = start + profile.minBytes - gearWindow;
  let hash = 0;
  for (; at < start + profile.minBytes; at++) hash = step(hash, bytes[at] ?? 0);
  for (; at < middle; at++) {
    if (hash >>> before === 0) return at;
    hash = step(hash, bytes[at] ?? 0);
  }
  for (; at < limit; at++) {
    if (hash >>> after === 0) return at;
    hash = step(hash, bytes[at] ?? 0);
  }
  return limit;
}

function step(hash: number, byte: number): number {
  return ((hash << 1) + (gearTable[byte] ?? 0)) | 0;
}
