/**
 * The units (pages, or groups of pages) of a database: a base list of all ids, and layers of changes over it.
 *
 * A changed page costs 34 bytes in a layer instead of a rewritten node of a tree. Layers are merged like the runs of a
 * log-structured merge tree: a new layer swallows those before it that are not more than twice as large, so a layer is always less
 * than half of the one below it, there are at most log2(units) of them, and an id is rewritten a handful of times in
 * all. When a layer would hold a quarter of the units, a new base is written instead; its segments that did not change
 * are shared with the old one. Measured in docs/decisions/0004-database-pages.md.
 */
import { ByteReader, ByteWriter } from '../codec/bytes.ts';
import { DamageError, invariant } from '../model/errors.ts';
import { asBuffer, type BlobId, blobIdFromBytes, blobIdsFromBytes, idBytes } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import type { BlobReader, BlobWriter } from '../model/store.ts';

/** Base and layers as a file node holds them. */
export interface PageMap {
  readonly base: BlobId;
  readonly layers: readonly BlobId[];
}

const layerMagic = 0x50; // 'P'
const segmentBytes = limits.pageSegmentUnits * idBytes;

/** Ids of all units, 32 bytes each, of a database of `unitCount` units. */
export function readUnitIds(blobs: BlobReader, map: PageMap, unitCount: number): Buffer {
  invariant(unitCount > 0 && unitCount <= limits.pageUnitsMax, `${unitCount} units`);
  const ids = Buffer.alloc(unitCount * idBytes);
  const covered = Buffer.alloc(unitCount);
  readBase(blobs, map.base, ids, covered);
  for (const layer of map.layers) {
    for (const change of readLayer(blobs, layer)) {
      if (change.unit >= unitCount) continue; // the database has shrunk since
      change.id.copy(ids, change.unit * idBytes);
      covered[change.unit] = 1;
    }
  }
  const missing = covered.indexOf(0);
  if (missing >= 0)
    throw new DamageError(`page list ${map.base.slice(0, 12)}`, `says nothing of unit ${missing}`);
  return ids;
}

function readBase(blobs: BlobReader, base: BlobId, ids: Buffer, covered: Buffer): void {
  let at = 0;
  for (const segmentId of segmentsOfBase(blobs, base)) {
    if (at >= ids.length) break; // the database has shrunk since
    const segment = asBuffer(blobs.readBlob(segmentId));
    if (segment.length === 0 || segment.length % idBytes !== 0 || segment.length > segmentBytes) {
      throw new DamageError(`page segment ${segmentId.slice(0, 12)}`, `is ${segment.length} bytes long`);
    }
    segment.copy(ids, at);
    at += segment.length;
  }
  covered.fill(1, 0, Math.min(at, ids.length) / idBytes);
}

/** Ids of the segments that a base list consists of. */
export function segmentsOfBase(blobs: BlobReader, base: BlobId): BlobId[] {
  const list = blobs.readBlob(base);
  if (list.length === 0 || list.length % idBytes !== 0) {
    throw new DamageError(`page list ${base.slice(0, 12)}`, `is ${list.length} bytes long`);
  }
  return Array.from({ length: list.length / idBytes }, (_, index) => blobIdFromBytes(list, index * idBytes));
}

export interface UnitChange {
  readonly unit: number;
  readonly id: Buffer;
}

// 0 – magic (u8)   1 – count (varint)   … distance to the unit before (varint, the first: unit + 1), id
export function readLayer(blobs: BlobReader, layer: BlobId): UnitChange[] {
  const input = new ByteReader(blobs.readBlob(layer), `page layer ${layer.slice(0, 12)}`);
  if (input.u8() !== layerMagic) throw input.error('does not begin like a page layer');
  const count = input.varint();
  if (count > limits.pageUnitsMax) throw input.error(`${count} changes`);
  const changes: UnitChange[] = [];
  let unit = -1;
  for (let index = 0; index < count; index++) {
    const distance = input.varint();
    if (distance === 0) throw input.error('units are not in order');
    unit += distance;
    changes.push({ unit, id: input.bytes(idBytes) });
  }
  input.end();
  return changes;
}

/** Writes the list of a database that has no version before. */
export function writePageMap(blobs: BlobWriter, ids: Uint8Array): PageMap {
  const list = new ByteWriter(1024);
  for (let at = 0; at < ids.length; at += segmentBytes) {
    list.id(blobs.writeBlob('tree', ids.subarray(at, Math.min(at + segmentBytes, ids.length))));
  }
  return { base: blobs.writeBlob('tree', list.view()), layers: [] };
}

/** What is known of the version before, and which units are not as they were, or are new. */
export interface PageChanges {
  readonly previous: PageMap;
  readonly previousCount: number;
  readonly changed: readonly number[];
}

/** Writes the list of the next version, of which `ids` are all ids. */
export function updatePageMap(
  blobs: BlobReader & BlobWriter,
  ids: Buffer,
  { previous, previousCount, changed }: PageChanges,
): PageMap {
  const unitCount = ids.length / idBytes;
  if (changed.length === 0 && unitCount === previousCount) return previous;
  const changes = new Map<number, Buffer>();
  for (const unit of changed) changes.set(unit, ids.subarray(unit * idBytes, (unit + 1) * idBytes));
  const layers = [...previous.layers];
  // A crash between the blobs written here and the snapshot that names them leaves blobs that nothing refers to.
  mergeLayers(blobs, layers, changes, unitCount);
  if (
    changes.size * 4 > unitCount ||
    changes.size > layerChangesMax ||
    layers.length >= limits.pageLayersMax
  ) {
    return writePageMap(blobs, ids);
  }
  if (changes.size > 0) layers.push(writeLayer(blobs, changes));
  return { base: previous.base, layers };
}

/** As many as fit a blob. */
const layerChangesMax = Math.floor(limits.blobBytesMax / (idBytes + 4));

/** Takes from the end of `layers` every layer that is not more than twice as large as what is new by then. */
function mergeLayers(
  blobs: BlobReader,
  layers: BlobId[],
  changes: Map<number, Buffer>,
  unitCount: number,
): void {
  for (let last = layers.at(-1); last !== undefined; last = layers.at(-1)) {
    const older = readLayer(blobs, last);
    if (older.length > 2 * changes.size) return;
    for (const change of older) {
      if (change.unit < unitCount && !changes.has(change.unit)) changes.set(change.unit, change.id);
    }
    layers.pop();
  }
}

function writeLayer(blobs: BlobWriter, changes: ReadonlyMap<number, Buffer>): BlobId {
  return blobs.writeBlob('tree', encodeLayer(changes));
}

export function encodeLayer(changes: ReadonlyMap<number, Buffer>): Buffer {
  const out = new ByteWriter(changes.size * (idBytes + 3) + 16);
  out.u8(layerMagic).varint(changes.size);
  let previous = -1;
  for (const [unit, id] of [...changes].sort(([a], [b]) => a - b)) {
    out.varint(unit - previous).bytes(id);
    previous = unit;
  }
  return out.view();
}

/** Smallest power-of-two multiple of the page size with which `bytes` are few enough units. */
export function unitBytesFor(bytes: number, pageBytes: number): number {
  let unitBytes = pageBytes;
  while (Math.ceil(bytes / unitBytes) > limits.pageUnitsMax) unitBytes *= 2;
  return unitBytes;
}

/** Ids in a flat list, one by one. */
export function* unitIds(ids: Uint8Array): Generator<BlobId> {
  for (let at = 0; at < ids.length; at += segmentBytes)
    yield* blobIdsFromBytes(ids, at, Math.min(segmentBytes, ids.length - at) / idBytes);
}
