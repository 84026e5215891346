/**
 * How much of one file is in another, 0 to 1: the bytes of lines they share (small files) or of chunks (large ones) over the
 * length of the longer one. As git tells renames with edits.
 */
import { DamageError } from '../model/errors.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileNode } from '../model/tree.ts';
import { chunksOf, contentBytes } from '../tree/content.ts';

/** Up to this size lines are compared, above it chunks. */
const linesBytesMax = 256 * 1024;

type Parts = ReadonlyMap<string, { readonly bytes: number; readonly count: number }>;

/** Remembers what it has read of a file, as each is compared with many. */
export function similarityOf(blobs: BlobReader): (a: FileNode, b: FileNode) => number {
  const known = new Map<FileNode, Parts>();
  const partsOf = (node: FileNode, byLines: boolean): Parts => {
    const parts = known.get(node) ?? (byLines ? linesOf(blobs, node) : chunksIn(blobs, node));
    known.set(node, parts);
    return parts;
  };
  return (a, b) => {
    const shorter = Math.min(a.size, b.size);
    const longer = Math.max(a.size, b.size);
    if (shorter * 2 < longer) return 0; // it cannot be half of it
    const byLines = a.size <= linesBytesMax;
    if (byLines !== b.size <= linesBytesMax) return 0;
    return sharedBytes(partsOf(a, byLines), partsOf(b, byLines)) / longer;
  };
}

function sharedBytes(a: Parts, b: Parts): number {
  let sum = 0;
  for (const [part, { bytes, count }] of a) sum += bytes * Math.min(count, b.get(part)?.count ?? 0);
  return sum;
}

function chunksIn(blobs: BlobReader, node: FileNode): Parts {
  return orNothing(() => count(idsOf(blobs, node)));
}

function* idsOf(blobs: BlobReader, node: FileNode): Generator<readonly [string, number]> {
  for (const { id, bytes } of chunksOf(blobs, node.content, node.size))
    if (id !== undefined) yield [id, bytes];
}

function linesOf(blobs: BlobReader, node: FileNode): Parts {
  return orNothing(() => {
    const lines = contentBytes(blobs, node)
      .toString('latin1')
      .split(/(?<=\n)/);
    return count(lines.map((line) => [line, line.length] as const));
  });
}

function count(parts: Iterable<readonly [string, number]>): Parts {
  const counted = new Map<string, { bytes: number; count: number }>();
  for (const [part, bytes] of parts) {
    const known = counted.get(part);
    if (known === undefined) counted.set(part, { bytes, count: 1 });
    else known.count++;
  }
  return counted;
}

/** A damaged file is like no other. */
function orNothing(read: () => Parts): Parts {
  try {
    return read();
  } catch (error) {
    if (error instanceof DamageError) return new Map();
    throw error;
  }
}
