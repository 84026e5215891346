import { closeSync, openSync, readSync } from 'node:fs';
import { createPrivateFile, writeFully } from '../io/files.ts';
import { type ByteString, fsPath } from '../model/paths.ts';

const pieceBytes = 1024 * 1024;

/** Copies everything behind `fd` to a new private file. (`copyFileSync` would give the copy the source's mode.) */
export function copyDescriptor(fd: number, copyPath: string): void {
  const copy = createPrivateFile(copyPath);
  try {
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (let position = 0; ; ) {
      const count = readSync(fd, piece, 0, pieceBytes, position);
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
