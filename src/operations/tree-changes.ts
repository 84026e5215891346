/** How a new tree differs from the one before, counted in files. */
import { isFileNode } from '../codec/node-codec.ts';
import type { BlobId } from '../model/ids.ts';
import type { BlobReader } from '../model/store.ts';
import { diffMaps } from '../tree/map-diff.ts';

export interface ChangeCounts {
  newFiles: number;
  changedFiles: number;
  removedFiles: number;
}

export function countChanges(blobs: BlobReader, before: BlobId | null, after: BlobId | null): ChangeCounts {
  const counts = { newFiles: 0, changedFiles: 0, removedFiles: 0 };
  for (const change of diffMaps(blobs, before, after)) {
    const wasFile = isFile(change.before);
    const isFileNow = isFile(change.after);
    if (wasFile && isFileNow) counts.changedFiles++;
    else if (isFileNow) counts.newFiles++;
    else if (wasFile) counts.removedFiles++;
  }
  return counts;
}

function isFile(node: Uint8Array | undefined): boolean {
  return node !== undefined && isFileNode(node);
}
