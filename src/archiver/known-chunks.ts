/**
 * The chunks of a file as it was stored before. Where chunks end is decided by what is in them: as long as the bytes are those of before,
 * they end where they ended, which need not be looked for, and all of them are there.
 */
import { tellsUnreadable } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import type { BlobStore } from '../model/store.ts';
import type { Chunk, FileNode } from '../model/tree.ts';
import { chunksOf } from '../tree/content.ts';

export interface KnownChunk extends Chunk {
  readonly id: BlobId;
}

export class KnownChunks {
  readonly #chunks: Iterator<Chunk>;
  #next: Chunk | undefined;
  #following: Chunk | undefined;

  constructor(chunks: Iterable<Chunk>) {
    this.#chunks = chunks[Symbol.iterator]();
    this.#next = this.#read();
    this.#following = this.#read();
  }

  /**
   * The chunk that comes next if the bytes are those of before. The last one ended with the file, and one before a hole with what was
   * data: of those it is not known where they end now.
   */
  get next(): KnownChunk | undefined {
    const { id, bytes } = this.#next ?? noChunk;
    return id === undefined || this.#following?.id === undefined ? undefined : { id, bytes };
  }

  /** It was that. */
  pass(): void {
    this.#next = this.#following;
    this.#following = this.#read();
  }

  /** What cannot be read of the list is not known. */
  #read(): Chunk | undefined {
    try {
      return this.#chunks.next().value;
    } catch (error) {
      if (!tellsUnreadable(error)) throw error;
      return undefined;
    }
  }
}

const noChunk: Chunk = { id: undefined, bytes: 0 };

/** Undefined where the file was cut otherwise, or what it was cut into cannot be read. */
export function knownChunksOf(
  blobs: BlobStore,
  previous: Pick<FileNode, 'content' | 'size'> | undefined,
  profile: number,
): KnownChunks | undefined {
  if (blobs.isWriteOnly || previous?.content.kind !== 'list' || previous.content.profile !== profile)
    return undefined;
  return new KnownChunks(chunksOf(blobs, previous.content, previous.size));
}
