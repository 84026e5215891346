import type { BlobId } from './ids.ts';

/** As what a blob is read. The same bytes may be a file's content and a node of a tree: each use is followed for itself. */
export type BlobRole = 'data' | 'map' | 'list' | 'base' | 'segment' | 'layer';

export type MarkState = 'unseen' | 'whole' | 'broken';

/** What is known of each blob while everything that trees refer to is followed. */
export interface BlobMarks {
  /** Length of the blob in bytes, or undefined when it is missing. */
  bytesOf(id: BlobId): number | undefined;
  getMark(id: BlobId, role: BlobRole): MarkState;
  setMark(id: BlobId, role: BlobRole, state: Exclude<MarkState, 'unseen'>): void;
}
