/** How much room a folder takes. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface FolderSize {
  readonly files: number;
  /** Sum of the lengths of its files. */
  readonly bytes: number;
  /** What the file system set aside for its files and folders, as `du` counts. */
  readonly diskBytes: number;
}

/** Sums what lies below `dir`; `counts` says which files do, by their path relative to it. */
export function folderSize(dir: string, counts: (path: string) => boolean = () => true): FolderSize {
  const size = { files: 0, bytes: 0, diskBytes: 0 };
  addFolder(dir, '', counts, size);
  return size;
}

interface Counted {
  files: number;
  bytes: number;
  diskBytes: number;
}

function addFolder(dir: string, prefix: string, counts: (path: string) => boolean, size: Counted): void {
  if (counts(prefix)) size.diskBytes += lstatSync(dir).blocks * 512;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) {
      addFolder(join(dir, entry.name), path, counts, size);
    } else if (counts(path)) {
      const stat = lstatSync(join(dir, entry.name));
      size.files++;
      size.bytes += stat.size;
      size.diskBytes += stat.blocks * 512;
    }
  }
}
