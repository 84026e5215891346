/** Two versions that are not for reading: what they are, and their sizes. */
import type { BinaryDiff, FileVersion } from './content-diff.ts';
import { headBytes, mediaTypeOf } from './content-kind.ts';

/** `undefined` for a version that is not there. @throws DamageError */
export function diffBinary(before: FileVersion | undefined, after: FileVersion | undefined): BinaryDiff {
  return {
    kind: 'binary',
    beforeType: before === undefined ? undefined : mediaTypeOf(headOf(before)),
    afterType: after === undefined ? undefined : mediaTypeOf(headOf(after)),
    beforeBytes: before?.bytes ?? 0,
    afterBytes: after?.bytes ?? 0,
  };
}

/** The first bytes of a version: all, or as many as it takes to know its kind. @throws DamageError */
export function headOf(version: FileVersion): Uint8Array {
  const head = Buffer.alloc(Math.min(headBytes, version.bytes));
  let filled = 0;
  if (head.length === 0) return head;
  for (const piece of version.read()) {
    head.set(piece.subarray(0, head.length - filled), filled);
    filled = Math.min(head.length, filled + piece.length);
    if (filled === head.length) break;
  }
  return head.subarray(0, filled);
}
