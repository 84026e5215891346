/** A file's bytes are what was stored when each blob of it was; that they are all of them, and in their order, its length and hash tell. */
import { DamageError } from '../model/errors.ts';
import { asBuffer, type BlobId } from '../model/ids.ts';
import { createHasher } from './hash.ts';

export interface StoredWhole {
  readonly size: number;
  /** Of the whole file. Undefined where it is one blob, which has been proven, or stands in its node. */
  readonly hash: BlobId | undefined;
}

/** The pieces as they are. @throws DamageError at their end, when they are not the file that was stored */
export function* provenPieces(
  pieces: Iterable<Uint8Array>,
  { size, hash }: StoredWhole,
): Generator<Uint8Array> {
  const hasher = hash === undefined ? undefined : createHasher();
  let bytes = 0;
  for (const piece of pieces) {
    hasher?.update(piece);
    bytes += piece.length;
    yield piece;
  }
  if (bytes !== size) throw new DamageError('file content', `is ${bytes} bytes, want ${size}`);
  if (hasher !== undefined && asBuffer(hasher.digest()).toString('hex') !== hash) {
    throw new DamageError('file content', 'its hash is not that of the file that was stored');
  }
}
