/** What tells on this machine that a file is the same as when it was last read, without opening it. */
import type { BigIntStats } from 'node:fs';
import type { Sidecar } from '../walker/source-walk.ts';

export const fieldsPerStat = 4;

/**
 * Size, times and inode of the file and, for a database, of its `-wal` and `-journal`. The time of the last status change covers
 * mode and owner; the device number is left out because it may change at each boot.
 */
export function fingerprintOf(stat: BigIntStats, sidecars: readonly Sidecar[]): Buffer {
  const counted = sidecars.filter((sidecar) => sidecar.suffix !== '-shm'); // reading a database changes it
  const fields = new BigInt64Array(fieldsPerStat + counted.length * (fieldsPerStat + 1));
  let at = putStat(fields, stat, 0);
  for (const sidecar of counted) {
    fields[at++] = BigInt(sidecar.suffix.charCodeAt(1));
    at = putStat(fields, sidecar.stat, at);
  }
  return Buffer.from(fields.buffer);
}

/** Returns where the next ones go. In this machine's byte order: fingerprints never leave it. */
export function putStat(fields: BigInt64Array, stat: BigIntStats, at: number): number {
  fields[at] = stat.size;
  fields[at + 1] = stat.mtimeNs;
  fields[at + 2] = stat.ctimeNs;
  fields[at + 3] = stat.ino;
  return at + fieldsPerStat;
}

/** Coarsest time stamp of a file system in use (FAT: two seconds). */
const stampGrainNs = 2_000_000_000n;

/**
 * Whether a later write could leave the same fingerprint: the file was changed so shortly before it was read that another
 * change may get the same time. Such a file is read again next time (git calls it racy).
 */
export function isRacy(stat: BigIntStats, sidecars: readonly Sidecar[], nowMs: number): boolean {
  const limit = BigInt(Math.floor(nowMs)) * 1_000_000n - stampGrainNs;
  const isAfter = (one: BigIntStats): boolean => one.ctimeNs > limit || one.mtimeNs > limit;
  return isAfter(stat) || sidecars.some((sidecar) => isAfter(sidecar.stat));
}
