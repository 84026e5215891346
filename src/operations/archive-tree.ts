/** The tree of one source, from the members of an archive. */

import type { BlobId } from '../model/ids.ts';
import {
  type ByteString,
  baseName,
  byteStringFromBytes,
  byteStringOf,
  keyOfPath,
  type PathKey,
  parentKey,
  rootKey,
} from '../model/paths.ts';
import { sidecarsOf } from '../model/sqlite-names.ts';
import type { BlobWriter } from '../model/store.ts';
import type { FileNode, TreeNode } from '../model/tree.ts';
import type { MemberRecord } from '../portable/write-own-file.ts';
import { TreeBuilder } from '../tree/tree.ts';
import type { ArchiveMember } from './archive-contents.ts';
import type { PlannedArchiveSource } from './archive-plan.ts';
import type { ExuviaFile } from './exuvia-file.ts';

/** The members of each source: those at or below its place, unless another source lies in between. */
export function membersOfSources(
  members: readonly ArchiveMember[],
  sources: readonly PlannedArchiveSource[],
): ReadonlyMap<ByteString, readonly ArchiveMember[]> {
  const byPlace = new Map<ByteString, ArchiveMember[]>();
  for (const { place } of sources) if (place !== undefined) byPlace.set(place, []);
  for (const member of members) {
    for (let at: ByteString | undefined = member.path; at !== undefined; at = parentPath(at)) {
      const found = byPlace.get(at);
      if (found === undefined) continue;
      found.push(member);
      break;
    }
  }
  return byPlace;
}

function parentPath(path: ByteString): ByteString | undefined {
  if (path === '') return undefined;
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0)) as ByteString;
}

export function buildSourceTree(
  blobs: BlobWriter,
  members: readonly ArchiveMember[],
  planned: PlannedArchiveSource,
): { readonly root: BlobId | null; readonly entries: number } {
  const nodes = collectNodes(members, planned);
  addMissingFolders(nodes);
  const tree = new TreeBuilder(blobs);
  for (const key of [...nodes.keys()].sort()) {
    const node = nodes.get(key);
    if (node !== undefined)
      tree.add(key, planned.exuvia === undefined ? withDatabaseState(nodes, key, node) : node);
  }
  return { root: tree.finish(), entries: tree.entries };
}

function collectNodes(
  members: readonly ArchiveMember[],
  { place, exuvia }: PlannedArchiveSource,
): Map<PathKey, TreeNode> {
  const nodes = new Map<PathKey, TreeNode>();
  if (place === undefined) return nodes;
  const keyOf = (path: ByteString): PathKey =>
    keyOfPath((place === '' ? path : path.slice(place.length + 1)) as ByteString);
  const linked = new Set(members.flatMap((member) => (member.linkOf === undefined ? [] : [member.linkOf])));
  for (const member of members) nodes.set(keyOf(member.path), nodeOf(member, exuvia, linked, keyOf));
  return nodes;
}

function nodeOf(
  member: ArchiveMember,
  exuvia: ExuviaFile | undefined,
  linked: ReadonlySet<ByteString>,
  keyOf: (path: ByteString) => PathKey,
): TreeNode {
  const record = exuvia?.members.get(member.path);
  if (exuvia !== undefined && record !== undefined) return withRecord(member.node, record, exuvia, keyOf);
  if (member.node.type !== 'file') return member.node;
  if (member.linkOf !== undefined) return { ...member.node, hardLink: keyOf(member.linkOf) };
  return linked.has(member.path) ? { ...member.node, hardLink: keyOf(member.path) } : member.node;
}

/**
 * What tar cannot hold comes back from our own list; but no program that runs with the rights of its owner: the list may be
 * anybody's.
 */
function withRecord(
  node: TreeNode,
  record: MemberRecord,
  exuvia: ExuviaFile,
  keyOf: (path: ByteString) => PathKey,
): TreeNode {
  const { owner } = exuvia.head;
  const common = {
    ...node,
    uid: record.uid ?? owner.uid,
    gid: record.gid ?? owner.gid,
    mode: node.type === 'directory' ? (record.mode ?? node.mode) : node.mode,
  };
  if (common.type !== 'file') return common;
  const file: FileNode = { ...common, state: record.state ?? 'stable' };
  if (record.hardLink === undefined) return file;
  const path =
    record.hardLinkBytes === undefined
      ? byteStringOf(record.hardLink)
      : byteStringFromBytes(Buffer.from(record.hardLinkBytes, 'base64'));
  return { ...file, hardLink: keyOf(path) };
}

/** A database that has its companions with it in the archive was copied raw: they belong together. */
function withDatabaseState(nodes: ReadonlyMap<PathKey, TreeNode>, key: PathKey, node: TreeNode): TreeNode {
  if (node.type !== 'file' || node.state !== 'captured') return node;
  const parent = parentKey(key) ?? rootKey;
  const prefix = parent === '' ? '' : `${parent}\0`;
  const [wal = '', , journal = ''] = sidecarsOf(baseName(key)).map((name) => prefix + name);
  const hasCompanion = nodes.has(wal as PathKey) || nodes.has(journal as PathKey);
  return hasCompanion ? { ...node, state: 'raw' } : node;
}

/** Archives need not list folders; the tree does. */
function addMissingFolders(nodes: Map<PathKey, TreeNode>): void {
  if (nodes.get(rootKey)?.type === 'file') return;
  for (const key of [...nodes.keys()]) {
    for (let folder = parentKey(key); folder !== undefined; folder = parentKey(folder)) {
      if (nodes.has(folder)) break;
      nodes.set(folder, {
        type: 'directory',
        mode: 0o700,
        uid: 0,
        gid: 0,
        mtimeNs: nodes.get(key)?.mtimeNs ?? 0n,
      });
    }
  }
  if (nodes.size > 0 && !nodes.has(rootKey)) {
    nodes.set(rootKey, { type: 'directory', mode: 0o700, uid: 0, gid: 0, mtimeNs: 0n });
  }
}
