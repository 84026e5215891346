/** Two sources that are large in different ways: in bytes, and in files. */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, seededRandom } from '../lib/random.ts';
import { createWriter } from '../lib/text.ts';

const MiB = 1024 * 1024;
const pieceBytes = 4 * MiB;

export interface LargeFilesSize {
  readonly sparseFiles: number;
  readonly sparseBytes: number;
  /** Islands of data in each sparse file, 1 MiB each. */
  readonly islands: number;
  readonly randomFiles: readonly number[];
  readonly textFiles: readonly number[];
}

/** 20 GB to read, of which 2.6 GB take room on the disk. */
export const largeFilesSize: LargeFilesSize = {
  sparseFiles: 5,
  sparseBytes: 3_500_000_000,
  islands: 40,
  randomFiles: [700 * MiB, 300 * MiB],
  textFiles: [900 * MiB, 400 * MiB, 100 * MiB],
};

/** Sparse files with islands, files that do not compress, and text that does. Returns the bytes there are to read. */
export function buildLargeFiles(dir: string, seed: number, size: LargeFilesSize = largeFilesSize): number {
  mkdirSync(dir, { recursive: true });
  const random = seededRandom(seed, 'large files');
  for (let index = 0; index < size.sparseFiles; index++) {
    writeSparse(join(dir, `sparse-${index}.img`), random, size.sparseBytes, size.islands);
  }
  for (const [index, bytes] of size.randomFiles.entries()) {
    writePieces(join(dir, `random-${index}.bin`), bytes, (length) => random.bytes(length));
  }
  const lines = textLines(seed);
  for (const [index, bytes] of size.textFiles.entries()) {
    writePieces(join(dir, `text-${index}.log`), bytes, (length) => linesInAnyOrder(lines, random, length));
  }
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, bytes) => total + bytes, 0);
  return size.sparseFiles * size.sparseBytes + sum(size.randomFiles) + sum(size.textFiles);
}

/** `folders` folders of `filesEach` files; every file is different, some are empty nearly, none is over 400 bytes. */
export function buildManyFiles(dir: string, seed: number, folders: number, filesEach: number): number {
  const random = seededRandom(seed, 'many files');
  for (let folder = 0; folder < folders; folder++) {
    const path = join(dir, `group-${folder % 50}`, `folder-${folder}-${random.hex(6)}`);
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < filesEach; file++) {
      const content = JSON.stringify({ folder, file, key: random.hex(random.between(8, 360)) });
      writeFileSync(join(path, `pre-key-${file}-${random.hex(4)}.json`), content);
    }
  }
  return folders * filesEach;
}

function writeSparse(file: string, random: Random, bytes: number, islands: number): void {
  const descriptor = openSync(file, 'w');
  try {
    ftruncateSync(descriptor, bytes);
    for (let island = 0; island < islands; island++) {
      writeSync(descriptor, random.bytes(MiB), 0, MiB, random.below(bytes - MiB));
    }
  } finally {
    closeSync(descriptor);
  }
}

function writePieces(file: string, bytes: number, piece: (length: number) => Buffer): void {
  const descriptor = openSync(file, 'w');
  try {
    for (let left = bytes; left > 0; left -= pieceBytes) {
      writeSync(descriptor, piece(Math.min(left, pieceBytes)));
    }
  } finally {
    closeSync(descriptor);
  }
}

/** 20,000 lines; put together in any order they make as much text as wanted in which hardly a chunk comes twice. */
function textLines(seed: number): readonly Buffer[] {
  const writer = createWriter(seed);
  const random = seededRandom(seed, 'text lines');
  return Array.from({ length: 20_000 }, () =>
    Buffer.from(`${random.hex(8)} ${writer.prose(random, writer.topic(random), random.between(10, 60))}\n`),
  );
}

function linesInAnyOrder(lines: readonly Buffer[], random: Random, bytes: number): Buffer {
  const piece = Buffer.allocUnsafe(bytes);
  for (let filled = 0; filled < bytes; ) filled += random.pick(lines).copy(piece, filled);
  return piece;
}
