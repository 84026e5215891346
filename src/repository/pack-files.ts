/** Pack files: list them, read a directory from a pack's end, read one frame. */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodePackEnd,
  decodePackTrailer,
  type PackDirectory,
  packHeaderBytes,
  packTrailerBytes,
} from '../codec/pack.ts';
import { DamageError, errnoOf, FileSystemError } from '../model/errors.ts';
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
): { directory: PackDirectory; packBytes: number } {
  const place = packPlace(id);
  return withPack(layout, id, (fd) => {
    const packBytes = fstatSync(fd).size;
    if (packBytes < packHeaderBytes + packTrailerBytes || packBytes > limits.packBytesMax) {
      throw new DamageError(place, `is ${packBytes} bytes long`);
    }
    const header = readExactly(fd, 0, packHeaderBytes, place);
    const trailer = readExactly(fd, packBytes - packTrailerBytes, packTrailerBytes, place);
    const { directoryOffset } = decodePackTrailer(trailer, packBytes, place);
    const end = readExactly(fd, directoryOffset, packBytes - directoryOffset, place);
    const directory = decodePackEnd(header, end, packBytes, place);
    if (directory.id !== id) throw new DamageError(place, `holds pack ${directory.id.slice(0, 12)}`);
    return { directory, packBytes };
  });
}

/** The undecoded bytes of one frame. */
export function readFrameBytes(layout: RepositoryLayout, id: PackId, offset: number, bytes: number): Buffer {
  return withPack(layout, id, (fd) => readExactly(fd, offset, bytes, packPlace(id)));
}

/** The whole file, which may be damaged in any way. */
export function readPackBytes(layout: RepositoryLayout, id: PackId): Buffer {
  return withPack(layout, id, (fd) => {
    const bytes = Math.min(fstatSync(fd).size, limits.packBytesMax);
    return readExactly(fd, 0, bytes, packPlace(id));
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

export function readExactly(fd: number, offset: number, bytes: number, place: string): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  let done = 0;
  while (done < bytes) {
    const count = readSync(fd, buffer, done, bytes - done, offset + done);
    if (count === 0) throw new DamageError(place, `ends at byte ${offset + done}, want ${offset + bytes}`);
    done += count;
  }
  return buffer;
}
