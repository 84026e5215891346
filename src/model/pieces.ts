/** A file's bytes on their way to their place come in pieces: those of zeros become holes, small ones are put together. */
import { limits } from './limits.ts';

const zeros = Buffer.alloc(limits.holeBytes);

/** Whether it is worth a hole: nothing but zeros, and enough of them. */
export function isHole(piece: Uint8Array): boolean {
  if (piece.length < zeros.length || piece[0] !== 0) return false;
  for (let at = 0; at < piece.length; at += zeros.length) {
    const part = piece.subarray(at, at + zeros.length);
    if (!zeros.subarray(0, part.length).equals(part)) return false;
  }
  return true;
}

const zeroPiece = new Uint8Array(256 * 1024);

export function* zeroPieces(bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= zeroPiece.length)
    yield zeroPiece.subarray(0, Math.min(left, zeroPiece.length));
}

const gatherBuffer = Buffer.allocUnsafe(256 * 1024);
/** Copying these is quicker than a write of each. */
const smallBytesMax = 32 * 1024;

/**
 * The same bytes of a file of `size`, but small pieces that follow one another as one: a database comes page by page. Holes stay apart.
 */
export function* gathered(pieces: Iterable<Uint8Array>, size: number): Generator<Uint8Array> {
  let held = 0;
  for (const piece of pieces) {
    const isSmall = piece.length <= smallBytesMax && piece.length < size && !isHole(piece);
    if (held > 0 && (!isSmall || held + piece.length > gatherBuffer.length)) {
      yield gatherBuffer.subarray(0, held);
      held = 0;
    }
    if (!isSmall) yield piece;
    else {
      gatherBuffer.set(piece, held);
      held += piece.length;
    }
  }
  if (held > 0) yield gatherBuffer.subarray(0, held);
}
