import type { FileVersion } from '../../../src/diff/content-diff.ts';

/** In small pieces that are overwritten as soon as the next one is asked for. */
export function fileVersion(path: string, content: string | Uint8Array, pieceBytes = 7): FileVersion {
  const bytes = Buffer.from(content as Uint8Array);
  const pieceSize = bytes.length > 10_000 ? 4096 : pieceBytes;
  return {
    path,
    bytes: bytes.length,
    *read() {
      const piece = Buffer.alloc(pieceSize);
      for (let at = 0; at < bytes.length; at += pieceSize) {
        const length = bytes.copy(piece, 0, at);
        yield piece.subarray(0, length);
        piece.fill(0);
      }
    },
  };
}

/** Large without taking memory. */
export function repeatedVersion(path: string, piece: Uint8Array, times: number): FileVersion {
  return {
    path,
    bytes: piece.length * times,
    *read() {
      for (let left = times; left > 0; left--) yield piece;
    },
  };
}
