/** A tree again without some of its entries, also when parts of it cannot be read. */
import { isLeaf, type MapLeaf } from '../codec/map-codec.ts';
import { decodeNode } from '../codec/node-codec.ts';
import { DamageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { isWithin, type PathKey, parentKey } from '../model/paths.ts';
import type { BlobStore } from '../model/store.ts';
import type { DirectoryNode, TreeEntry, TreeNode } from '../model/tree.ts';
import { type PlacedNode, readChild, readMapNode } from './map-reader.ts';
import { TreeBuilder } from './tree.ts';

export interface RewriteOptions {
  readonly blobs: BlobStore;
  readonly keeps: (entry: TreeEntry) => boolean;
  /** Called for parts that cannot be read; without it they are errors. */
  readonly onUnreadable?: (error: DamageError) => void;
}

/**
 * Folders that are gone and whose contents are not are made anew, readable by their owner only. Of hard links to a file that is
 * gone, the first that is left takes its place.
 */
export function rewriteTree(
  options: RewriteOptions,
  root: BlobId | null,
): { readonly root: BlobId | null; readonly entries: number } {
  const builder = new TreeBuilder(options.blobs);
  const links = new LinkKeeper();
  const folders: PathKey[] = [];
  for (const entry of readableEntries(options, root)) {
    if (!options.keeps(entry)) {
      links.drop(entry);
      continue;
    }
    for (const key of missingFolders(folders, entry.key)) {
      builder.add(key, folderFor(entry.node));
      folders.push(key);
    }
    builder.add(entry.key, links.keep(entry));
    if (entry.node.type === 'directory') folders.push(entry.key);
  }
  return { root: builder.finish(), entries: builder.entries };
}

/** Takes folders that are left behind off the stack; returns those between its top and the key, outermost first. */
function missingFolders(folders: PathKey[], key: PathKey): PathKey[] {
  for (let top = folders.at(-1); top !== undefined && !isWithin(key, top); top = folders.at(-1))
    folders.pop();
  const missing: PathKey[] = [];
  const known = folders.at(-1);
  for (let at = parentKey(key); at !== undefined && at !== known; at = parentKey(at)) missing.unshift(at);
  return missing;
}

function folderFor({ uid, gid, mtimeNs }: TreeNode): DirectoryNode {
  return { type: 'directory', mode: 0o700, uid, gid, mtimeNs };
}

class LinkKeeper {
  readonly #dropped = new Set<PathKey>();
  readonly #moved = new Map<PathKey, PathKey>();

  drop({ key, node }: TreeEntry): void {
    if (node.type === 'file' && node.hardLink === key) this.#dropped.add(key);
  }

  keep({ key, node }: TreeEntry): TreeNode {
    if (node.type !== 'file' || node.hardLink === undefined || node.hardLink === key) return node;
    if (!this.#dropped.has(node.hardLink)) return node;
    const first = this.#moved.get(node.hardLink) ?? key;
    this.#moved.set(node.hardLink, first);
    return { ...node, hardLink: first };
  }
}

function* readableEntries(options: RewriteOptions, root: BlobId | null): Generator<TreeEntry> {
  if (root === null) return;
  const node = orUnreadable(options, () => readMapNode(options.blobs, root));
  if (node !== undefined) yield* entriesBelow(options, { node, after: undefined });
}

function* entriesBelow(options: RewriteOptions, placed: PlacedNode): Generator<TreeEntry> {
  const { node } = placed;
  if (isLeaf(node)) {
    yield* leafEntries(options, node);
    return;
  }
  for (const index of node.children.keys()) {
    const child = orUnreadable(options, () => readChild(options.blobs, placed, index));
    if (child !== undefined) yield* entriesBelow(options, child);
  }
}

function* leafEntries(options: RewriteOptions, leaf: MapLeaf): Generator<TreeEntry> {
  for (const [index, key] of leaf.keys.entries()) {
    const value = leaf.values[index] ?? new Uint8Array(0);
    const node = orUnreadable(options, () => decodeNode(value, `entry ${JSON.stringify(key)}`));
    if (node !== undefined) yield { key: key as PathKey, node };
  }
}

function orUnreadable<T>(options: RewriteOptions, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DamageError) || options.onUnreadable === undefined) throw error;
    options.onUnreadable(error);
    return undefined;
  }
}
