import { closeSync, openSync, readSync } from 'node:fs';
import { createPrivateFile, writeFully } from '../io/files.ts';
import { type ByteString, fsPath } from '../model/paths.ts';

/** It stays in the cache of a processor. */
const pieceBytes = 256 * 1024;

/** Copies what is behind `fd` to a new private file, or its first bytes. (`copyFileSync` would give the copy the source's mode.) */
export function copyDescriptor(fd: number, copyPath: string, bytesMax = Infinity): void {
  const copy = createPrivateFile(copyPath);
  try {
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (let position = 0; position < bytesMax; ) {
      const count = readSync(fd, piece, 0, Math.min(pieceBytes, bytesMax - position), position);
      if (count === 0) return;
      writeFully(copy, piece.subarray(0, count), position);
      position += count;
    }
  } finally {
    closeSync(copy);
  }
}

export function copyFile(source: ByteString, copyPath: string): void {
  const fd = openSync(fsPath(source), 'r');
  try {
    copyDescriptor(fd, copyPath);
  } finally {
    closeSync(fd);
  }
}
