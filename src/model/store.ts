import type { BlobId, SnapshotId } from './ids.ts';
import type { PathKey } from './paths.ts';
import type { Snapshot, SnapshotRecord } from './snapshot.ts';
import type { FileNode, TreeEntry } from './tree.ts';

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
}

/** Bytes with the id that they have here. */
export interface NamedBlob {
  readonly id: BlobId;
  readonly bytes: Uint8Array;
}

export interface BlobWriter {
  /** The id that bytes have here; in an encrypted repository it is keyed. */
  idOf(bytes: Uint8Array): BlobId;
  /** The same for bytes of which the (unkeyed) hash is known. */
  idOfHash(hash: Uint8Array): BlobId;
  hasBlob(id: BlobId): boolean;
  /** Those of the blobs that are there: asked for together, each takes a tenth of the time. */
  presentBlobs(ids: readonly BlobId[]): ReadonlySet<BlobId>;
  /** Stores the bytes unless the repository has them; copies them before it returns. */
  writeBlob(kind: BlobKind, bytes: Uint8Array): BlobId;
  /** The same for several, whose ids the caller has computed: what is there already is asked for together. */
  writeBlobs(kind: BlobKind, blobs: readonly NamedBlob[]): void;
}

export interface BlobStore extends BlobReader, BlobWriter {}

/** The bytes of stored files, verified blob by blob as they are read. */
export interface ContentReader {
  /** In order, in pieces of any size; holes come as pieces of zeros. Pieces are valid until the next one is asked for. */
  readContent(node: FileNode): Iterable<Uint8Array>;
  /** Says which files are read next, so that their blobs can be found all at once. Promises nothing. */
  expectContents?(nodes: readonly FileNode[]): void;
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
  /** Nothing of what was said since it last took effect. */
  discard(): void;
}

export interface SnapshotStore {
  /** Ordered by sequence, oldest first. */
  listSnapshots(): readonly Snapshot[];
  getSnapshot(id: SnapshotId): Snapshot | undefined;
  addSnapshot(record: SnapshotRecord): Snapshot;
}
