/**
 * One gzip member (RFC 1952) whose bytes depend on the input only: no time, no name, operating system "unknown", and our own
 * DEFLATE. What `node:zlib` writes differs between Node versions and between processors.
 */
import { crc32 } from 'node:zlib';
import { deflateEnd, PieceCutter, PieceKernel } from './pieces.ts';

/**
 *  0 – magic 1f 8b   2 – method 8 (deflate)   3 – flags 0   4 – time 0 (u32)   8 – extra flags 0
 *  9 – operating system 255 (unknown)
 */
export const gzipHeader: Uint8Array = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** CRC-32 of the input (u32 LE), then its length modulo 2^32 (u32 LE). */
export class GzipTrailer {
  #crc = 0;
  #length = 0;

  add(bytes: Uint8Array): void {
    this.#crc = crc32(bytes, this.#crc);
    this.#length = (this.#length + bytes.length) % 2 ** 32;
  }

  bytes(): Uint8Array {
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#crc, 0);
    trailer.writeUInt32LE(this.#length, 4);
    return trailer;
  }
}

/** Compresses in this thread. `write` is given bytes that are valid during the call only. */
export class GzipWriter {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #kernel = new PieceKernel();
  readonly #trailer = new GzipTrailer();
  readonly #cutter: PieceCutter;

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
    this.#cutter = new PieceCutter(this.#kernel.window, (window, bytes, dictionaryBytes) => {
      write(this.#kernel.compress(bytes, dictionaryBytes));
      return window;
    });
    write(gzipHeader);
  }

  write(bytes: Uint8Array): void {
    this.#trailer.add(bytes);
    this.#cutter.write(bytes);
  }

  finish(): void {
    this.#cutter.flush();
    this.#write(deflateEnd);
    this.#write(this.#trailer.bytes());
  }
}

/** The gzip member of `bytes`. */
export function gzipBytes(bytes: Uint8Array): Buffer {
  const parts: Uint8Array[] = [];
  const writer = new GzipWriter((part) => parts.push(part.slice()));
  writer.write(bytes);
  writer.finish();
  return Buffer.concat(parts);
}
