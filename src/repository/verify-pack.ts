/** Proves a pack: its directory, and every frame against the ids that the directory gives. What is wrong can be salvaged blob by blob. */
import { decodeFrame, salvageFrames } from '../codec/frame.ts';
import { blobIdOf } from '../codec/hash.ts';
import type { PackDirectory, PackedFrame } from '../codec/pack.ts';
import { DamageError } from '../model/errors.ts';
import type { BlobId, PackId } from '../model/ids.ts';
import type { BlobKind } from '../model/store.ts';
import type { RepositoryLayout } from './layout.ts';
import { packPlace, readFrameBytes, readPackBytes } from './pack-files.ts';

/** A frame whose bytes are not what was stored. */
export interface BadFrame {
  readonly pack: PackId;
  readonly offset: number;
  readonly error: DamageError;
}

/** Reads and decodes every frame; each blob must have the id of its bytes. `onBytes` hears of each frame read. */
export function* verifyFrames(
  layout: RepositoryLayout,
  directory: PackDirectory,
): Generator<{ readonly bytes: number; readonly bad?: BadFrame }> {
  for (const frame of directory.frames) {
    const { offset, bytes } = frame;
    const place = `${packPlace(directory.id)}, frame at byte ${offset}`;
    try {
      verifyFrame(readFrameBytes(layout, directory.id, offset, bytes), frame, place);
      yield { bytes };
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      yield { bytes, bad: { pack: directory.id, offset, error } };
    }
  }
}

function verifyFrame(bytes: Uint8Array, frame: PackedFrame, place: string): void {
  const decoded = decodeFrame(bytes, place);
  if (decoded.kind !== frame.kind || decoded.blobs.length !== frame.blobs.length) {
    throw new DamageError(place, 'holds something else than the directory says');
  }
  for (const [position, { id, bytes: length }] of frame.blobs.entries()) {
    const blob = decoded.blobs[position];
    if (blob === undefined || blob.length !== length || blobIdOf(blob) !== id) {
      throw new DamageError(place, `blob ${id.slice(0, 12)} is not what was stored`);
    }
  }
}

export interface SalvagedBlob {
  readonly kind: BlobKind;
  readonly id: BlobId;
  readonly bytes: Uint8Array;
}

/**
 * Whatever can still be read of a damaged pack, also without its directory: frames are found by their magic, and a blob
 * is what its bytes hash to, so nothing wrong can come of it.
 */
export function* salvagePack(layout: RepositoryLayout, pack: PackId): Generator<SalvagedBlob> {
  for (const { kind, blobs } of salvageFrames(readPackBytes(layout, pack))) {
    if (kind === 'directory' || kind === 'padding') continue;
    for (const bytes of blobs) if (bytes.length > 0) yield { kind, id: blobIdOf(bytes), bytes };
  }
}
