/** A stored file as a file on disk, for as long as something else has to read it. */
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPrivateFile, writeFully } from '../io/files.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileNode } from '../model/tree.ts';
import { contentReader } from '../tree/content.ts';

export function withFile<T>(blobs: BlobReader, node: FileNode, work: (path: string) => T): T {
  return withTemporaryFolder((folder) => {
    const path = join(folder, 'file');
    const fd = createPrivateFile(path);
    try {
      let at = 0;
      for (const piece of contentReader(blobs).readContent(node)) {
        writeFully(fd, piece, at);
        at += piece.length;
      }
    } finally {
      closeSync(fd);
    }
    return work(path);
  });
}

export function withTemporaryFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'exuvia-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
