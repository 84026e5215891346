/** Which files of a tree cannot be restored, by name: only what is marked as broken is looked at again. */
import { isLeaf } from '../codec/map-codec.ts';
import { decodeNode } from '../codec/node-codec.ts';
import { DamageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { displayKey, type PathKey } from '../model/paths.ts';
import { type ClosureOptions, markFile } from '../tree/closure.ts';
import { readMapNode } from '../tree/map-reader.ts';

export interface LostFile {
  /** Of the file; or of the last entry of a part of the tree that cannot be read; empty for the whole tree. */
  readonly path: string;
  /** Entries that it stands for: 1, or those of the part of the tree. */
  readonly entries: number;
  readonly message: string;
}

/** @param options marks as `markTree` has left them */
export function* findLostFiles(
  { blobs, marks }: ClosureOptions,
  source: { readonly root: BlobId | null; readonly entries: number },
): Generator<LostFile> {
  const { root, entries } = source;
  if (root !== null) yield* lostBelow({ blobs, marks }, root, undefined, '', entries);
}

function* lostBelow(
  options: ClosureOptions,
  id: BlobId,
  level: number | undefined,
  lastKey: string,
  entries: number,
): Generator<LostFile> {
  if (options.marks.getMark(id, 'map') !== 'broken') return;
  let node: ReturnType<typeof readMapNode>;
  try {
    node = readMapNode(options.blobs, id, level);
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    yield { path: displayKey(lastKey as PathKey), entries, message: error.message };
    return;
  }
  if (isLeaf(node)) {
    for (const [index, key] of node.keys.entries()) yield* lostEntry(options, key, node.values[index]);
  } else {
    for (const [index, child] of node.children.entries()) {
      const count = node.counts[index] ?? 1;
      yield* lostBelow(options, child, node.level - 1, node.lastKeys[index] ?? '', count);
    }
  }
}

function* lostEntry(
  options: ClosureOptions,
  key: string,
  value: Uint8Array | undefined,
): Generator<LostFile> {
  const path = displayKey(key as PathKey);
  try {
    const node = decodeNode(value ?? new Uint8Array(0), `entry ${path}`);
    if (node.type !== 'file') return;
    let reason = 'a part of its content is missing';
    const isWhole = markFile({ ...options, onBroken: (_id, _role, error) => (reason = error.message) }, node);
    if (!isWhole) yield { path, entries: 1, message: reason };
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    yield { path, entries: 1, message: error.message };
  }
}
