/**
 * What this machine knows of the files it has seen, in the index. It takes effect only when what it refers to is durable. Files are
 * kept in blocks of about a hundred that follow one another by key: a walk reads each block once, in order, and a change writes one
 * block anew. Row by row, SQLite, checksums or sealing would take longer than to look at the files.
 */
import { ByteReader, ByteWriter } from '../codec/bytes.ts';
import { hashTextOf } from '../codec/hash.ts';
import { asBuffer, type BlobId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { byteStringFromBytes, byteStringToBytes, type PathKey } from '../model/paths.ts';
import type { FileCache, KnownFile, KnownLeaf } from '../model/store.ts';
import type { Database, Statement } from './database.ts';
import { prepareGeneration } from './index-schema.ts';
import { KnownDigests } from './known-digests.ts';
import { type PendingKey, PendingRows, readRow, writeRow } from './pending-rows.ts';

/** A block that has more is split. */
const blockRowsMax = 160;
/** What the pieces have then. */
const blockRowsTarget = 100;
const pendingRowsMax = 20_000;

/** How blocks lie in the index: sealed, or with a checksum. */
export interface BlockSeal {
  /** `context` says what it is: one thing does not pass for another. */
  seal(context: string, bytes: Uint8Array): Buffer;
  /** Undefined for what is damaged: all of it can be made anew. */
  open(context: string, sealed: Uint8Array): Buffer | undefined;
  /** How a source is called. */
  nameOf(path: string): Buffer;
}

const checksumBytes = 8;

/**
 * Disks rot, and SQLite does not see it: a block that did is not known, and its files are read again. A part of a hash is the checksum: a CRC
 * takes 1 ms for the 20 KB that a run without changes reads, or node:zlib, which takes 6 ms to load.
 */
export const checkedBlocks: BlockSeal = {
  seal(context, bytes) {
    return Buffer.concat([Buffer.from(checksumOf(context, bytes), 'hex'), bytes]);
  },
  open(context, sealed) {
    const bytes = asBuffer(sealed).subarray(checksumBytes);
    const found = asBuffer(sealed).toString('hex', 0, checksumBytes);
    return found === checksumOf(context, bytes) ? bytes : undefined;
  },
  nameOf: (path) => Buffer.from(path, 'utf8'),
};

function checksumOf(context: string, bytes: Uint8Array): string {
  return hashTextOf(Buffer.concat([Buffer.from(context, 'utf8'), bytes])).slice(0, 2 * checksumBytes);
}

interface BlockHead {
  readonly no: number;
  readonly firstKey: PathKey;
}

export class IndexFileCache implements FileCache {
  readonly #database: Database;
  readonly #seal: BlockSeal;
  readonly #onFull: () => void;
  readonly #heads: Statement;
  readonly #rows: Statement;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #remove: Statement;
  readonly #readGeneration: Statement;
  /** By source. */
  readonly #pending = new Map<string, PendingRows>();
  #pendingCount = 0;
  /** The generation that what is pending is of. */
  #pendingOf: string | undefined;
  readonly #digests: KnownDigests;
  readonly #pendingLeaves = new Map<string, readonly KnownLeaf[]>();
  /** Of the source that was asked for last. */
  #knownHeads: { readonly source: Buffer; readonly heads: readonly BlockHead[] } | undefined;
  /** Counts what was written, so that a walk that is under way looks again. */
  #generation = 0;

  /** `onFull` is asked to make everything durable and to call `flush`, so that memory stays bounded. */
  constructor(database: Database, seal: BlockSeal, onFull: () => void) {
    this.#database = database;
    this.#seal = seal;
    this.#onFull = onFull;
    this.#heads = database.prepare('SELECT no, head FROM known_block WHERE source = ?').raw();
    this.#rows = database.prepare('SELECT rows FROM known_block WHERE no = ? AND source = ?').pluck();
    this.#insert = database.prepare('INSERT INTO known_block (source, head, rows) VALUES (?, ?, ?)');
    this.#update = database.prepare('UPDATE known_block SET head = ?, rows = ? WHERE no = ?');
    this.#remove = database.prepare('DELETE FROM known_block WHERE no = ?');
    this.#readGeneration = prepareGeneration(database);
    this.#digests = new KnownDigests(database, seal);
  }

  get generation(): string {
    return String(this.#readGeneration.get() ?? '');
  }

  *known(path: string, from?: PathKey): Generator<KnownFile> {
    this.#pendingOf ??= this.generation;
    const source = this.#seal.nameOf(path);
    let last = from;
    for (;;) {
      const generation = this.#generation;
      const after = last;
      const heads = this.#listHeads(source);
      const ahead = after === undefined ? heads : heads.slice(Math.max(0, blockOf(heads, after)));
      for (const { no } of ahead) {
        for (const file of this.#readBlock(no, source)) {
          if (last !== undefined && file.key <= last) continue;
          last = file.key;
          yield file;
        }
        if (generation !== this.#generation) break;
      }
      if (generation === this.#generation) return;
    }
  }

  leaves(path: string): readonly KnownLeaf[] {
    this.#pendingOf ??= this.generation;
    const source = this.#seal.nameOf(path);
    const sealed = this.#database.prepare('SELECT leaves FROM known_leaves WHERE source = ?').pluck();
    const found = sealed.get(source);
    const bytes = Buffer.isBuffer(found) ? this.#seal.open(leavesContext(source), found) : undefined;
    return bytes === undefined ? [] : decodeLeaves(bytes);
  }

  rememberLeaves(source: string, leaves: readonly KnownLeaf[]): void {
    this.#pendingOf ??= this.generation;
    this.#pendingLeaves.set(source, leaves);
  }

  blockDigests(content: BlobId): Uint8Array | undefined {
    return this.#digests.of(content);
  }

  rememberBlockDigests(content: BlobId, digests: Uint8Array, before: BlobId): void {
    this.#digests.remember(content, digests, before);
  }

  remember(source: string, file: KnownFile): void {
    this.#add(source, file.key, file);
  }

  forget(source: string, key: PathKey): void {
    this.#add(source, key, undefined);
  }

  get hasPending(): boolean {
    return this.#pendingCount > 0 || this.#pendingLeaves.size > 0 || this.#digests.hasPending;
  }

  /** To be called inside a transaction, when every blob written so far is in a published pack. */
  flush(): void {
    // When the index was made anew meanwhile, what was learnt before may refer to what is not there.
    if (this.#pendingOf !== undefined && this.#pendingOf !== this.generation) this.discard();
    this.#knownHeads = undefined; // another process may have written since
    for (const [path, changes] of this.#pending) this.#merge(this.#seal.nameOf(path), changes);
    this.#writeLeaves();
    this.#digests.flush();
    this.discard();
    this.#changed();
  }

  #changed(): void {
    this.#generation++;
    this.#knownHeads = undefined;
  }

  #writeLeaves(): void {
    const write = this.#database.prepare(
      'INSERT OR REPLACE INTO known_leaves (source, leaves) VALUES (?, ?)',
    );
    for (const [path, leaves] of this.#pendingLeaves) {
      const source = this.#seal.nameOf(path);
      write.run(source, this.#seal.seal(leavesContext(source), encodeLeaves(leaves)));
    }
  }

  /** To be called inside a transaction. Forgets every file whose node `isKept` refuses, and all leaves. */
  dropUnless(isKept: (node: Uint8Array) => boolean): void {
    const blocks = this.#database.prepare('SELECT no, source FROM known_block').raw().all();
    for (const [no, source] of blocks as [number, Buffer][]) {
      const rows = this.#readBlock(no, source);
      const kept = rows.filter(({ node }) => isKept(node));
      if (kept.length < rows.length || rows.length === 0) this.#replace(no, source, kept);
    }
    this.#database.exec('DELETE FROM known_leaves');
    this.#changed();
  }

  /** Forgets what was to be remembered: the blobs it refers to did not become durable, or are gone. */
  discard(): void {
    this.#pendingOf = undefined;
    this.#pending.clear();
    this.#pendingCount = 0;
    this.#pendingLeaves.clear();
    this.#digests.discard();
  }

  #add(source: string, key: PathKey, file: KnownFile | undefined): void {
    this.#pendingOf ??= this.generation;
    const rows = this.#pending.get(source) ?? new PendingRows();
    this.#pending.set(source, rows);
    rows.add(key, file);
    if (++this.#pendingCount >= pendingRowsMax) this.#onFull();
  }

  /** In the order of their keys. A block that cannot be opened is not known. */
  #listHeads(source: Buffer): readonly BlockHead[] {
    if (this.#knownHeads?.source.equals(source)) return this.#knownHeads.heads;
    const heads: BlockHead[] = [];
    for (const [no, sealed] of this.#heads.all(source) as [number, Buffer][]) {
      const key = this.#seal.open(headContext(source), sealed);
      if (key !== undefined) heads.push({ no, firstKey: byteStringFromBytes(key) as string as PathKey });
    }
    heads.sort((a, b) => (a.firstKey < b.firstKey ? -1 : 1));
    this.#knownHeads = { source, heads };
    return heads;
  }

  #readBlock(no: number, source: Buffer): KnownFile[] {
    const sealed = this.#rows.get(no, source);
    const bytes = Buffer.isBuffer(sealed) ? this.#seal.open(rowsContext(source), sealed) : undefined;
    return bytes === undefined ? [] : decodeRows(bytes);
  }

  #merge(source: Buffer, changes: PendingRows): void {
    const heads = this.#listHeads(source);
    const byBlock = Map.groupBy(changes.sortedKeys(), ({ key }) => Math.max(0, blockOf(heads, key)));
    for (const [at, keys] of byBlock) {
      const no = heads[at]?.no;
      const before = no === undefined ? [] : this.#readBlock(no, source);
      this.#replace(no, source, merged(before, keys, changes));
    }
  }

  #replace(no: number | undefined, source: Buffer, rows: readonly KnownFile[]): void {
    const pieces = rows.length <= blockRowsMax ? [rows] : splitRows(rows);
    for (const [index, piece] of pieces.entries()) {
      const isOld = index === 0 && no !== undefined;
      const [first] = piece;
      if (first === undefined) {
        if (isOld) this.#remove.run(no);
        continue;
      }
      const head = this.#seal.seal(headContext(source), byteStringToBytes(first.key));
      const sealed = this.#seal.seal(rowsContext(source), encodeRows(piece));
      if (isOld) this.#update.run(head, sealed, no);
      else this.#insert.run(source, head, sealed);
    }
  }
}

/** The rows of a block with what has changed; both in the order of their keys. */
function merged(
  before: readonly KnownFile[],
  keys: readonly PendingKey[],
  changes: PendingRows,
): KnownFile[] {
  const rows: KnownFile[] = [];
  let next = 0;
  for (const { key, at } of keys) {
    for (let row = before[next]; row !== undefined && row.key <= key; row = before[++next])
      if (row.key < key) rows.push(row);
    const file = changes.fileAt(at);
    if (file !== undefined) rows.push(file);
  }
  return rows.concat(before.slice(next));
}

/** The last block that begins at `key` or before, or -1. */
function blockOf(heads: readonly BlockHead[], key: PathKey): number {
  let low = 0;
  let high = heads.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((heads[middle]?.firstKey ?? key) <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function splitRows(rows: readonly KnownFile[]): KnownFile[][] {
  const pieces: KnownFile[][] = [];
  for (let at = 0; at < rows.length; at += blockRowsTarget) pieces.push(rows.slice(at, at + blockRowsTarget));
  return pieces;
}

function headContext(source: Buffer): string {
  return `head ${source.toString('hex')}`;
}

function rowsContext(source: Buffer): string {
  return `rows ${source.toString('hex')}`;
}

function leavesContext(source: Buffer): string {
  return `leaves ${source.toString('hex')}`;
}

function encodeLeaves(leaves: readonly KnownLeaf[]): Buffer {
  const out = new ByteWriter(leaves.length * 100 + 32);
  for (const { lastKey, entries, digest, id, follows, isLast } of leaves) {
    out.byteString(lastKey).varint(entries).varint(digest.length).bytes(digest).id(id);
    out.u8((follows ? followsBit : 0) | (isLast ? isLastBit : 0));
  }
  return out.view();
}

const followsBit = 1;
const isLastBit = 2;

function decodeLeaves(bytes: Buffer): KnownLeaf[] {
  const input = new ByteReader(bytes, 'index');
  const leaves: KnownLeaf[] = [];
  while (input.remaining > 0) {
    const lastKey = input.byteString(limits.keyBytesMax) as string as PathKey;
    const entries = input.varint();
    const digest = input.bytes(input.varint());
    const id = input.id();
    const bits = input.u8();
    const [follows, isLast] = [(bits & followsBit) !== 0, (bits & isLastBit) !== 0];
    leaves.push({ lastKey, entries, digest, id, follows, isLast });
  }
  return leaves;
}

function encodeRows(rows: readonly KnownFile[]): Buffer {
  const out = new ByteWriter(32 * 1024);
  for (const row of rows) writeRow(out, row);
  return out.view();
}

function decodeRows(bytes: Buffer): KnownFile[] {
  const input = new ByteReader(bytes, 'index');
  const rows: KnownFile[] = [];
  while (input.remaining > 0) rows.push(readRow(input));
  return rows;
}
