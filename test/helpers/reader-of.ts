import type { ReadBytes } from '../../src/archiver/store-content.ts';

/** Reads a buffer as a file is read: from its beginning, piece after piece. */
export function readerOf(bytes: Uint8Array): ReadBytes {
  let at = 0;
  return (buffer, offset, count) => {
    const part = bytes.subarray(at, at + count);
    buffer.set(part, offset);
    at += part.length;
    return part.length;
  };
}
