/**
 * Decompression as a stream of bytes in constant memory, on node:zlib.
 *
 * Node's decoders stop silently where a frame ends in the middle of what they were given: everything after a first zstd
 * frame, or after zeros behind a gzip member, would be lost without an error. So input goes in one piece at a time, and what
 * a decoder did not take either begins the next frame or is an error.
 */
import type { Transform, TransformOptions } from 'node:stream';
import { createGunzip, createInflateRaw, createZstdDecompress, type ZlibOptions } from 'node:zlib';
import { ArchiveError } from '../model/errors.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import { cutShort, damaged, overLimit } from './read-errors.ts';

export type Codec = 'gzip' | 'zstd' | 'deflate';

type Decoder = Transform & { readonly bytesWritten: number };

/** Decoding goes on beside whoever uses a chunk, and some of these ahead of him. */
const chunkBytes = 1024 * 1024;
const chunksAhead = 4;
/** Of a frame that comes after a small one: there may be many. */
const smallChunkBytes = 64 * 1024;
const nothing = new Uint8Array(0);
/** Each frame costs a decoder, about a millisecond: no honest program makes many for little. */
const framesFree = 1000;
const frameBytesLeast = 1024;

type DecoderOptions = Pick<ZlibOptions, 'chunkSize'> & Pick<TransformOptions, 'readableHighWaterMark'>;

const decoders: Readonly<Record<Codec, (options: DecoderOptions) => Decoder>> = {
  gzip: createGunzip,
  zstd: createZstdDecompress,
  deflate: createInflateRaw,
};

/** For a frame of about so many bytes. */
function decoderOf(codec: Codec, bytes: number): Decoder {
  const chunkSize = bytes < smallChunkBytes ? smallChunkBytes : chunkBytes;
  return decoders[codec]({ chunkSize, readableHighWaterMark: chunksAhead * chunkSize });
}

/** Decompresses all of `pieces`: every member of a gzip file, every frame of a zstd file, one deflate stream. */
export async function* unpack(
  pieces: AsyncIterator<Uint8Array>,
  codec: Codec,
  archive: string,
): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = nothing;
  let frames = 0;
  let bytes = 0;
  let frameBytes = chunkBytes;
  do {
    frames++;
    if (frames > framesFree + bytes / frameBytesLeast)
      throw damaged(archive, `its ${codec} data is in ${frames} frames of almost nothing`);
    const decoder = decoderOf(codec, frameBytes);
    frameBytes = 0;
    const feeding = feed(pieces, rest, decoder);
    try {
      for await (const chunk of decoder) {
        frameBytes += (chunk as Uint8Array).length;
        yield chunk as Uint8Array;
      }
    } catch (error) {
      throw unpackError(error, codec, archive);
    } finally {
      decoder.destroy();
      rest = await feeding;
    }
    bytes += frameBytes;
    if (rest.length > 0 && codec !== 'zstd')
      throw damaged(archive, `bytes follow the end of its ${codec} data`);
  } while (rest.length > 0);
}

/** Gives `first` and then `pieces` to the decoder; the answer is what it did not take. Its own errors go through the decoder. */
async function feed(
  pieces: AsyncIterator<Uint8Array>,
  first: Uint8Array,
  decoder: Decoder,
): Promise<Uint8Array> {
  let given = 0;
  try {
    for (let piece: Uint8Array | undefined = first; piece !== undefined; piece = await nextOf(pieces)) {
      given += piece.length;
      if (piece.length > 0) await write(decoder, piece);
      const left = given - decoder.bytesWritten;
      if (left > 0) return piece.subarray(piece.length - left);
    }
    decoder.end();
  } catch (error) {
    decoder.destroy(error as Error);
  }
  return nothing;
}

async function nextOf(pieces: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  const next = await pieces.next();
  return next.done === true ? undefined : next.value;
}

/** Resolves when the decoder took `piece`, or will take no more. */
function write(decoder: Decoder, piece: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      decoder.off('close', done);
      resolve();
    };
    decoder.once('close', done);
    decoder.write(piece, done);
  });
}

/** What a decoder's complaint means for the archive. */
export function unpackError(error: unknown, codec: Codec, archive: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return cutShort(archive, `its ${codec} data ends before its end`, error);
  if (code === 'ZSTD_error_frameParameter_windowTooLarge') {
    return new ArchiveError(`${archive} needs more memory to decompress than Exuvia allows (zstd --long)`, {
      hint: 'Compress it again without --long.',
      cause: error,
    });
  }
  if (/^(Z_|ZSTD_)/.test(code ?? '')) {
    return damaged(archive, `its ${codec} data does not decompress (${message})`, error);
  }
  return error;
}

/** Keeps count of what went into decompression and what came out. */
export class UnpackMeter {
  readonly #archive: string;
  readonly #limits: ArchiveLimits;
  #packedBytes = 0;
  #unpackedBytes = 0;

  constructor(archive: string, limits: ArchiveLimits) {
    this.#archive = archive;
    this.#limits = limits;
  }

  get packedBytes(): number {
    return this.#packedBytes;
  }

  addPacked(bytes: number): void {
    this.#packedBytes += bytes;
  }

  /** The same pieces, each counted before it is given. */
  async *counted(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.addPacked(piece.length);
      yield piece;
    }
  }

  /** @throws ArchiveError when more came out than the limits allow. */
  addUnpacked(bytes: number): void {
    this.#unpackedBytes += bytes;
    const { totalBytesMax, ratioMax, ratioFreeBytes } = this.#limits;
    if (this.#unpackedBytes > totalBytesMax) {
      throw overLimit(this.#archive, 'it unpacks to too many bytes', 'totalBytesMax', totalBytesMax);
    }
    if (this.#unpackedBytes > ratioFreeBytes && this.#unpackedBytes > ratioMax * this.#packedBytes) {
      const detail = `${this.#packedBytes} bytes unpack to ${this.#unpackedBytes} and more`;
      throw overLimit(this.#archive, detail, 'ratioMax', ratioMax);
    }
  }
}
