/** Pack files: list them, read a directory from a pack's end, read one frame. */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type DecodedFrame, decodeFrame } from '../codec/frame.ts';
import type { PackKeys } from '../codec/keys.ts';
import {
  decodePackEnd,
  decodePackTrailer,
  firstFrameOffset,
  isSealedHeader,
  type ListedDirectory,
  packHeaderBytes,
  packTrailerBytes,
} from '../codec/pack.ts';
import { salvageFrames } from '../codec/salvage-frames.ts';
import { salvageSealedFrames, unsealFrame } from '../codec/sealed-frame.ts';
import { DamageError, errnoOf, FileSystemError, tellsUnreadable } from '../model/errors.ts';
import type { PackId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { packPath, packSuffix, type RepositoryLayout } from './layout.ts';

const packNamePattern = /^[0-9a-f]{32}\.pack$/;

export function listPackFiles(layout: RepositoryLayout): Set<PackId> {
  const packs = new Set<PackId>();
  for (const folder of readFolder(layout.packs)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const name of readFolder(join(layout.packs, folder))) {
      if (packNamePattern.test(name) && name.startsWith(folder)) {
        packs.add(name.slice(0, -packSuffix.length) as PackId); // the pattern is that of an id
      }
    }
  }
  return packs;
}

/**
 * Whether these are all there are: names of their files, in order, a slash between them. With ten thousand, that is known in half the
 * time in which they are listed.
 */
export function arePackFiles(layout: RepositoryLayout, names: string): boolean {
  const found: string[] = [];
  for (const folder of readFolder(layout.packs).sort()) {
    const inFolder = readFolder(join(layout.packs, folder)).sort();
    const ends = inFolder.length === 0 ? [] : [inFolder[0], inFolder.at(-1)];
    if (ends.some((name) => folder.length !== 2 || !name?.startsWith(folder))) return false;
    found.push(inFolder.join('/'));
  }
  return found.filter((text) => text !== '').join('/') === names;
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    // A folder that another machine's copy does not have, or a stray file, holds no packs.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw new FileSystemError('read folder', path, error);
  }
}

/** Length of a pack's file in bytes, undefined when it is gone. */
export function packFileBytes(layout: RepositoryLayout, id: PackId): number | undefined {
  return statSync(packPath(layout, id), { throwIfNoEntry: false })?.size;
}

/** The directory of a pack and the pack's length in bytes. @throws DamageError */
export function readPackDirectory(
  layout: RepositoryLayout,
  id: PackId,
): { directory: ListedDirectory; packBytes: number } {
  const place = packPlace(id);
  const keys = layout.keyring?.forDirectory(id);
  const headerBytes = firstFrameOffset(keys !== undefined);
  return withPack(layout, id, (fd) => {
    const packBytes = fstatSync(fd).size;
    if (packBytes < headerBytes + packTrailerBytes || packBytes > limits.packBytesMax) {
      throw new DamageError(place, `is ${packBytes} bytes long`);
    }
    const header = readExactly(fd, 0, headerBytes, place);
    const trailer = readExactly(fd, packBytes - packTrailerBytes, packTrailerBytes, place);
    const { directoryOffset } = decodePackTrailer(trailer, packBytes, place, keys);
    const end = readExactly(fd, directoryOffset, packBytes - directoryOffset, place);
    const directory = decodePackEnd(header, end, packBytes, place, keys);
    if (directory.id !== id) throw new DamageError(place, `holds pack ${directory.id.slice(0, 12)}`);
    return { directory, packBytes };
  });
}

/** Where a frame is in its pack. `number` is its place among the frames of the pack, where the caller knows it. */
export interface FrameAt {
  readonly offset: number;
  readonly bytes: number;
  readonly number?: number;
}

/** One frame, opened and decoded. @throws DamageError */
export function readFrame(
  layout: RepositoryLayout,
  id: PackId,
  { offset, bytes, number }: FrameAt,
): DecodedFrame {
  const place = `${packPlace(id)}, frame at byte ${offset}`;
  return withPack(layout, id, (fd) => {
    const frame = readExactly(fd, offset, bytes, packPlace(id));
    if (layout.keyring === undefined) return decodeFrame(frame, place);
    const keys = layout.keyring.forFrames(id, () => readSealedHeader(fd, packPlace(id)), packPlace(id));
    return unsealFrame(frame, keys, place, number);
  });
}

/** What opens a pack's frames. Undefined where its header cannot be read, or gives none. */
export function packKeysOf(layout: RepositoryLayout, id: PackId): PackKeys | undefined {
  const place = packPlace(id);
  try {
    return withPack(layout, id, (fd) =>
      layout.keyring?.forFrames(id, () => readSealedHeader(fd, place), place),
    );
  } catch (error) {
    if (tellsUnreadable(error)) return undefined;
    throw error;
  }
}

function readSealedHeader(fd: number, place: string): Buffer {
  return readExactly(fd, 0, firstFrameOffset(true), place);
}

/** Whatever frames can be read of a pack that may be damaged in any way; undefined while it is looked for them. */
export function salvageFramesOf(layout: RepositoryLayout, id: PackId): Iterable<DecodedFrame | undefined> {
  return withPack(layout, id, (fd) => {
    const bytes = readExactly(fd, 0, Math.min(fstatSync(fd).size, limits.packBytesMax), packPlace(id));
    if (layout.keyring === undefined) return salvageFrames(bytes);
    if (bytes.length < firstFrameOffset(true)) return [];
    try {
      const keys = layout.keyring.forFrames(
        id,
        () => bytes.subarray(0, firstFrameOffset(true)),
        packPlace(id),
      );
      return salvageSealedFrames(bytes, keys);
    } catch (error) {
      if (error instanceof DamageError) return []; // the pack's own key is gone, and with it what was in it
      throw error;
    }
  });
}

/** By its header alone. */
export function isSealedPack(layout: RepositoryLayout, id: PackId): boolean {
  return withPack(layout, id, (fd) => {
    const start = Buffer.alloc(packHeaderBytes);
    readSync(fd, start, 0, packHeaderBytes, 0);
    return isSealedHeader(start);
  });
}

export function packPlace(id: PackId): string {
  return `pack ${id.slice(0, 12)}`;
}

function withPack<T>(layout: RepositoryLayout, id: PackId, work: (fd: number) => T): T {
  const path = packPath(layout, id);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw new DamageError(packPlace(id), 'the file is missing', error);
    throw new FileSystemError('open', path, error);
  }
  try {
    return work(fd);
  } catch (error) {
    if (errnoOf(error) !== undefined) throw new FileSystemError('read', path, error);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** @throws DamageError also for what no pack can hold: a bit of the index may have changed. */
export function readExactly(fd: number, offset: number, bytes: number, place: string): Buffer {
  const isPossible = offset >= 0 && bytes >= 0 && bytes <= limits.packBytesMax;
  if (!isPossible || !Number.isSafeInteger(offset + bytes))
    throw new DamageError(place, `${bytes} bytes cannot begin at byte ${offset}`);
  const buffer = Buffer.allocUnsafe(bytes);
  let done = 0;
  while (done < bytes) {
    const count = readSync(fd, buffer, done, bytes - done, offset + done);
    if (count === 0) throw new DamageError(place, `ends at byte ${offset + done}, want ${offset + bytes}`);
    done += count;
  }
  return buffer;
}
