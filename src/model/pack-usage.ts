import type { PackId } from './ids.ts';

/** How much of a pack is still referred to. */
export interface PackUsage {
  readonly id: PackId;
  /** Length of the file. */
  readonly bytes: number;
  /** Blobs that are found in this pack and referred to. */
  readonly usedBlobs: number;
  /** Stored bytes that nothing refers to, in proportion to the blobs of each frame. */
  readonly unusedBytes: number;
}
