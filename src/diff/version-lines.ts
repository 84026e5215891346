/** Reading two versions of a file side by side: how far they are the same, and the lines from there on. */
import type { FileVersion } from './content-diff.ts';

export interface CommonStart {
  /** Bytes that are the same in both. */
  readonly bytes: number;
  /** Where the last line that begins in them begins, and how many lines are before it. */
  readonly lineStart: number;
  readonly lines: number;
}

export interface VersionLine {
  /** From 1. */
  readonly number: number;
  /** Without its end. Valid until the next line is asked for. */
  readonly bytes: Buffer;
}

/** What is to be held in memory is more than may be. The message says what. */
export class TooMuchError extends Error {}

const newline = 0x0a;

/** Reads no further than both are the same, and one piece of each at a time. */
export function commonStart(before: FileVersion, after: FileVersion): CommonStart {
  const [old, now] = [new PieceCursor(before), new PieceCursor(after)];
  let [bytes, lineStart, lines] = [0, 0, 0];
  for (;;) {
    const [left, right] = [old.rest(), now.rest()];
    const length = Math.min(left.length, right.length);
    const same = sameBytes(left, right, length);
    const part = left.subarray(0, same);
    for (let at = part.indexOf(newline); at >= 0; at = part.indexOf(newline, at + 1)) {
      lineStart = bytes + at + 1;
      lines++;
    }
    bytes += same;
    if (length === 0 || same < length) return { bytes, lineStart, lines };
    old.skip(length);
    now.skip(length);
  }
}

function sameBytes(left: Buffer, right: Buffer, length: number): number {
  if (left.compare(right, 0, length, 0, length) === 0) return length;
  let at = 0;
  while (left[at] === right[at]) at++;
  return at;
}

class PieceCursor {
  readonly #pieces: Iterator<Uint8Array>;
  #piece = Buffer.alloc(0);

  constructor(version: FileVersion) {
    this.#pieces = version.read()[Symbol.iterator]();
  }

  /** Empty at the end. */
  rest(): Buffer {
    while (this.#piece.length === 0) {
      const next = this.#pieces.next();
      if (next.done === true) break;
      this.#piece = asBuffer(next.value);
    }
    return this.#piece;
  }

  skip(bytes: number): void {
    this.#piece = this.#piece.subarray(bytes);
  }
}

export function asBuffer(bytes: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
}

/** From a line start on. @throws TooMuchError at a line that is longer than `lineBytesMax` */
export function* linesFrom(
  version: FileVersion,
  start: Pick<CommonStart, 'lineStart' | 'lines'>,
  lineBytesMax: number,
): Iterable<VersionLine> {
  let number = start.lines + 1;
  let open: Buffer[] = []; // of a line that goes on in the next piece
  let openBytes = 0;
  const checkLength = (bytes: number) => {
    if (bytes > lineBytesMax) throw new TooMuchError(`line ${number} is longer than ${lineBytesMax} bytes`);
  };
  for (const piece of piecesFrom(version, start.lineStart)) {
    let from = 0;
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, from)) {
      checkLength(openBytes + end - from);
      const last = piece.subarray(from, end);
      yield { number, bytes: open.length === 0 ? last : Buffer.concat([...open, last]) };
      [open, openBytes, from] = [[], 0, end + 1];
      number++;
    }
    if (from === piece.length) continue;
    openBytes += piece.length - from;
    checkLength(openBytes);
    open.push(Buffer.from(piece.subarray(from)));
  }
  if (openBytes > 0) yield { number, bytes: Buffer.concat(open) };
}

function* piecesFrom(version: FileVersion, offset: number): Iterable<Buffer> {
  let skip = offset;
  for (const piece of version.read()) {
    if (skip < piece.length) yield asBuffer(piece).subarray(skip);
    skip = Math.max(0, skip - piece.length);
  }
}
