/**
 * Content that comes as a stream (a member of an archive) into the store. Small members stay in memory; a large one goes through
 * a private temporary file under a name of ours, because the store reads synchronously.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivateFile, removeFile, writeFully } from '../io/files.ts';
import { isSqliteHeader } from '../model/sqlite-names.ts';
import type { BlobStore } from '../model/store.ts';
import { type ReadBytes, runSteps, type StoredContent, storeContent, storePages } from './store-content.ts';

const memoryBytesMax = 8 * 1024 * 1024;

export interface ImportedContent extends StoredContent {
  readonly isDatabase: boolean;
}

export async function importContent(
  blobs: BlobStore,
  content: AsyncIterable<Uint8Array>,
  staging: string,
): Promise<ImportedContent> {
  const spool = new Spool(join(staging, 'member'));
  try {
    for await (const piece of content) spool.add(piece);
    return spool.withReader((read, size, head) => {
      const pageBytes = databasePageBytes(head, size);
      const ignore = (): void => {};
      if (pageBytes === undefined)
        return { ...runSteps(storeContent(blobs, read, size, undefined, ignore)), isDatabase: false };
      return {
        ...runSteps(storePages(blobs, read, size, pageBytes, undefined, ignore)),
        isDatabase: true,
      };
    });
  } finally {
    spool.remove();
  }
}

/** Page size that a database's header gives, where the file is one and is whole. */
function databasePageBytes(head: Buffer, size: number): number | undefined {
  if (head.length < 100 || !isSqliteHeader(head)) return undefined;
  const field = head.readUInt16BE(16);
  const pageBytes = field === 1 ? 65_536 : field;
  const isValid = pageBytes >= 512 && (pageBytes & (pageBytes - 1)) === 0;
  return isValid && size % pageBytes === 0 ? pageBytes : undefined;
}

/** Collects pieces in memory, and in a file once they are many. */
class Spool {
  readonly #path: string;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #fd: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  add(piece: Uint8Array): void {
    if (this.#fd === undefined && this.#bytes + piece.length > memoryBytesMax) {
      this.#fd = createPrivateFile(this.#path);
      writeFully(this.#fd, Buffer.concat(this.#pieces), 0);
      this.#pieces = [];
    }
    if (this.#fd === undefined) this.#pieces.push(piece);
    else writeFully(this.#fd, piece, this.#bytes);
    this.#bytes += piece.length;
  }

  withReader<T>(work: (read: ReadBytes, size: number, head: Buffer) => T): T {
    if (this.#fd === undefined) return this.#readMemory(work);
    closeSync(this.#fd);
    this.#fd = openSync(this.#path, 'r');
    const fd = this.#fd;
    const head = Buffer.alloc(100);
    readSync(fd, head, 0, head.length, 0);
    let position = 0;
    const read: ReadBytes = (buffer, offset, bytes) => {
      let done = 0;
      while (done < bytes) {
        const count = readSync(fd, buffer, offset + done, bytes - done, position);
        if (count === 0) break;
        position += count;
        done += count;
      }
      return done;
    };
    return work(read, this.#bytes, head);
  }

  remove(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    removeFile(this.#path);
  }

  #readMemory<T>(work: (read: ReadBytes, size: number, head: Buffer) => T): T {
    const all = Buffer.concat(this.#pieces);
    let position = 0;
    const read: ReadBytes = (buffer, offset, bytes) => {
      const part = all.subarray(position, position + bytes);
      buffer.set(part, offset);
      position += part.length;
      return part.length;
    };
    return work(read, all.length, all.subarray(0, 100));
  }
}
