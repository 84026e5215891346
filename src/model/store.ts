import type { BlobId, SnapshotId } from './ids.ts';
import { limits } from './limits.ts';
import type { ByteString, PathKey } from './paths.ts';
import type { Snapshot, SnapshotRecord } from './snapshot.ts';
import type { Chunk, FileNode, TreeEntry } from './tree.ts';

/** `tree` blobs describe (nodes of maps and lists), `data` blobs are contents. They never share a frame. */
export type BlobKind = 'data' | 'tree';

export interface BlobReader {
  /** With a key that only adds, nothing that was stored before can be read. */
  readonly isWriteOnly?: boolean;
  /**
   * The blob's bytes, verified against its id. The result may share memory with a cache: do not write to it.
   * @throws DamageError when it is missing or not what was stored.
   */
  readBlob(id: BlobId): Uint8Array;
  /** Says which blobs are read next, so that a store can find them all at once. Promises nothing. */
  expectBlobs?(ids: readonly BlobId[]): void;
  expectBytes?(bytes: number, meanwhile: Meanwhile | undefined): void;
  /** Where files can be put in place beside whoever reads. */
  readonly orders?: Orders<[order: BlobOrder]>;
}

/** Does a part of what there is to do besides, a few milliseconds; false when there is nothing. */
export type Meanwhile = () => boolean;

/** Files that are put in place beside whoever orders them. */
export interface Orders<Order extends readonly unknown[]> {
  /** Says that files of so many bytes will be ordered; false where it is not worth it. */
  expect(bytes: number): boolean;
  /** Takes an order; false where it cannot be carried out here. */
  take(...order: Order): boolean;
  /** Waits until some orders are done that were given; false when none is left. */
  finishSome(): boolean;
  /** What has not begun is not wanted any more. What is left is to be finished: of that, some is said not to be in place. */
  stop(): void;
}

/** Bytes with the id that they have here. */
export interface NamedBlob {
  readonly id: BlobId;
  readonly bytes: Uint8Array;
}

/**
 * What a blob is stored among: others of its kind, or, as a part of a content that is large and mostly read as a whole, others of such. Those are in
 * larger frames, which compress better.
 */
export type BlobStream = BlobKind | 'large';

/** Of the parts of a content of so many bytes. */
export function streamOf(bytes: number): BlobStream {
  return bytes < limits.largeContentBytesMin ? 'data' : 'large';
}

export interface BlobWriter {
  /** The id that bytes have here; in an encrypted repository it is keyed. */
  idOf(bytes: Uint8Array): BlobId;
  /** Whether the id of the bytes is the one that begins at `place` of `ids`; where that is known sooner than the id itself. */
  isIdAt?(bytes: Uint8Array, ids: Buffer, place: number): boolean;
  /** The same for bytes of which the (unkeyed) hash is known. */
  idOfHash(hash: Uint8Array): BlobId;
  /** Says that blobs will be written, by who has nothing to do at the moment. Promises nothing. */
  expectWrites?(): void;
  /** Says that whoever writes has to wait now: what would be done at the end may be done meanwhile. */
  expectWait?(): void;
  hasBlob(id: BlobId): boolean;
  /** Those of the blobs that are there: asked for together, each takes a tenth of the time. */
  presentBlobs(ids: readonly BlobId[]): ReadonlySet<BlobId>;
  /** Stores the bytes unless the repository has them; copies them before it returns. */
  writeBlob(kind: BlobKind, bytes: Uint8Array): BlobId;
  /** The same for several, whose ids the caller has computed: what is there already is asked for together. */
  writeBlobs(stream: BlobStream, blobs: readonly NamedBlob[]): void;
}

export interface BlobStore extends BlobReader, BlobWriter {}

/** Files to be hashed, with what they looked like. */
export interface FilesToHash {
  /** Their paths, with a zero between each two. */
  readonly paths: string;
  /** Of each its size, times of change and of status change in nanoseconds, and inode: 64 bits each, in this machine's byte order. */
  readonly stamps: Uint8Array;
}

/** Bytes of a stamp. */
export const stampBytes = 32;

/** Hashes files beside whoever asks. */
export interface FileHasher {
  /** To be called before it is used. Whether it will take files; it takes a while to get ready. */
  start(): boolean;
  /** Whether it takes files now. */
  readonly hasRoom: boolean;
  /**
   * The answer, waited for when it is asked: 32 bytes for each, its (unkeyed) hash, or zeros where it was not as its stamp says after it had
   * been read, or could not be.
   */
  hash(files: FilesToHash): () => Uint8Array;
}

/** What a file is given beside its content. */
export interface FileAttributes {
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Where a file is put, once all of it is under a temporary name beside its place. */
export interface FilePlace {
  readonly path: ByteString;
  readonly temporary: ByteString;
  readonly attributes: FileAttributes;
  /** What belonged to the file that was there before, and goes with it. */
  readonly obsolete: readonly ByteString[];
}

/** A file to be put in place by the store. */
export interface FileOrder {
  /** Of the folder it is in. Few of them are in the work at once. */
  readonly folder: string;
  /** Asked when its turn has come; undefined when it is not wanted any more. */
  readonly open: () => FilePlace | undefined;
  /** False: it is not in place, nothing of it is left, and whoever asked for it writes it and learns what is wrong. */
  readonly done: (isInPlace: boolean) => void;
}

/** The same, with what it is made of. */
export interface BlobOrder extends FileOrder {
  readonly size: number;
  /** All of it, or what it consists of. */
  readonly content: Uint8Array | readonly Chunk[];
  /** Of the whole file, where it has more than one chunk. */
  readonly hash: BlobId | undefined;
}

/** The bytes of stored files, verified blob by blob as they are read. */
export interface ContentReader {
  /** In order, in pieces of any size; holes come as pieces of zeros. Pieces are valid until the next one is asked for. */
  readContent(node: FileNode): Iterable<Uint8Array>;
  /** Says which files are read next, so that their blobs can be found all at once. Promises nothing. */
  expectContents?(nodes: readonly FileNode[]): void;
  /** Says that about so much will be read in all, and what whoever reads can do where it would wait for threads. Promises nothing. */
  expectBytes?(bytes: number, meanwhile: Meanwhile | undefined): void;
  readonly orders?: Orders<[node: FileNode, order: FileOrder]> | undefined;
}

/** Entries of one source's tree. */
export interface TreeReader {
  /** Entries whose key is `from` or greater, in key order. */
  entries(from?: PathKey): Iterable<TreeEntry>;
  getEntry(key: PathKey): TreeEntry | undefined;
}

/** A file as an earlier run saw it: equal fingerprint, same node. */
export interface KnownFile {
  readonly key: PathKey;
  /** Size, times, inode …: whatever tells on this machine that a file is the same. */
  readonly fingerprint: Uint8Array;
  /** The encoded node. All blobs it refers to are in the repository. */
  readonly node: Uint8Array;
}

/** A leaf of a source's tree as an earlier run built it. */
export interface KnownLeaf {
  /** The last key in it. Where leaves end is decided by their entries alone. */
  readonly lastKey: PathKey;
  readonly entries: number;
  /** Of what tells that its entries are the same: equal digests, same leaf. */
  readonly digest: Uint8Array;
  readonly id: BlobId;
  /** Whether it came right after the one before it in the list, or at the beginning of its tree. */
  readonly follows: boolean;
  /** Whether it only ended because nothing followed: it is the same leaf where nothing does again. */
  readonly isLast: boolean;
}

/** What this machine knows of the files of a source (named by its path). May forget anything at any time. */
export interface FileCache {
  /** Another one once what was known, and what was found to be stored already, may not be there any more. */
  readonly generation: string;
  /** In key order; only those after a key, where one is given. */
  known(source: string, after?: PathKey): Iterable<KnownFile>;
  /** In key order. There may be keys between them that belong to none. */
  leaves(source: string): readonly KnownLeaf[];
  /** Instead of those there are. Takes effect once everything written so far is durable. */
  rememberLeaves(source: string, leaves: readonly KnownLeaf[]): void;
  /** Takes effect once everything written so far is durable. */
  remember(source: string, file: KnownFile): void;
  forget(source: string, key: PathKey): void;
  /** Of the blocks of a database, by the hash of all of it. */
  blockDigests?(content: BlobId): Uint8Array | undefined;
  /** Of the version that came after `before`, whose own are forgotten. Takes effect with what else is remembered. */
  rememberBlockDigests?(content: BlobId, digests: Uint8Array, before: BlobId): void;
  /** Nothing of what was said since it last took effect. */
  discard(): void;
}

export interface SnapshotStore {
  /** Ordered by sequence, oldest first. */
  listSnapshots(): readonly Snapshot[];
  getSnapshot(id: SnapshotId): Snapshot | undefined;
  addSnapshot(record: SnapshotRecord): Snapshot;
}
