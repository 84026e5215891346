/**
 * Content that comes as a stream (a member of an archive) into the store, which reads synchronously: what its next step may read is
 * fetched before it.
 */
import { windowBytes } from '../chunker/cutter.ts';
import { invariant } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import { isSqliteHeader } from '../model/sqlite-names.ts';
import type { BlobStore } from '../model/store.ts';
import { unitBytesFor } from '../tree/page-map.ts';
import {
  pagesStepBytes,
  type ReadBytes,
  type Steps,
  type StoredContent,
  storeContent,
  storePages,
} from './store-content.ts';

export interface ImportedContent extends StoredContent {
  readonly isDatabase: boolean;
}

/** `size`: how many bytes will come. */
export async function importContent(
  blobs: BlobStore,
  content: AsyncIterable<Uint8Array>,
  size: number,
): Promise<ImportedContent> {
  await using fetched = new FetchedBytes(content);
  await fetched.atLeast(headerBytes);
  const pageBytes = databasePageBytes(fetched.head(headerBytes), size);
  const { read } = fetched;
  const ignore = (): void => {};
  const stored =
    pageBytes === undefined
      ? await runFetching(
          storeContent(blobs, read, size, undefined, ignore),
          fetched,
          windowBytes + limits.holeBytes,
        )
      : await runFetching(
          storePages(blobs, read, size, pageBytes, undefined, ignore),
          fetched,
          pagesStepBytes(unitBytesFor(size, pageBytes)),
        );
  await fetched.atLeast(1);
  invariant(fetched.isDrained && stored.size === size, 'a stream is as long as was said');
  return { ...stored, isDatabase: pageBytes !== undefined };
}

/** All steps one after another, each of which reads at most `stepBytes`. */
async function runFetching<T>(steps: Steps<T>, fetched: FetchedBytes, stepBytes: number): Promise<T> {
  for (;;) {
    await fetched.atLeast(stepBytes);
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** What a database begins with. */
const headerBytes = 100;

/** Page size that a database's header gives, where the file is one and is whole. */
function databasePageBytes(head: Buffer, size: number): number | undefined {
  if (head.length < headerBytes || !isSqliteHeader(head)) return undefined;
  const field = head.readUInt16BE(16);
  const pageBytes = field === 1 ? 65_536 : field;
  const isValid = pageBytes >= 512 && (pageBytes & (pageBytes - 1)) === 0;
  return isValid && size % pageBytes === 0 ? pageBytes : undefined;
}

/** What has come of a stream and has not been read. */
class FetchedBytes implements AsyncDisposable {
  readonly #stream: AsyncIterator<Uint8Array>;
  readonly #pieces: Uint8Array[] = [];
  /** The first that is not read to its end, and how much of it is. */
  #at = 0;
  #readBytes = 0;
  #bytes = 0;
  #isAtEnd = false;

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#stream = content[Symbol.asyncIterator]();
  }

  /** Unless the stream ends before. */
  async atLeast(bytes: number): Promise<void> {
    this.#pieces.splice(0, this.#at);
    this.#at = 0;
    while (!this.#isAtEnd && this.#bytes < bytes) {
      const next = await this.#stream.next();
      this.#isAtEnd = next.done === true;
      if (next.done === true || next.value.length === 0) continue;
      this.#pieces.push(next.value);
      this.#bytes += next.value.length;
    }
  }

  get isDrained(): boolean {
    return this.#isAtEnd && this.#bytes === 0;
  }

  /** The first bytes, or fewer. To be asked before anything is read. */
  head(bytes: number): Buffer {
    return Buffer.concat(this.#pieces.map((piece) => piece.subarray(0, bytes))).subarray(0, bytes);
  }

  readonly read: ReadBytes = (buffer, offset, bytes) => {
    invariant(this.#isAtEnd || bytes <= this.#bytes, 'what is read has been fetched');
    let done = 0;
    while (done < bytes) {
      const piece = this.#pieces[this.#at];
      if (piece === undefined) break;
      const part = piece.subarray(this.#readBytes, this.#readBytes + bytes - done);
      buffer.set(part, offset + done);
      done += part.length;
      this.#readBytes += part.length;
      if (this.#readBytes < piece.length) continue;
      this.#at++;
      this.#readBytes = 0;
    }
    this.#bytes -= done;
    return done;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isAtEnd) await this.#stream.return?.();
  }
}
