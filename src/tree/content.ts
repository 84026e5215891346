/** The bytes of a stored file, whatever way they are held: verified as they come. */
import { batches, batchesAhead } from '../model/batches.ts';
import { DamageError, tellsUnreadable } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { zeroPieces } from '../model/pieces.ts';
import type { BlobOrder, BlobReader, ContentReader, Orders } from '../model/store.ts';
import type { Chunk, FileContent, FileNode } from '../model/tree.ts';
import { chunksOfList, newChunksOfList } from './chunk-list.ts';
import { readUnitIds, unitIds } from './page-map.ts';

export function contentReader(blobs: BlobReader): ContentReader {
  const expected = new WeakSet<FileNode>();
  return {
    readContent: (node) => readContent(blobs, node, expected.has(node)),
    expectContents: (nodes) => {
      const ids = idsAhead(blobs, nodes, expected);
      blobs.expectBlobs?.(ids);
    },
    expectBytes: (bytes, meanwhile) => blobs.expectBytes?.(bytes, meanwhile),
    orders: blobs.orders && ordersOf(blobs, blobs.orders),
  };
}

/** A larger file is read by whoever asks for it: so much is done before an interruption takes effect. */
function ordersOf(blobs: BlobReader, orders: Orders<[order: BlobOrder]>): ContentReader['orders'] {
  return {
    expect: (bytes) => orders.expect(bytes),
    take: ({ content, size }, order) => {
      if (size > limits.orderedFileBytesMax) return false;
      const parts = partsOf(blobs, content, size);
      return (
        parts !== undefined && orders.take({ ...order, size, content: parts, hash: wholeHashOf(content) })
      );
    },
    finishSome: () => orders.finishSome(),
    stop: () => orders.stop(),
  };
}

/** Undefined for too many parts, and where what describes them is damaged: whoever reads the file learns what is wrong. */
function partsOf(
  blobs: BlobReader,
  content: FileContent,
  size: number,
): Uint8Array | readonly Chunk[] | undefined {
  if (content.kind === 'inline') return content.bytes;
  if (content.kind === 'blob') return [{ bytes: size, id: content.id }];
  if (content.kind === 'chunks') return content.chunks; // a node holds few
  try {
    const chunks: Chunk[] = [];
    for (const chunk of chunksOf(blobs, content, size))
      if (chunks.push(chunk) >= limits.orderedFileChunksMax) return undefined;
    return chunks.length === 0 ? undefined : chunks;
  } catch (error) {
    if (error instanceof DamageError) return undefined;
    throw error;
  }
}

/** Undefined for a file that is proven without it: one blob, or what stands in the node. */
export function wholeHashOf(content: FileContent): BlobId | undefined {
  return content.kind === 'blob' || content.kind === 'inline' ? undefined : content.hash;
}

/** All of a file, in memory of its own. */
export function contentBytes(blobs: BlobReader, node: FileNode): Buffer {
  return bytesOf(contentReader(blobs), node);
}

/** The same from a reader: pieces are copied as they come, since each is valid until the next one is asked for. */
export function bytesOf(reader: ContentReader, node: FileNode): Buffer {
  const pieces: Buffer[] = [];
  for (const piece of reader.readContent(node)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** Of lists only some: the rest is said when they are read. */
const idsAheadMax = 4096;

/** Those of which all, or the first part, is among them are added to `expected`. */
function idsAhead(
  blobs: BlobReader,
  nodes: readonly FileNode[],
  expected: { add(node: FileNode): void },
): BlobId[] {
  const ids: BlobId[] = [];
  for (const node of nodes) {
    if (ids.length >= idsAheadMax && node.content.kind === 'list') continue;
    const before = ids.length;
    ids.push(...firstIdsOf(blobs, node));
    if (ids.length > before) expected.add(node);
  }
  return ids;
}

function firstIdsOf(blobs: BlobReader, { content, size }: FileNode): BlobId[] {
  switch (content.kind) {
    case 'blob':
      return [content.id];
    case 'chunks':
      return idsOf(content.chunks);
    case 'list':
      return idsOf(firstOfList(blobs, content.root, size));
    default:
      return [];
  }
}

function idsOf(chunks: readonly Chunk[]): BlobId[] {
  return chunks.flatMap(({ id }) => id ?? []);
}

/** None of one that is damaged, which whoever reads it learns. */
function firstOfList(blobs: BlobReader, root: BlobId, size: number): readonly Chunk[] {
  try {
    for (const chunks of batches(chunksOfList(blobs, root, size), expectedBytes, expectedSize)) return chunks;
  } catch (error) {
    if (!tellsUnreadable(error)) throw error;
  }
  return [];
}

function* readContent(blobs: BlobReader, node: FileNode, isExpected: boolean): Generator<Uint8Array> {
  const { content, size } = node;
  if (content.kind === 'inline') {
    if (content.bytes.length > 0) yield content.bytes;
    return;
  }
  for (const chunks of expectedBatches(blobs, chunksOf(blobs, content, size), isExpected)) {
    for (const chunk of chunks) {
      if (chunk.id === undefined) yield* zeroPieces(chunk.bytes);
      else yield readChunkBytes(blobs, chunk.id, chunk.bytes);
    }
  }
}

/** A few frames of the largest: with less, whoever reads them waited for each. */
const expectedBytes = 16 * 1024 * 1024;
/** However small, each costs a look-up. */
const expectedBytesLeast = 4096;

/**
 * Chunks in batches. The batch after the one that is given out is told to the store, so that it can be read ahead; the first one unless it
 * has been told.
 */
function expectedBatches(blobs: BlobReader, chunks: Iterable<Chunk>, isFirstTold = false): Iterable<Chunk[]> {
  let isTold = isFirstTold;
  const expect = (next: readonly Chunk[]): void => {
    if (!isTold) blobs.expectBlobs?.(idsOf(next));
    isTold = false;
  };
  return batchesAhead(chunks, expectedBytes, expect, expectedSize);
}

function expectedSize({ bytes }: Chunk): number {
  return Math.max(bytes, expectedBytesLeast);
}

function readChunkBytes(blobs: BlobReader, id: BlobId, bytes: number): Uint8Array {
  const blob = blobs.readBlob(id);
  if (blob.length !== bytes)
    throw new DamageError(`blob ${id.slice(0, 12)}`, `is ${blob.length} bytes, want ${bytes}`);
  return blob;
}

/** The chunks of a file in order; those of a database are its units. Empty for inline content. */
export function* chunksOf(blobs: BlobReader, content: FileContent, size: number): Generator<Chunk> {
  switch (content.kind) {
    case 'inline':
      return;
    case 'blob':
      yield { bytes: size, id: content.id };
      return;
    case 'chunks':
      yield* content.chunks;
      return;
    case 'list':
      yield* chunksOfList(blobs, content.root, size);
      return;
    case 'pages':
      yield* unitChunks(blobs, content, size);
      return;
  }
}

/** Each chunk at least once; those of lists whose nodes are in `seen` are left out. For who asks what there is, not in which order. */
export function* newChunksOf(
  blobs: BlobReader,
  { content, size }: Pick<FileNode, 'content' | 'size'>,
  seen: Set<string>,
): Generator<Chunk> {
  if (content.kind === 'list') yield* newChunksOfList(blobs, content.root, size, seen);
  else yield* chunksOf(blobs, content, size);
}

/** Reads all that a file holds, each part of a list in `seen` once. @throws DamageError */
export function verifyContent(blobs: BlobReader, node: FileNode, seen: Set<string>): void {
  for (const chunks of expectedBatches(blobs, newChunksOf(blobs, node, seen))) {
    for (const { id, bytes } of chunks) if (id !== undefined) readChunkBytes(blobs, id, bytes);
  }
}

function* unitChunks(
  blobs: BlobReader,
  content: FileContent & { kind: 'pages' },
  size: number,
): Generator<Chunk> {
  const ids = readUnitIds(blobs, content, Math.ceil(size / content.unitBytes));
  let left = size;
  for (const id of unitIds(ids)) {
    yield { bytes: Math.min(left, content.unitBytes), id };
    left -= content.unitBytes;
  }
}
