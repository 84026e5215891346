/** tar, tar.gz and tar.zst as a stream of checked entries: framing by tar-stream, every header checked by TarHeaderReader. */
import { type Extract, extract } from 'tar-stream';
import { ArchiveError, invariant } from '../model/errors.ts';
import { asBuffer } from '../model/ids.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import { damaged } from './read-errors.ts';
import { type ArchiveFile, packedPieceBytes } from './read-file.ts';
import { EntryGate } from './read-gate.ts';
import { rawTarEntry } from './read-tar-entry.ts';
import { TarHeaderReader } from './read-tar-headers.ts';
import type { ArchiveItem, ArchiveReader, SkippedEntry } from './read-types.ts';
import { UnpackMeter, unpack } from './read-unpack.ts';

export type TarPacking = 'tar' | 'gzip' | 'zstd';

const formats = { tar: 'tar', gzip: 'tar.gz', zstd: 'tar.zst' } as const;

/** Names of tars from before ustar too; names as bytes. tar-stream's type declarations leave both options out. */
const extractOptions = { filenameEncoding: 'latin1', allowUnknownFormat: true };

type TarStreamEntry = AsyncIterable<Uint8Array> & {
  readonly header: { readonly byteOffset: number; readonly size: number };
};

export class TarReader implements ArchiveReader {
  readonly format: 'tar' | 'tar.gz' | 'tar.zst';
  readonly #file: ArchiveFile;
  readonly #packing: TarPacking;
  readonly #limits: ArchiveLimits;
  readonly #running = new Set<Extract>();
  #skipped: readonly SkippedEntry[] = [];
  #meter: UnpackMeter | undefined;

  constructor(file: ArchiveFile, packing: TarPacking, limits: ArchiveLimits) {
    this.format = formats[packing];
    this.#file = file;
    this.#packing = packing;
    this.#limits = limits;
  }

  get skipped(): readonly SkippedEntry[] {
    return this.#skipped;
  }

  get packedBytes(): number {
    return this.#meter?.packedBytes ?? 0;
  }

  async *entries(): AsyncGenerator<ArchiveItem> {
    const { path } = this.#file;
    const headers = new TarHeaderReader(path, this.#limits);
    const gate = new EntryGate(path, this.#limits);
    this.#skipped = gate.skipped;
    const extractor = extract(extractOptions as object);
    this.#running.add(extractor);
    const feeding = feed(watched(this.#tarBytes(), headers), extractor);
    try {
      for await (const stream of extractor as unknown as AsyncIterable<TarStreamEntry>) {
        const content = new EntryContent(stream);
        const entry = gate.admit(rawTarEntry(agreedHeader(path, headers, stream), path));
        if (entry !== undefined) yield { entry, content };
        await content.finish();
      }
      await feeding;
      if (gate.entriesCount === 0) throw new ArchiveError(`${path} is an empty archive: it holds no entries`);
      await this.#file.mustBeUnchanged();
    } catch (error) {
      throw tarError(error, path);
    } finally {
      extractor.destroy(null);
      await feeding;
      this.#running.delete(extractor);
    }
  }

  /** The first bytes of the tar stream: at most one block. */
  async firstBlock(): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of this.#tarBytes()) {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes >= 512) break;
    }
    return Buffer.concat(parts).subarray(0, 512);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const extractor of this.#running) extractor.destroy(new Error('the archive reader was closed'));
    await this.#file.close();
  }

  async *#tarBytes(): AsyncGenerator<Uint8Array> {
    const meter = new UnpackMeter(this.#file.path, this.#limits);
    this.#meter = meter;
    for await (const chunk of this.#unpacked(meter)) {
      meter.addUnpacked(chunk.length);
      yield chunk;
    }
  }

  #unpacked(meter: UnpackMeter): AsyncGenerator<Uint8Array> {
    if (this.#packing === 'tar') return meter.counted(this.#file.pieces());
    const pieces = this.#file.pieces({ bytes: packedPieceBytes });
    return unpack(meter.counted(pieces), this.#packing, this.#file.path);
  }
}

/** The same chunks, each seen by the header reader before tar-stream gets it. */
async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  headers: TarHeaderReader,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    headers.watch(asBuffer(chunk));
    yield chunk;
  }
  headers.finish();
}

/** Never rejects: an error of the source destroys the extractor, which hands it to whoever reads the entries. */
async function feed(chunks: AsyncIterable<Uint8Array>, extractor: Extract): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (!extractor.write(chunk)) await drained(extractor);
      if (extractor.destroyed) return;
    }
    extractor.end(null);
  } catch (error) {
    extractor.destroy(error as Error);
  }
}

function drained(extractor: Extract): Promise<void> {
  return new Promise((resolve) => {
    if (extractor.destroyed) return resolve();
    const done = () => {
      extractor.off('drain', done);
      extractor.off('close', done);
      resolve();
    };
    extractor.on('drain', done);
    extractor.on('close', done);
  });
}

function agreedHeader(path: string, headers: TarHeaderReader, stream: TarStreamEntry) {
  const header = headers.take();
  const { byteOffset, size } = stream.header;
  if (header === undefined || header.dataOffset !== byteOffset || header.size !== size) {
    throw damaged(path, `the header before byte ${byteOffset} can be read in two ways`);
  }
  return header;
}

/** tar-stream's own complaints as sentences of ours; they are second to TarHeaderReader's, which sees the bytes first. */
function tarError(error: unknown, path: string): unknown {
  const isOwn = error instanceof Error && /^(Invalid|Unexpected end|Header exceeds)/.test(error.message);
  return isOwn ? damaged(path, error.message, error) : error;
}

/**
 * One entry's content. Leaving its iteration early must not destroy the stream, because that would destroy the whole
 * archive's: the rest is read away when the next entry is asked for.
 */
class EntryContent implements AsyncIterable<Uint8Array> {
  readonly #iterator: AsyncIterator<Uint8Array> | undefined;
  #isTaken = false;
  #isFinished = false;

  constructor(stream: TarStreamEntry) {
    this.#iterator = stream.header.size === 0 ? undefined : stream[Symbol.asyncIterator]();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    invariant(!this.#isTaken, 'the content of an archive entry was asked for twice');
    this.#isTaken = true;
    for (;;) {
      invariant(
        !this.#isFinished,
        'the content of an archive entry was read after the next entry was asked for',
      );
      const next = await this.#iterator?.next();
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  }

  async finish(): Promise<void> {
    while (this.#iterator !== undefined && (await this.#iterator.next()).done !== true);
    this.#isFinished = true;
  }
}
