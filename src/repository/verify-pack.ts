/** Proves a pack: its directory, and every frame against the ids that the directory gives. What is wrong can be salvaged blob by blob. */
import type { DecodedFrame } from '../codec/frame.ts';
import type { PackDirectory, PackedFrame } from '../codec/pack.ts';
import { DamageError } from '../model/errors.ts';
import type { BlobId, PackId } from '../model/ids.ts';
import type { BlobKind } from '../model/store.ts';
import type { FramePlace, FrameReader } from './frame-reader.ts';
import type { RepositoryLayout } from './layout.ts';
import { type FrameAt, packPlace, salvageFramesOf } from './pack-files.ts';
import { blobIdIn } from './pack-keys.ts';

/** A frame whose bytes are not what was stored. */
export interface BadFrame {
  readonly pack: PackId;
  readonly offset: number;
  /** Of the error, which holds a kilobyte: a crafted pack may have 65,536 of them. */
  readonly place: string;
  readonly detail: string;
}

/** How many bytes of a pack were looked at, and whether they are not what was stored. */
export interface Verified {
  readonly bytes: number;
  readonly bad?: BadFrame;
}

/** Reads and decodes every frame; each blob must have the id of its bytes. One after another; threads read ahead where there is much. */
export function* verifyFrames(reader: FrameReader, directory: PackDirectory): Generator<Verified> {
  const { id, frames } = directory;
  reader.expect(frames.map(({ offset, bytes }, number) => ({ pack: id, offset, bytes, number })));
  for (const [number, frame] of frames.entries()) yield* verifyFrame(reader, id, frame, number);
  yield* verifyPadding(reader, directory);
}

export function* verifyFrame(
  reader: FrameReader,
  pack: PackId,
  frame: PackedFrame,
  number: number,
): Generator<Verified> {
  yield* verified(pack, frame, () => mustBeAsListed(reader, { ...frame, pack, number }));
}

/** Nothing is in it; but every byte of a repository is to be what was written. */
export function* verifyPadding(
  reader: FrameReader,
  { id, frames, padding }: PackDirectory,
): Generator<Verified> {
  if (padding === undefined) return;
  yield* verified(id, padding, () => {
    const place = { ...padding, pack: id, number: frames.length };
    if (reader.read(place).kind !== 'padding')
      throw new DamageError(packPlace(id), 'where its padding should be is something else');
  });
}

function* verified(pack: PackId, { offset, bytes }: FrameAt, verify: () => void): Generator<Verified> {
  try {
    verify();
    yield { bytes };
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    yield { bytes, bad: { pack, offset, place: error.place, detail: error.detail } };
  }
}

function mustBeAsListed(reader: FrameReader, frame: PackedFrame & FramePlace): void {
  const place = `${packPlace(frame.pack)}, frame at byte ${frame.offset}`;
  const decoded = reader.read(frame);
  if (decoded.kind !== frame.kind || decoded.blobs.length !== frame.blobs.length) {
    throw new DamageError(place, 'holds something else than the directory says');
  }
  for (const [position, { id, bytes: length }] of frame.blobs.entries()) {
    if (decoded.blobs[position]?.length !== length || !reader.isBlob(decoded, position, id)) {
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
 * is what its bytes hash to, so nothing wrong can come of it. Undefined once in a while where nothing is found.
 */
export function* salvagePack(layout: RepositoryLayout, pack: PackId): Generator<SalvagedBlob | undefined> {
  for (const frame of salvageFramesOf(layout, pack)) {
    if (frame === undefined) yield undefined;
    else yield* blobsOf(layout, frame);
  }
}

function* blobsOf(layout: RepositoryLayout, { kind, blobs }: DecodedFrame): Generator<SalvagedBlob> {
  if (kind === 'directory' || kind === 'padding') return;
  for (const bytes of blobs) if (bytes.length > 0) yield { kind, id: blobIdIn(layout.keyring, bytes), bytes };
}
