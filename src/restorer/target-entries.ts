/** What stands in the target of a restore. */
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { errnoOf, FileSystemError } from '../model/errors.ts';
import { type ByteString, fsPath, textOf } from '../model/paths.ts';
import type { EntryType } from '../model/selection.ts';
import type { FileNode } from '../model/tree.ts';

/** What is closed to others stays closed; the owner's own bits are as they were stored. */
export function modeLimitOf(present: BigIntStats): number {
  return 0o700 | Number(present.mode & 0o077n);
}

/** Times cannot be set exactly: within 2 microseconds is the same. */
const timeToleranceNs = 2000n;

export function hasSameTimes(node: FileNode, present: BigIntStats): boolean {
  const difference = present.mtimeNs - node.mtimeNs;
  return difference <= timeToleranceNs && difference >= -timeToleranceNs;
}

export function statOf(path: ByteString): BigIntStats | undefined {
  try {
    return lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw new FileSystemError('look at', textOf(path), error);
  }
}

export function namesIn(path: ByteString): ByteString[] {
  return readdirSync(fsPath(path), { encoding: 'latin1' }).sort() as ByteString[];
}

export function typeOf(stat: BigIntStats): EntryType {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : 'special';
}
