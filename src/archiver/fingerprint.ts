/** What tells on this machine that a file is the same as when it was last read, without opening it. */
import type { BigIntStats } from 'node:fs';
import type { Sidecar } from '../walker/source-walk.ts';

const bytesPerStat = 32;

/**
 * Size, times and inode of the file and, for a database, of its `-wal` and `-journal`. The time of the last status change covers
 * mode and owner; the device number is left out because it may change at each boot.
 */
export function fingerprintOf(stat: BigIntStats, sidecars: readonly Sidecar[]): Buffer {
  const counted = sidecars.filter((sidecar) => sidecar.suffix !== '-shm'); // reading a database changes it
  const out = Buffer.alloc(bytesPerStat * (1 + counted.length) + counted.length);
  let at = writeStat(out, stat, 0);
  for (const sidecar of counted) {
    at = out.writeUInt8(sidecar.suffix.charCodeAt(1), at);
    at = writeStat(out, sidecar.stat, at);
  }
  return out;
}

function writeStat(out: Buffer, stat: BigIntStats, at: number): number {
  out.writeBigInt64LE(stat.size, at);
  out.writeBigInt64LE(stat.mtimeNs, at + 8);
  out.writeBigInt64LE(stat.ctimeNs, at + 16);
  return out.writeBigUInt64LE(BigInt.asUintN(64, stat.ino), at + 24);
}

/** Coarsest time stamp of a file system in use (FAT: two seconds). */
const stampGrainNs = 2_000_000_000n;

/**
 * Whether a later write could leave the same fingerprint: the file was changed so shortly before it was read that another
 * change may get the same time. Such a file is read again next time (git calls it racy).
 */
export function isRacy(stat: BigIntStats, sidecars: readonly Sidecar[], nowMs: number): boolean {
  const limit = BigInt(Math.floor(nowMs)) * 1_000_000n - stampGrainNs;
  return [stat, ...sidecars.map((sidecar) => sidecar.stat)].some(
    (one) => one.ctimeNs > limit || one.mtimeNs > limit,
  );
}
