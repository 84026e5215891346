/** Which files of a tree cannot be restored, by name: only what is marked as broken is looked at again. */
import { isLeaf } from '../codec/map-codec.ts';
import { decodeNode } from '../codec/node-codec.ts';
import { DamageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { displayKey, type PathKey } from '../model/paths.ts';
import { type ClosureOptions, findMisplacement, markFile } from '../tree/closure.ts';
import { type PlacedNode, readChild, readMapNode } from '../tree/map-reader.ts';

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
  if (root === null || marks.getMark(root, 'map') !== 'broken') return;
  const lost = { path: '', entries };
  yield* lostBelow({ blobs, marks }, () => ({ node: readMapNode(blobs, root), after: undefined }), lost);
}

/** @param lost what is lost when the node cannot be read or does not belong there */
function* lostBelow(
  options: ClosureOptions,
  read: () => PlacedNode,
  lost: Omit<LostFile, 'message'>,
): Generator<LostFile> {
  let placed: PlacedNode;
  try {
    placed = read();
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    yield { ...lost, message: error.message };
    return;
  }
  const { node } = placed;
  if (isLeaf(node)) {
    for (const [index, key] of node.keys.entries()) yield* lostEntry(options, key, node.values[index]);
    return;
  }
  for (const [index, id] of node.children.entries()) {
    const path = displayKey((node.lastKeys[index] ?? '') as PathKey);
    const child = { path, entries: node.counts[index] ?? 1 };
    if (options.marks.getMark(id, 'map') === 'broken') {
      yield* lostBelow(options, () => readChild(options.blobs, placed, index), child);
      continue;
    }
    const misplaced = findMisplacement(options, node, index);
    if (misplaced !== undefined) yield { ...child, message: misplaced.message };
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
