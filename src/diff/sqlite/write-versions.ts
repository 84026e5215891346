/** Two versions of a database as files, so that SQLite can read them. What they have in common is read once. */
import { closeSync, constants, copyFileSync, ftruncateSync, openSync } from 'node:fs';
import { createPrivateFile, writeFully } from '../../io/files.ts';
import type { FileVersion } from '../content-diff.ts';

export function writeVersions(before: FileVersion, after: FileVersion, a: string, b: string): void {
  writeWhole(before, a);
  const [from, to] = [before.units, after.units];
  if (from === undefined || to === undefined || from.unitBytes !== to.unitBytes) {
    writeWhole(after, b);
    return;
  }
  copyFileSync(a, b, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  const fd = openSync(b, 'r+');
  try {
    for (const unit of differingUnits(from.ids, to.ids)) writeAt(fd, unit * to.unitBytes, to.read(unit));
    ftruncateSync(fd, after.bytes);
  } finally {
    closeSync(fd);
  }
}

const idBytes = 32;

function* differingUnits(from: Buffer, to: Buffer): Generator<number> {
  for (let at = 0; at < to.length; at += idBytes) {
    if (at >= from.length || from.compare(to, at, at + idBytes, at, at + idBytes) !== 0) yield at / idBytes;
  }
}

function writeWhole(version: FileVersion, path: string): void {
  const fd = createPrivateFile(path);
  try {
    let at = 0;
    for (const piece of version.read()) {
      writeAt(fd, at, piece);
      at += piece.length;
    }
  } finally {
    closeSync(fd);
  }
}

function writeAt(fd: number, at: number, piece: Uint8Array): void {
  writeFully(fd, at === 0 ? withoutLog(piece) : piece, at);
}

/** Bytes 18 and 19 say how it is written to: 2 for a log beside it, which a captured database has not got. */
function withoutLog(head: Uint8Array): Uint8Array {
  if (head.length < 20) return head;
  const bytes = Uint8Array.prototype.slice.call(head);
  for (const offset of [18, 19]) if (bytes[offset] === 2) bytes[offset] = 1;
  return bytes;
}
