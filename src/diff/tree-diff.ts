/**
 * What differs between two trees: two cursors over the maps, equal subtrees unread. What came and what went are then
 * matched by content, so that a file that only has another name is one line: first equal contents, then similar ones.
 */

import { blobIdOf } from '../codec/hash.ts';
import { decodeNode } from '../codec/node-codec.ts';
import type { BlobId } from '../model/ids.ts';
import { baseName, type PathKey, parentKey } from '../model/paths.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileNode, TreeEntry, TreeNode } from '../model/tree.ts';
import { diffMaps } from '../tree/map-diff.ts';
import { similarityOf } from './similarity.ts';

export type TreeChangeKind =
  | 'added'
  | 'removed'
  /** Another content, link target or type. */
  | 'changed'
  /** The same or a similar content under another name. */
  | 'renamed'
  /** Only permissions or owner. */
  | 'mode'
  /** Only the time. */
  | 'time';

export interface TreeChange {
  readonly kind: TreeChangeKind;
  /** Where it is now; for what was removed where it was. */
  readonly key: PathKey;
  readonly before: TreeNode | undefined;
  readonly after: TreeNode | undefined;
  /** Of what was renamed. */
  readonly fromKey?: PathKey;
  /** Of what was renamed: 1 for the same content, less for similar ones. */
  readonly similarity?: number;
}

export interface TreeDiffOptions {
  readonly blobs: BlobReader;
  /** Both sides are asked: what is not wanted is neither listed nor matched. */
  readonly wants?: (entry: TreeEntry) => boolean;
}

/** In the order of keys. Folders of which only the time differs are left out: that follows from what is in them. */
export function diffTrees(
  options: TreeDiffOptions,
  before: BlobId | null,
  after: BlobId | null,
): TreeChange[] {
  const changes: TreeChange[] = [];
  const added: TreeEntry[] = [];
  const removed: TreeEntry[] = [];
  for (const { key, before: old, after: now } of diffMaps(options.blobs, before, after)) {
    const a = decodeWanted(options, key as PathKey, old);
    const b = decodeWanted(options, key as PathKey, now);
    if (a !== undefined && b !== undefined) {
      const kind = kindOf(a, b);
      if (kind !== undefined) changes.push({ kind, key: key as PathKey, before: a, after: b });
    } else if (a !== undefined) removed.push({ key: key as PathKey, node: a });
    else if (b !== undefined) added.push({ key: key as PathKey, node: b });
  }
  changes.push(...matchRenames(options.blobs, removed, added));
  return changes.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function decodeWanted(
  options: TreeDiffOptions,
  key: PathKey,
  value: Uint8Array | undefined,
): TreeNode | undefined {
  if (value === undefined) return undefined;
  const node = decodeNode(value, 'tree entry');
  return options.wants?.({ key, node }) === false ? undefined : node;
}

function kindOf(a: TreeNode, b: TreeNode): TreeChangeKind | undefined {
  if (a.type !== b.type || contentOf(a) !== contentOf(b)) return 'changed';
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return 'mode';
  if (a.mtimeNs !== b.mtimeNs && a.type !== 'directory') return 'time';
  return undefined;
}

/** Equal texts mean equal contents. */
export function contentOf(node: TreeNode): string {
  if (node.type === 'directory') return '';
  if (node.type === 'symlink') return node.linkTarget;
  const { content } = node;
  switch (content.kind) {
    case 'inline':
      return content.bytes.length === 0 ? '' : blobIdOf(content.bytes);
    case 'blob':
      return content.id;
    default:
      return content.hash;
  }
}

const similarFilesMax = 200;
const similarAtLeast = 0.5;

function matchRenames(
  blobs: BlobReader,
  removed: readonly TreeEntry[],
  added: readonly TreeEntry[],
): TreeChange[] {
  const gone = new Set(removed);
  const come = new Set(added);
  const changes: TreeChange[] = [];
  const pair = (from: TreeEntry, to: TreeEntry, similarity: number): void => {
    gone.delete(from);
    come.delete(to);
    const { key, node: after } = to;
    changes.push({ kind: 'renamed', key, fromKey: from.key, before: from.node, after, similarity });
  };
  matchEqual(removed, added, pair);
  const oldFiles = [...gone].filter(isLargeEnough);
  const newFiles = [...come].filter(isLargeEnough);
  // Each is compared with each: with many of them, only equal contents are found.
  if (oldFiles.length <= similarFilesMax && newFiles.length <= similarFilesMax) {
    matchSimilar(blobs, oldFiles, newFiles, pair);
  }
  for (const { key, node } of gone) changes.push({ kind: 'removed', key, before: node, after: undefined });
  for (const { key, node } of come) changes.push({ kind: 'added', key, before: undefined, after: node });
  return changes;
}

type Pair = (from: TreeEntry, to: TreeEntry, similarity: number) => void;

/** Of several with the same content, the one with the same name is taken first, then the one in the same folder. */
function matchEqual(removed: readonly TreeEntry[], added: readonly TreeEntry[], pair: Pair): void {
  const byContent = new Map<string, TreeEntry[]>();
  for (const entry of removed) {
    if (!isLargeEnough(entry)) continue;
    const content = contentOf(entry.node);
    byContent.set(content, [...(byContent.get(content) ?? []), entry]);
  }
  for (const entry of added) {
    if (!isLargeEnough(entry)) continue;
    const candidates = byContent.get(contentOf(entry.node)) ?? [];
    const best =
      candidates.find(({ key }) => baseName(key) === baseName(entry.key)) ??
      candidates.find(({ key }) => parentKey(key) === parentKey(entry.key)) ??
      candidates[0];
    if (best === undefined) continue;
    candidates.splice(candidates.indexOf(best), 1);
    pair(best, entry, 1);
  }
}

/** Empty and tiny files are alike by chance. */
function isLargeEnough(entry: TreeEntry): entry is TreeEntry & { readonly node: FileNode } {
  return entry.node.type === 'file' && entry.node.size >= 16;
}

/** The most similar pairs first. */
function matchSimilar(
  blobs: BlobReader,
  removed: readonly (TreeEntry & { readonly node: FileNode })[],
  added: readonly (TreeEntry & { readonly node: FileNode })[],
  pair: Pair,
): void {
  const similarity = similarityOf(blobs);
  const pairs: { from: TreeEntry; to: TreeEntry; similarity: number }[] = [];
  for (const from of removed) {
    for (const to of added) {
      const value = similarity(from.node, to.node);
      if (value >= similarAtLeast) pairs.push({ from, to, similarity: value });
    }
  }
  pairs.sort((a, b) => b.similarity - a.similarity);
  const taken = new Set<TreeEntry>();
  for (const { from, to, similarity: value } of pairs) {
    if (taken.has(from) || taken.has(to)) continue;
    taken.add(from).add(to);
    pair(from, to, value);
  }
}
