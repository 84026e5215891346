/** What differs inside a file that is in both sides of a comparison. */
import type { ContentDiff, DiffNote, FileVersion, SqliteDiff } from '../diff/content-diff.ts';
import { diffContent } from '../diff/diff-content.ts';
import { diffSqlite } from '../diff/sqlite/diff-sqlite.ts';
import { blobIdFromBytes, idBytes } from '../model/ids.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileContent, FileNode } from '../model/tree.ts';
import { knownTables } from '../openclaw/known-tables.ts';
import { contentReader } from '../tree/content.ts';
import { readUnitIds } from '../tree/page-map.ts';
import { withTemporaryFolder } from './stored-file.ts';

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
  const { content, size } = node;
  const read = (): Iterable<Uint8Array> => contentReader(blobs).readContent(node);
  if (content.kind !== 'pages') return { path, bytes: size, read };
  return { path, bytes: size, read, units: lazyUnits(blobs, content, size) };
}

/** The ids are read when they are asked for: most comparisons do not come to it. */
function lazyUnits(
  blobs: BlobReader,
  content: FileContent & { kind: 'pages' },
  size: number,
): NonNullable<FileVersion['units']> {
  const { unitBytes } = content;
  let ids: Buffer | undefined;
  const all = (): Buffer => {
    ids ??= readUnitIds(blobs, content, Math.ceil(size / unitBytes));
    return ids;
  };
  return {
    unitBytes,
    get ids() {
      return all();
    },
    read: (unit) => blobs.readBlob(blobIdFromBytes(all(), unit * idBytes)),
  };
}

/** SQLite reads files: both versions are put into a folder of their own for as long as they are compared. */
function compareDatabases(before: FileVersion, after: FileVersion): SqliteDiff | DiffNote {
  return withTemporaryFolder((temporaryFolder) =>
    diffSqlite(before, after, { temporaryFolder, known: knownTables }),
  );
}
