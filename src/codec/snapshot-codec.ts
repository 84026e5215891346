/**
 * Snapshot file: a record in JSON, compressed, with a checksum that is also its id. See docs/FORMAT.md, "Snapshots".
 *
 *    0 – magic 'EXUVIASN'
 *    8 – format version (u16)   10 – sealing (u8): 0 none, 1 sealed   11 – codec (u8)
 *   12 – length of the body (u32)
 *   16 – length of the record once decoded (u32)
 *   20 – body
 *   then – BLAKE3-256 of everything before: the id (32 bytes)
 *
 * A sealed one has zeros at 11 and 16, and from 20 on
 *   20 – ephemeral key (32 bytes)
 *   52 – sequence (u64)
 *   60 – body, sealed: codec (u8), zero (3 bytes), lengths of the compressed and of the decoded record (u32, u32), the compressed
 *        record, zeros up to a length that tells little; then the tag (16 bytes). Repository and bytes 0 to 59 are authenticated
 *
 * The magic is part of what is hashed: no blob can pass for a snapshot.
 */
import { DamageError, ExuviaError } from '../model/errors.ts';
import { asBuffer, type SnapshotId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { Snapshot, SnapshotRecord } from '../model/snapshot.ts';
import { codecRaw, codecZstd, compressZstd, decompressZstd } from './compression.ts';
import { hashBytes } from './hash.ts';
import type { RepositoryKeys } from './keys.ts';
import { WriteOnlyError } from './sealed-frame.ts';
import { nonceOf, paddedLength, seal, sealTagBytes, unseal } from './sealing.ts';
import { checkSnapshotRecord } from './snapshot-shape.ts';

const magic = Buffer.from('EXUVIASN', 'latin1');
const snapshotVersion = 1;
const headerBytes = 20;
const sealedHeaderBytes = 60;
const innerHeaderBytes = 12;
const checksumBytes = 32;
const sealingAgreed = 1;
const level = 19; // a record of 1 KB takes no time at any level

export interface EncodedSnapshot {
  readonly id: SnapshotId;
  readonly bytes: Buffer;
}

/**
 * To compress it takes longer than all else that a run with nothing to store writes, and such a run may leave no more than 1,000 bytes, this
 * file's header and checksum among them.
 */
const rawBytesMax = 900;

/**
 * The same record gives the same bytes, sealed or not. `isCompressed`: as it was where a file is to be what it was; writers have
 * compressed short records too.
 */
export function encodeSnapshot(
  record: SnapshotRecord,
  keys?: RepositoryKeys,
  isCompressed?: boolean,
): EncodedSnapshot {
  const raw = Buffer.from(JSON.stringify(record), 'utf8');
  const compresses = isCompressed ?? (keys !== undefined || raw.length > rawBytesMax);
  const compressed = compresses ? compressZstd(raw, level) : undefined;
  const body = { codec: compressed === undefined ? codecRaw : codecZstd, bytes: compressed ?? raw, raw };
  const content = keys === undefined ? plainFile(body) : sealedFile(body, record.sequence, keys);
  const checksum = asBuffer(hashBytes(content));
  return { id: checksum.toString('hex') as SnapshotId, bytes: Buffer.concat([content, checksum]) };
}

interface EncodedRecord {
  readonly codec: number;
  readonly bytes: Uint8Array;
  readonly raw: Uint8Array;
}

function plainFile({ codec, bytes, raw }: EncodedRecord): Buffer {
  const header = Buffer.alloc(headerBytes);
  magic.copy(header, 0);
  header.writeUInt16LE(snapshotVersion, 8);
  header.writeUInt8(codec, 11);
  header.writeUInt32LE(bytes.length, 12);
  header.writeUInt32LE(raw.length, 16);
  return Buffer.concat([header, bytes]);
}

function sealedFile({ codec, bytes, raw }: EncodedRecord, sequence: number, keys: RepositoryKeys): Buffer {
  const inner = Buffer.alloc(paddedLength(innerHeaderBytes + bytes.length));
  inner.writeUInt8(codec, 0);
  inner.writeUInt32LE(bytes.length, 4);
  inner.writeUInt32LE(raw.length, 8);
  inner.set(bytes, innerHeaderBytes);
  const { key, ephemeralKey } = keys.newSnapshot(raw);
  const header = Buffer.alloc(sealedHeaderBytes);
  magic.copy(header, 0);
  header.writeUInt16LE(snapshotVersion, 8);
  header.writeUInt8(sealingAgreed, 10);
  header.writeUInt32LE(inner.length + sealTagBytes, 12);
  ephemeralKey.copy(header, headerBytes);
  header.writeBigUInt64LE(BigInt(sequence), 52);
  return Buffer.concat([header, seal(key, nonceOf(0), sealContext(keys, header), inner)]);
}

function sealContext(keys: RepositoryKeys, header: Uint8Array): Buffer {
  return Buffer.concat([keys.repositoryId, header]);
}

/** `keys` are those of an encrypted repository, where nothing that is not sealed is believed. */
export function decodeSnapshot(file: Uint8Array, place: string, keys?: RepositoryKeys): Snapshot {
  const { content, id } = checkFile(file, place, keys !== undefined);
  const record = keys === undefined ? decodePlain(content, place) : decodeSealed(content, place, keys);
  return { ...record, id };
}

/** The sequence of a sealed snapshot, which who may only add can see. It is not proven to be that of its record. */
export function sealedSequence(file: Uint8Array, place: string): number {
  return Number(checkFile(file, place, true).content.readBigUInt64LE(52));
}

function checkFile(
  file: Uint8Array,
  place: string,
  isSealed: boolean,
): { readonly content: Buffer; readonly id: SnapshotId } {
  const bytes = asBuffer(file);
  if (bytes.length < headerBytes + checksumBytes) throw new DamageError(place, 'cut short');
  if (!bytes.subarray(0, 8).equals(magic)) throw new DamageError(place, 'does not begin like a snapshot');
  const content = bytes.subarray(0, bytes.length - checksumBytes);
  const wanted = bytes.subarray(bytes.length - checksumBytes);
  if (!wanted.equals(hashBytes(content)))
    throw new DamageError(place, 'its checksum does not match its content');
  const version = bytes.readUInt16LE(8);
  const sealing = bytes.readUInt8(10);
  if (version > snapshotVersion || sealing > sealingAgreed) {
    throw new ExuviaError(`Cannot read ${place}: format version ${version}, sealing ${sealing}`, {
      code: 'ERR_SNAPSHOT_FORMAT',
      hint: 'Install a newer version of exuvia.',
    });
  }
  if (isSealed !== (sealing === sealingAgreed))
    throw new DamageError(
      place,
      isSealed ? 'it is not sealed' : 'it is sealed, and the repository is not encrypted',
    );
  if (isSealed && content.length < sealedHeaderBytes) throw new DamageError(place, 'cut short');
  return { content, id: wanted.toString('hex') as SnapshotId };
}

function decodePlain(content: Buffer, place: string): SnapshotRecord {
  const body = content.subarray(headerBytes);
  if (body.length !== content.readUInt32LE(12)) throw new DamageError(place, 'its lengths do not add up');
  return decodeRecord(content.readUInt8(11), body, content.readUInt32LE(16), place);
}

function decodeSealed(content: Buffer, place: string, keys: RepositoryKeys): SnapshotRecord {
  const header = content.subarray(0, sealedHeaderBytes);
  const sealed = content.subarray(sealedHeaderBytes);
  if (sealed.length !== content.readUInt32LE(12)) throw new DamageError(place, 'its lengths do not add up');
  const key = keys.openSnapshot(header.subarray(headerBytes, headerBytes + 32), place);
  if (key === undefined) throw new WriteOnlyError();
  const inner = unseal(key, nonceOf(0), sealContext(keys, header), sealed, place);
  const bodyBytes = inner.length < innerHeaderBytes ? -1 : inner.readUInt32LE(4);
  if (bodyBytes < 0 || innerHeaderBytes + bodyBytes > inner.length)
    throw new DamageError(place, 'its lengths do not add up');
  const body = inner.subarray(innerHeaderBytes, innerHeaderBytes + bodyBytes);
  const record = decodeRecord(inner.readUInt8(0), body, inner.readUInt32LE(8), place);
  if (BigInt(record.sequence) !== header.readBigUInt64LE(52))
    throw new DamageError(place, 'its sequence is another than its record says');
  return record;
}

function decodeRecord(codec: number, body: Buffer, rawBytes: number, place: string): SnapshotRecord {
  if (rawBytes > limits.snapshotRawBytesMax) throw new DamageError(place, 'its lengths do not add up');
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

/** The id in the name of a snapshot's file. */
export function idInFileName(name: string): SnapshotId {
  return name.slice(-2 * checksumBytes) as SnapshotId;
}

/** The same, or undefined when the name is not one of a snapshot. */
export function snapshotIdOfFileName(name: string): SnapshotId | undefined {
  return fileNamePattern.exec(name)?.[1] as SnapshotId | undefined;
}
