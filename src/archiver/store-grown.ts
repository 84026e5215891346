/**
 * A file that only grew at its end, as logs do, or was only touched. All of it is read and hashed, and where the hash of what it was before is that of then,
 * its chunks are too: they are neither hashed nor listed one by one, and only what the last part of the list describes is cut again.
 */
import { chooseProfile } from '../chunker/parameters.ts';
import { createHasher, type Hasher } from '../codec/hash.ts';
import { tellsUnreadable } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import type { BlobStore } from '../model/store.ts';
import type { FileContent } from '../model/tree.ts';
import { ChunkListBuilder, endOfList, type ListEnd } from '../tree/chunk-list.ts';
import { ChunkedStore } from './chunked-store.ts';
import { KnownChunks } from './known-chunks.ts';
import {
  type OnBytes,
  type PreviousContent,
  type ReadBytes,
  type Steps,
  type StoredContent,
  storeContent,
} from './store-content.ts';

/** Reads on from where it was put. */
export interface SeekableSource {
  readonly read: ReadBytes;
  seek(position: number): void;
}

/** `storeContent` of a file that can be read more than once. */
export function* storeFileContent(
  blobs: BlobStore,
  source: SeekableSource,
  size: number,
  previous: PreviousContent | undefined,
  onBytes: OnBytes,
): Steps<StoredContent> {
  const grown = yield* storeGrown(blobs, source, size, previous, onBytes);
  if (grown !== undefined) return grown;
  source.seek(0);
  return yield* storeContent(blobs, source.read, size, previous, onBytes);
}

type ListContent = FileContent & { readonly kind: 'list' };

/** Undefined for anything else: what was stored of it until then is referred to by nothing, or the same as it will be. */
function* storeGrown(
  blobs: BlobStore,
  source: SeekableSource,
  size: number,
  previous: PreviousContent | undefined,
  onBytes: OnBytes,
): Steps<StoredContent | undefined> {
  if (blobs.isWriteOnly || previous?.content.kind !== 'list' || size < previous.size) return undefined;
  const { profile, hash } = previous.content;
  if (chooseProfile(size, profile) !== profile) return undefined;
  const end = readEnd(blobs, previous.content, previous.size);
  if (end === undefined || !beginsAsBefore(blobs, source, end)) return undefined;
  source.seek(0);
  const hasher = createHasher();
  if (!(yield* hashUpTo(end.at, { source, hasher, onBytes }))) return undefined;
  const list = new ChunkListBuilder(blobs);
  for (const leaf of end.leaves) list.addLeaf(leaf);
  const known = new KnownChunks(end.chunks);
  const begun = { at: end.at, hasher, list, before: { size: previous.size, hash } };
  return yield* new ChunkedStore(blobs, profile, onBytes, { known, begun }).run(source.read, size);
}

/** Undefined where there is little before it, or it cannot be read. */
function readEnd(blobs: BlobStore, { root }: ListContent, size: number): ListEnd | undefined {
  try {
    const end = endOfList(blobs, root, size);
    return end.leaves.length === 0 ? undefined : end;
  } catch (error) {
    if (!tellsUnreadable(error)) throw error;
    return undefined;
  }
}

/** Whether the end begins with the chunk that it began with: of a file that was written anew, not all is read for nothing. */
function beginsAsBefore(blobs: BlobStore, source: SeekableSource, { at, chunks }: ListEnd): boolean {
  const [first] = chunks;
  if (first?.id === undefined || first.bytes > limits.blobBytesMax) return false;
  const bytes = Buffer.allocUnsafe(first.bytes);
  source.seek(at);
  return source.read(bytes, 0, bytes.length) === bytes.length && blobs.idOf(bytes) === first.id;
}

interface Hashing {
  readonly source: SeekableSource;
  readonly hasher: Hasher;
  readonly onBytes: OnBytes;
}

/** It stays in the cache of a processor, and is less memory that is touched for the first time: a file has its own. */
const pieceBytes = 256 * 1024;

/** False where the file ends before. */
function* hashUpTo(end: number, { source, hasher, onBytes }: Hashing): Steps<boolean> {
  const buffer = Buffer.allocUnsafe(Math.min(end, pieceBytes));
  for (let total = 0; total < end; ) {
    const count = source.read(buffer, 0, Math.min(buffer.length, end - total));
    if (count === 0) return false;
    hasher.update(buffer.subarray(0, count));
    total += count;
    onBytes(count);
    yield;
  }
  return true;
}
