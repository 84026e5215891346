/** What differs inside a file that is in both sides of a comparison. */
import type { ContentDiff, DiffNote, FileVersion } from '../diff/content-diff.ts';
import { diffContent } from '../diff/diff-content.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileNode } from '../model/tree.ts';
import { chunksOf, contentReader } from '../tree/content.ts';

export function diffContents(
  blobs: BlobReader,
  path: string,
  before: FileNode,
  after: FileNode,
): ContentDiff {
  return diffContent(versionOf(blobs, path, before), versionOf(blobs, path, after), {
    diffSqlite: () => countPages(blobs, before, after),
  });
}

function versionOf(blobs: BlobReader, path: string, node: FileNode): FileVersion {
  return { path, bytes: node.size, read: () => contentReader(blobs).readContent(node) };
}

/** Databases are stored page by page: equal ids are equal pages. */
function countPages(blobs: BlobReader, before: FileNode, after: FileNode): DiffNote {
  const unitsOf = ({ content, size }: FileNode): (string | undefined)[] =>
    [...chunksOf(blobs, content, size)].map(({ id }) => id);
  const old = unitsOf(before);
  const now = unitsOf(after);
  const changed = now.filter((id, unit) => id !== old[unit]).length;
  return { kind: 'note', message: `a database: ${changed} of ${now.length} pages differ` };
}
