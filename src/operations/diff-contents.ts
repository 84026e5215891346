/** What differs inside a file that is in both sides of a comparison. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContentDiff, FileVersion } from '../diff/content-diff.ts';
import { diffContent } from '../diff/diff-content.ts';
import { diffSqlite } from '../diff/sqlite/diff-sqlite.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileNode } from '../model/tree.ts';
import { chunksOf, contentReader } from '../tree/content.ts';

export interface ContentDiffer extends Disposable {
  diff(path: string, before: FileNode, after: FileNode): ContentDiff;
}

/** Databases are put into temporary files of its own, which go with it. */
export function openContentDiffer(blobs: BlobReader): ContentDiffer {
  const temporaryFolder = mkdtempSync(join(tmpdir(), 'exuvia-diff-'));
  return {
    diff: (path, before, after) =>
      diffContent(versionOf(blobs, path, before), versionOf(blobs, path, after), {
        diffSqlite: (a, b) => diffSqlite(a, b, { temporaryFolder, ...changedPages(blobs, before, after) }),
      }),
    [Symbol.dispose]: () => rmSync(temporaryFolder, { recursive: true, force: true }),
  };
}

function versionOf(blobs: BlobReader, path: string, node: FileNode): FileVersion {
  return { path, bytes: node.size, read: () => contentReader(blobs).readContent(node) };
}

/** Databases are stored page by page: equal ids are equal pages. Numbered from 1, as SQLite does. */
function changedPages(
  blobs: BlobReader,
  before: FileNode,
  after: FileNode,
): { readonly changedPages?: ReadonlySet<number> } {
  const [a, b] = [before.content, after.content];
  if (a.kind !== 'pages' || b.kind !== 'pages' || a.unitBytes !== b.unitBytes) return {};
  if (pageBytesOf(blobs, after) !== b.unitBytes) return {}; // of a very large one, a unit is several pages
  const old = [...chunksOf(blobs, a, before.size)].map(({ id }) => id);
  const now = [...chunksOf(blobs, b, after.size)].map(({ id }) => id);
  const changed = new Set<number>();
  for (let unit = 0; unit < Math.max(old.length, now.length); unit++) if (old[unit] !== now[unit]) changed.add(unit + 1);
  return { changedPages: changed };
}

/** Bytes 16 and 17 of a database's header, where 1 stands for 65,536. */
function pageBytesOf(blobs: BlobReader, node: FileNode): number {
  const [first] = contentReader(blobs).readContent(node);
  if (first === undefined || first.length < 18) return 0;
  const bytes = Buffer.from(first.subarray(16, 18)).readUInt16BE(0);
  return bytes === 1 ? 65_536 : bytes;
}
