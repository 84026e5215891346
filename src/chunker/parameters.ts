/**
 * How large chunks are, by the size of the file: small chunks keep frequent snapshots cheap, large ones keep the lists of
 * large files short. The numbers are part of the format (docs/FORMAT.md, "Chunking").
 */
import { limits } from '../model/limits.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

export interface CutProfile {
  readonly name: string;
  readonly minBytes: number;
  /** A power of two. */
  readonly avgBytes: number;
  readonly maxBytes: number;
}

export const cutProfiles: readonly CutProfile[] = [
  { name: 'small', minBytes: 4 * KiB, avgBytes: 16 * KiB, maxBytes: 64 * KiB },
  { name: 'medium', minBytes: 16 * KiB, avgBytes: 64 * KiB, maxBytes: 256 * KiB },
  { name: 'large', minBytes: 128 * KiB, avgBytes: 512 * KiB, maxBytes: limits.chunkBytesMax },
];

/** A file of this size or more uses the next profile. */
const profileLimits: readonly number[] = [64 * MiB, 1024 * MiB];

/** Number of the profile for a file. A file stored before keeps its profile until it is twice over, or half under, the limit. */
export function chooseProfile(fileBytes: number, previous?: number): number {
  const bySize = profileFor(fileBytes);
  if (previous === undefined || previous === bySize || cutProfiles[previous] === undefined) return bySize;
  const isNear =
    previous < bySize ? profileFor(fileBytes / 2) <= previous : profileFor(fileBytes * 2) >= previous;
  return isNear ? previous : bySize;
}

function profileFor(fileBytes: number): number {
  return profileLimits.filter((limit) => fileBytes >= limit).length;
}

/** As the repository's parameters name them. */
export const cutParameters = { algorithm: 'gear32-nc2', profiles: cutProfiles };
