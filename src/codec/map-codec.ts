/**
 * Nodes of ordered maps (key -> value) and of lists (sequence of chunks): bytes <-> records. How nodes are cut is in
 * tree/boundary.ts; docs/FORMAT.md, "Maps" and "Lists", has both.
 */
import type { BlobId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { isPathKey } from '../model/paths.ts';
import type { Chunk } from '../model/tree.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { readChunk, writeChunk } from './node-codec.ts';

const mapMagic = 0x4d; // 'M'
const listMagic = 0x4c; // 'L'

/** Values stay encoded until somebody wants one: most of a tree is compared or copied, not read. */
export interface MapLeaf {
  readonly level: 0;
  readonly keys: readonly string[];
  readonly values: readonly Uint8Array[];
}

/** Children in order; `lastKeys[i]` is the greatest key below child i, `counts[i]` the number of entries below it. */
export interface MapInner {
  readonly level: number;
  readonly lastKeys: readonly string[];
  readonly children: readonly BlobId[];
  readonly counts: readonly number[];
}

export type MapNode = MapLeaf | MapInner;

export function isLeaf(node: MapNode): node is MapLeaf {
  return node.level === 0;
}

// 0 – magic (u8)   1 – level (u8)   2 – entry count (varint)   … entries
const scratch = new ByteWriter(8192);

export function encodeMapLeaf(keys: readonly string[], values: readonly Uint8Array[]): Buffer {
  scratch.reset();
  scratch.u8(mapMagic).u8(0).varint(keys.length);
  let previous = '';
  for (const [index, key] of keys.entries()) {
    writeKey(scratch, previous, key);
    const value = values[index] ?? emptyBytes;
    scratch.varint(value.length).bytes(value);
    previous = key;
  }
  return scratch.finish();
}

export function encodeMapInner(node: MapInner): Buffer {
  scratch.reset();
  scratch.u8(mapMagic).u8(node.level).varint(node.children.length);
  let previous = '';
  for (const [index, child] of node.children.entries()) {
    const key = node.lastKeys[index] ?? '';
    writeKey(scratch, previous, key);
    scratch.id(child).varint(node.counts[index] ?? 0);
    previous = key;
  }
  return scratch.finish();
}

const emptyBytes = new Uint8Array(0);

/** Number of leading bytes shared with the key before, number of bytes that follow, and those bytes. */
function writeKey(out: ByteWriter, previous: string, key: string): void {
  const shared = sharedPrefix(previous, key);
  out
    .varint(shared)
    .varint(key.length - shared)
    .rawByteString(key.slice(shared));
}

function sharedPrefix(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  let index = 0;
  while (index < end && a.charCodeAt(index) === b.charCodeAt(index)) index++;
  return index;
}

export function decodeMapNode(bytes: Uint8Array, place: string): MapNode {
  const input = new ByteReader(bytes, place);
  const level = readHead(input, mapMagic);
  const count = input.varint();
  const node = level === 0 ? readLeaf(input, count) : readInner(input, count, level);
  input.end();
  return node;
}

function readHead(input: ByteReader, magic: number): number {
  const found = input.u8();
  if (found !== magic) throw input.error(`starts with ${found}, want ${magic}`);
  const level = input.u8();
  if (level >= limits.mapLevelsMax) throw input.error(`level ${level}`);
  return level;
}

function readLeaf(input: ByteReader, count: number): MapLeaf {
  checkCount(input, count);
  const keys: string[] = [];
  const values: Uint8Array[] = [];
  let previous: string | undefined;
  for (let index = 0; index < count; index++) {
    previous = readKey(input, previous);
    if (!isPathKey(previous)) throw input.error('a key that is no path');
    keys.push(previous);
    values.push(input.bytes(input.varint()));
  }
  return { level: 0, keys, values };
}

function readInner(input: ByteReader, count: number, level: number): MapInner {
  checkCount(input, count);
  const lastKeys: string[] = [];
  const children: BlobId[] = [];
  const counts: number[] = [];
  let previous: string | undefined;
  for (let index = 0; index < count; index++) {
    previous = readKey(input, previous);
    lastKeys.push(previous);
    children.push(input.id());
    counts.push(input.varint());
  }
  return { level, lastKeys, children, counts };
}

function checkCount(input: ByteReader, count: number): void {
  if (count === 0 || count > limits.mapNodeEntriesMax) throw input.error(`${count} entries in a node`);
}

function readKey(input: ByteReader, previous: string | undefined): string {
  const shared = input.varint();
  const more = input.varint();
  if (shared > (previous ?? '').length) throw input.error('a key shares more than there is');
  if (shared + more > limits.keyBytesMax) throw input.error(`a key of ${shared + more} bytes`);
  const key = (previous ?? '').slice(0, shared) + input.rawByteString(more);
  if (previous !== undefined && key <= previous) throw input.error('keys are not in order');
  return key;
}

export interface ListLeaf {
  readonly level: 0;
  readonly chunks: readonly Chunk[];
}

export interface ListInner {
  readonly level: number;
  readonly children: readonly { readonly bytes: number; readonly id: BlobId }[];
}

export type ListNode = ListLeaf | ListInner;

export function isListLeaf(node: ListNode): node is ListLeaf {
  return node.level === 0;
}

export function encodeListLeaf(chunks: readonly Chunk[]): Buffer {
  scratch.reset();
  scratch.u8(listMagic).u8(0).varint(chunks.length);
  for (const chunk of chunks) writeChunk(scratch, chunk);
  return scratch.finish();
}

export function encodeListInner(level: number, children: ListInner['children']): Buffer {
  scratch.reset();
  scratch.u8(listMagic).u8(level).varint(children.length);
  for (const child of children) scratch.varint(child.bytes).id(child.id);
  return scratch.finish();
}

export function decodeListNode(bytes: Uint8Array, place: string): ListNode {
  const input = new ByteReader(bytes, place);
  const level = readHead(input, listMagic);
  const count = input.varint();
  checkCount(input, count);
  const node: ListNode =
    level === 0
      ? { level: 0, chunks: Array.from({ length: count }, () => readChunk(input)) }
      : { level, children: Array.from({ length: count }, () => ({ bytes: input.varint(), id: input.id() })) };
  input.end();
  return node;
}
