/** What differs inside a file that is in both sides of a comparison. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContentDiff, DiffNote, FileVersion, SqliteDiff } from '../diff/content-diff.ts';
import { diffContent } from '../diff/diff-content.ts';
import { diffSqlite } from '../diff/sqlite/diff-sqlite.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileNode } from '../model/tree.ts';
import { contentReader } from '../tree/content.ts';

export function diffContents(
  blobs: BlobReader,
  path: string,
  before: FileNode,
  after: FileNode,
): ContentDiff {
  const [a, b] = [versionOf(blobs, path, before), versionOf(blobs, path, after)];
  return diffContent(a, b, { diffSqlite: () => compareDatabases(a, b) });
}

function versionOf(blobs: BlobReader, path: string, node: FileNode): FileVersion {
  return { path, bytes: node.size, read: () => contentReader(blobs).readContent(node) };
}

/** SQLite reads files: both versions are put into a folder of their own for as long as they are compared. */
function compareDatabases(before: FileVersion, after: FileVersion): SqliteDiff | DiffNote {
  const temporaryFolder = mkdtempSync(join(tmpdir(), 'exuvia-diff-'));
  try {
    return diffSqlite(before, after, { temporaryFolder });
  } finally {
    rmSync(temporaryFolder, { recursive: true, force: true });
  }
}
