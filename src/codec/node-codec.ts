/**
 * A tree node to bytes and back: the value that a snapshot's map holds for each path. See docs/FORMAT.md, "Nodes".
 * The encoding is canonical: one node has one encoding, so equal files give equal trees.
 */
import { limits } from '../model/limits.ts';
import type { PathKey } from '../model/paths.ts';
import type { Chunk, FileContent, FileNode, FileState, TreeNode } from '../model/tree.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

const typeFile = 1;
const typeDirectory = 2;
const typeSymlink = 3;

const flagHardLink = 0x04;
const stateMask = 0x03;
const states: readonly FileState[] = ['stable', 'changed', 'captured', 'raw'];

const contentInline = 0;
const contentBlob = 1;
const contentChunks = 2;
const contentList = 3;
const contentPages = 4;

const billion = 1_000_000_000n;
const scratch = new ByteWriter(1024);

export function encodeNode(node: TreeNode): Buffer {
  scratch.reset();
  writeNode(scratch, node);
  return scratch.finish();
}

function writeNode(out: ByteWriter, node: TreeNode): void {
  // 0 – type (u8)   1 – flags (u8)   2 – mode, uid, gid (varints), mtime seconds (signed varint), nanoseconds (varint)
  out.u8(node.type === 'file' ? typeFile : node.type === 'directory' ? typeDirectory : typeSymlink);
  out.u8(node.type === 'file' ? fileFlags(node) : 0);
  out.varint(node.mode).varint(node.uid).varint(node.gid);
  const nanos = ((node.mtimeNs % billion) + billion) % billion;
  out.signedVarint(Number((node.mtimeNs - nanos) / billion)).varint(Number(nanos));
  if (node.type === 'symlink') out.byteString(node.linkTarget);
  if (node.type === 'file') {
    out.varint(node.size);
    writeContent(out, node.content);
    if (node.hardLink !== undefined) out.byteString(node.hardLink);
  }
}

function fileFlags(node: FileNode): number {
  return states.indexOf(node.state) | (node.hardLink === undefined ? 0 : flagHardLink);
}

function writeContent(out: ByteWriter, content: FileContent): void {
  switch (content.kind) {
    case 'inline':
      out.u8(contentInline).bytes(content.bytes);
      return;
    case 'blob':
      out.u8(contentBlob).id(content.id);
      return;
    case 'chunks':
      out.u8(contentChunks).varint(content.chunks.length);
      for (const chunk of content.chunks) writeChunk(out, chunk);
      out.id(content.hash);
      return;
    case 'list':
      out.u8(contentList).u8(content.profile).id(content.root).id(content.hash);
      return;
    case 'pages':
      out.u8(contentPages).varint(content.unitBytes).id(content.base).varint(content.layers.length);
      for (const layer of content.layers) out.id(layer);
      out.id(content.hash);
      return;
  }
}

/** Length with the lowest bit set for a hole, then the id unless it is a hole. */
export function writeChunk(out: ByteWriter, chunk: Chunk): void {
  out.varint(chunk.bytes * 2 + (chunk.id === undefined ? 1 : 0));
  if (chunk.id !== undefined) out.id(chunk.id);
}

export function readChunk(input: ByteReader): Chunk {
  const head = input.varint();
  const bytes = Math.floor(head / 2);
  if (bytes === 0) throw input.error('a chunk of no bytes');
  if (head % 2 === 1) return { bytes, id: undefined };
  if (bytes > limits.chunkBytesMax) throw input.error(`a chunk of ${bytes} bytes`);
  return { bytes, id: input.id() };
}

export function decodeNode(bytes: Uint8Array, place: string | (() => string)): TreeNode {
  const input = new ByteReader(bytes, place);
  const node = readNode(input);
  input.end();
  return node;
}

/** What `decodeNode` would say, of a node that decodes. */
export function isFileNode(bytes: Uint8Array): boolean {
  return bytes[0] === typeFile;
}

function readNode(input: ByteReader): TreeNode {
  const type = input.u8();
  const flags = input.u8();
  const mode = input.varint();
  if (mode > 0o7777) throw input.error(`mode ${mode.toString(8)}`);
  const uid = readOwner(input);
  const gid = readOwner(input);
  const seconds = input.signedVarint();
  const nanos = input.varint();
  if (nanos >= 1e9) throw input.error(`${nanos} nanoseconds`);
  const common = { mode, uid, gid, mtimeNs: BigInt(seconds) * billion + BigInt(nanos) };
  if (type === typeFile) return readFileNode(input, flags, common);
  if (flags !== 0) throw input.error(`unknown flags ${flags}`);
  if (type === typeDirectory) return { type: 'directory', ...common };
  if (type === typeSymlink) {
    return { type: 'symlink', ...common, linkTarget: input.byteString(limits.linkTargetBytesMax) };
  }
  throw input.error(`unknown type of node ${type}`);
}

/** User and group ids have 32 bits. */
function readOwner(input: ByteReader): number {
  const id = input.varint();
  if (id > limits.ownerIdMax) throw input.error(`owner ${id}`);
  return id;
}

type CommonFields = Pick<TreeNode, 'mode' | 'uid' | 'gid' | 'mtimeNs'>;

function readFileNode(input: ByteReader, flags: number, common: CommonFields): FileNode {
  if ((flags & ~(stateMask | flagHardLink)) !== 0) throw input.error(`unknown flags ${flags}`);
  const state = states[flags & stateMask] ?? 'stable';
  const size = input.varint();
  if (size > limits.fileBytesMax) throw input.error(`a file of ${size} bytes`);
  const content = readContent(input, size);
  const node: FileNode = { type: 'file', ...common, size, content, state };
  if ((flags & flagHardLink) === 0) return node;
  return { ...node, hardLink: input.byteString(limits.keyBytesMax) as string as PathKey };
}

function readContent(input: ByteReader, size: number): FileContent {
  const kind = input.u8();
  switch (kind) {
    case contentInline:
      if (size > limits.inlineBytesMax) throw input.error(`${size} bytes inline`);
      return { kind: 'inline', bytes: Buffer.from(input.bytes(size)) };
    case contentBlob:
      if (size > limits.chunkBytesMax || size === 0) throw input.error(`one blob of ${size} bytes`);
      return { kind: 'blob', id: input.id() };
    case contentChunks:
      return readChunks(input, size);
    case contentList:
      return { kind: 'list', profile: input.u8(), root: input.id(), hash: input.id() };
    case contentPages:
      return readPages(input, size);
    default:
      throw input.error(`unknown kind of content ${kind}`);
  }
}

function readChunks(input: ByteReader, size: number): FileContent {
  const count = input.varint();
  if (count > limits.nodeChunksMax) throw input.error(`${count} chunks in a node`);
  const chunks: Chunk[] = [];
  let bytes = 0;
  for (let index = 0; index < count; index++) {
    const chunk = readChunk(input);
    bytes += chunk.bytes;
    chunks.push(chunk);
  }
  if (bytes !== size) throw input.error(`chunks of ${bytes} bytes in a file of ${size}`);
  return { kind: 'chunks', chunks, hash: input.id() };
}

function readPages(input: ByteReader, size: number): FileContent {
  const unitBytes = input.varint();
  if (unitBytes < 512 || unitBytes > limits.pageUnitBytesMax)
    throw input.error(`units of ${unitBytes} bytes`);
  if (size === 0 || Math.ceil(size / unitBytes) > limits.pageUnitsMax) {
    throw input.error(`${size} bytes in units of ${unitBytes}`);
  }
  const base = input.id();
  const count = input.varint();
  if (count > limits.pageLayersMax) throw input.error(`${count} layers`);
  const layers = Array.from({ length: count }, () => input.id());
  return { kind: 'pages', unitBytes, base, layers, hash: input.id() };
}

/** Hash of the whole file: by it, files with equal content are equal whatever way they are cut. Undefined for inline content. */
export function hashOfContent(content: FileContent): string | undefined {
  if (content.kind === 'inline') return undefined;
  return content.kind === 'blob' ? content.id : content.hash;
}
