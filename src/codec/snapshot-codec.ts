/**
 * Snapshot file: a record in JSON, compressed, with a checksum that is also its id. See docs/FORMAT.md, "Snapshots".
 *
 *    0 – magic 'EXUVIASN'
 *    8 – format version (u16)   10 – sealing (u8): 0 none   11 – codec (u8)
 *   12 – length of the body (u32)
 *   16 – length of the record once decoded (u32)
 *   20 – body
 *   then – BLAKE3-256 of everything before: the id (32 bytes)
 *
 * The magic is part of what is hashed: no blob can pass for a snapshot.
 */
import { DamageError, ExuviaError } from '../model/errors.ts';
import { asBuffer, type SnapshotId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { Snapshot, SnapshotRecord } from '../model/snapshot.ts';
import { codecRaw, codecZstd, compressZstd, decompressZstd } from './compression.ts';
import { hashBytes } from './hash.ts';
import { checkSnapshotRecord } from './snapshot-shape.ts';

const magic = Buffer.from('EXUVIASN', 'latin1');
const snapshotVersion = 1;
const headerBytes = 20;
const checksumBytes = 32;
const level = 19; // a record of 1 KB takes no time at any level

export interface EncodedSnapshot {
  readonly id: SnapshotId;
  readonly bytes: Buffer;
}

export function encodeSnapshot(record: SnapshotRecord): EncodedSnapshot {
  const raw = Buffer.from(JSON.stringify(record), 'utf8');
  const compressed = compressZstd(raw, level);
  const body = compressed ?? raw;
  const header = Buffer.alloc(headerBytes);
  magic.copy(header, 0);
  header.writeUInt16LE(snapshotVersion, 8);
  header.writeUInt8(compressed === undefined ? codecRaw : codecZstd, 11);
  header.writeUInt32LE(body.length, 12);
  header.writeUInt32LE(raw.length, 16);
  const checksum = asBuffer(hashBytes(Buffer.concat([header, body])));
  return {
    id: checksum.toString('hex') as SnapshotId,
    bytes: Buffer.concat([header, body, checksum]),
  };
}

export function decodeSnapshot(file: Uint8Array, place: string): Snapshot {
  const bytes = asBuffer(file);
  if (bytes.length < headerBytes + checksumBytes) throw new DamageError(place, 'cut short');
  if (!bytes.subarray(0, 8).equals(magic)) throw new DamageError(place, 'does not begin like a snapshot');
  const content = bytes.subarray(0, bytes.length - checksumBytes);
  const wanted = bytes.subarray(bytes.length - checksumBytes);
  if (!wanted.equals(hashBytes(content)))
    throw new DamageError(place, 'its checksum does not match its content');
  const version = bytes.readUInt16LE(8);
  if (version > snapshotVersion || bytes.readUInt8(10) !== 0) {
    throw new ExuviaError(`Cannot read ${place}: format version ${version}`, {
      code: 'ERR_SNAPSHOT_FORMAT',
      hint: 'Install a newer version of exuvia.',
    });
  }
  const record = decodeRecord(bytes, content, place);
  return { ...record, id: wanted.toString('hex') as SnapshotId };
}

function decodeRecord(bytes: Buffer, content: Buffer, place: string): SnapshotRecord {
  const codec = bytes.readUInt8(11);
  const rawBytes = bytes.readUInt32LE(16);
  const body = content.subarray(headerBytes);
  if (body.length !== bytes.readUInt32LE(12) || rawBytes > limits.snapshotRawBytesMax) {
    throw new DamageError(place, 'its lengths do not add up');
  }
  const raw = codec === codecZstd ? decompressZstd(body, rawBytes, place) : body;
  let value: unknown;
  try {
    value = JSON.parse(raw.toString('utf8'));
  } catch (error) {
    throw new DamageError(place, 'its record is not JSON', error);
  }
  return checkSnapshotRecord(value, place);
}

/** `20261123T190134123Z-<id>`: sorts by time, and says which it is. */
export function snapshotFileName(time: string, id: SnapshotId): string {
  return `${time.replaceAll(/[-:.]/g, '')}-${id}`;
}

const fileNamePattern = /^\d{8,}T\d{9}Z-([0-9a-f]{64})$/;

/** The id in a snapshot's file name, or undefined when the name is not one of a snapshot. */
export function snapshotIdOfFileName(name: string): SnapshotId | undefined {
  return fileNamePattern.exec(name)?.[1] as SnapshotId | undefined;
}
