/** A repository written record by record, so that a test can put into it what Exuvia never would. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cutParameters } from '../../src/chunker/parameters.ts';
import { ByteWriter } from '../../src/codec/bytes.ts';
import { encodeFrame, frameKinds } from '../../src/codec/frame.ts';
import { blobIdOf } from '../../src/codec/hash.ts';
import { encodeMapInner } from '../../src/codec/map-codec.ts';
import { encodeNode } from '../../src/codec/node-codec.ts';
import { encodePackEnd, encodePackHeader, type PackedFrame, packHeaderBytes } from '../../src/codec/pack.ts';
import { formatName, formatParameters, formatVersion } from '../../src/codec/parameters.ts';
import { encodeSnapshot, snapshotFileName } from '../../src/codec/snapshot-codec.ts';
import { type BlobId, type PackId, parsePackId, type SnapshotId } from '../../src/model/ids.ts';
import type { SnapshotRecord, SnapshotSource } from '../../src/model/snapshot.ts';
import type { BlobKind } from '../../src/model/store.ts';
import type { DirectoryNode, FileNode, SymlinkNode, TreeNode } from '../../src/model/tree.ts';
import { buildRecord } from '../helpers/records.ts';

const common = { uid: 0, gid: 0, mtimeNs: 1_700_000_000_000_000_000n };

export const folder: DirectoryNode = { type: 'directory', mode: 0o755, ...common };

export function file(text: string): FileNode {
  const bytes = Buffer.from(text);
  return {
    type: 'file',
    mode: 0o644,
    ...common,
    size: bytes.length,
    state: 'stable',
    content: { kind: 'inline', bytes },
  };
}

export function link(target: string): SymlinkNode {
  return { type: 'symlink', mode: 0o777, ...common, linkTarget: target as never };
}

export type Entries = readonly (readonly [string, TreeNode | Buffer])[];

export class CraftedRepository {
  readonly root: string;
  readonly #blobs: { kind: BlobKind; bytes: Uint8Array }[] = [];
  #snapshots = 0;

  constructor(root: string) {
    this.root = root;
    for (const name of ['packs', 'snapshots']) mkdirSync(join(root, name), { recursive: true });
    const text = formatParameters({
      format: formatName,
      version: formatVersion,
      id: '00112233445566778899aabbccddeeff',
      created: '2026-01-01T00:00:00.000Z',
      requiredFeatures: [],
      hash: 'blake3-256',
      chunker: cutParameters,
      compression: { codec: 'zstd', level: 3 },
      keySlots: [],
    });
    writeFileSync(join(root, 'exuvia-repository.json'), text);
  }

  blob(kind: BlobKind, bytes: Uint8Array): BlobId {
    this.#blobs.push({ kind, bytes });
    return blobIdOf(bytes);
  }

  /** A leaf with these entries as they are, in this order, whatever their keys. */
  leaf(entries: Entries): BlobId {
    const out = new ByteWriter().u8(0x4d).u8(0).varint(entries.length);
    for (const [key, node] of entries) {
      const value = Buffer.isBuffer(node) ? node : encodeNode(node as TreeNode);
      out
        .varint(0)
        .byteString(key as never)
        .varint(value.length)
        .bytes(value);
    }
    return this.blob('tree', out.finish());
  }

  inner(level: number, children: readonly (readonly [string, BlobId])[]): BlobId {
    const lastKeys = children.map(([key]) => key);
    const node = { level, lastKeys, children: children.map(([, id]) => id), counts: children.map(() => 1) };
    return this.blob('tree', encodeMapInner(node));
  }

  /** Puts what was collected into a pack of one frame for each blob. */
  pack(): PackId {
    const frames = this.#blobs.map(({ kind, bytes }) => ({ kind, blobs: [bytes] }));
    this.#blobs.length = 0;
    return this.packOf(frames);
  }

  /** @param repeated how often the directory names the frames, which are in the file as often */
  packOf(frames: readonly { readonly kind: BlobKind; readonly blobs: readonly Uint8Array[] }[]): PackId {
    const id = parsePackId(randomBytes(16).toString('hex'));
    const packed: PackedFrame[] = [];
    const parts: Buffer[] = [encodePackHeader(id)];
    let offset = packHeaderBytes;
    for (const { kind, blobs } of frames) {
      const bytes = encodeFrame(kind, blobs, { level: 3 });
      const names = blobs.map((blob) => ({ id: blobIdOf(blob), bytes: blob.length }));
      packed.push({ offset, bytes: bytes.length, kind, blobs: names });
      parts.push(bytes);
      offset += bytes.length;
    }
    this.writePack(id, Buffer.concat([...parts, encodePackEnd({ id, frames: packed })]));
    return id;
  }

  writePack(id: PackId, bytes: Buffer): void {
    mkdirSync(join(this.root, 'packs', id.slice(0, 2)), { recursive: true });
    writeFileSync(join(this.root, 'packs', id.slice(0, 2), `${id}.pack`), bytes);
  }

  /** A snapshot of one source with this root, or of these sources. */
  snapshot(
    root: BlobId | null | readonly SnapshotSource[],
    fields: Partial<SnapshotRecord> = {},
  ): SnapshotId {
    const sources = Array.isArray(root)
      ? (root as readonly SnapshotSource[])
      : [{ path: '/data/source', kind: 'folder', root: root as BlobId | null, entries: 1 } as const];
    this.#snapshots++;
    const host = { ...buildRecord({}).host, name: 'victim' };
    const record = buildRecord({ sequence: this.#snapshots, sources, host, ...fields });
    return this.writeSnapshot(record);
  }

  /** Also what is no record at all. */
  writeSnapshot(record: unknown): SnapshotId {
    const { id, bytes } = encodeSnapshot(record as SnapshotRecord);
    const time = (record as Partial<SnapshotRecord> | null)?.time ?? '2026-11-20T10:00:00.000Z';
    writeFileSync(join(this.root, 'snapshots', snapshotFileName(time, id)), bytes);
    return id;
  }
}

export { frameKinds };
