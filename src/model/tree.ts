import type { BlobId } from './ids.ts';
import type { ByteString, PathKey } from './paths.ts';

/**
 * One piece of a file cut into chunks: `bytes` long; `id` undefined is a hole (a run of zeros that is not stored).
 */
export interface Chunk {
  readonly bytes: number;
  readonly id: BlobId | undefined;
}

/**
 * Where the bytes of a file are.
 * - `inline`: in the node itself (up to `limits.inlineBytesMax`).
 * - `blob`: one blob; its id is the hash of the whole file.
 * - `chunks`: a short list of chunks in the node.
 * - `list`: a list tree of chunks (`root` is its top node).
 * - `pages`: units of fixed size (a database's pages, or groups of them): the base list, then layers of changed units,
 *   oldest first; the newest layer that names a unit wins. See docs/FORMAT.md, "Pages".
 */
export type FileContent =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly id: BlobId }
  | { readonly kind: 'chunks'; readonly chunks: readonly Chunk[]; readonly hash: BlobId }
  | {
      readonly kind: 'list';
      readonly root: BlobId;
      /** Number of the cut profile, so that a growing file keeps it until it is far over the limit. */
      readonly profile: number;
      readonly hash: BlobId;
    }
  | {
      readonly kind: 'pages';
      readonly unitBytes: number;
      readonly base: BlobId;
      readonly layers: readonly BlobId[];
      readonly hash: BlobId;
    };

interface NodeCommon {
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Modification time, nanoseconds since 1970. */
  readonly mtimeNs: bigint;
}

/** How sure we are that the bytes of a file belong together. */
export type FileState =
  /** Size and times were the same before and after reading. */
  | 'stable'
  /** The file was written to while it was read, at every attempt. */
  | 'changed'
  /** A database captured in one read transaction. */
  | 'captured'
  /** A database that could not be captured: plain bytes, perhaps in the middle of a transaction. */
  | 'raw';

export interface FileNode extends NodeCommon {
  readonly type: 'file';
  readonly size: number;
  readonly content: FileContent;
  readonly state: FileState;
  /** Key of the first file of the same source that is a hard link to the same inode; its own key for the first. */
  readonly hardLink?: PathKey;
}

export interface DirectoryNode extends NodeCommon {
  readonly type: 'directory';
}

export interface SymlinkNode extends NodeCommon {
  readonly type: 'symlink';
  readonly linkTarget: ByteString;
}

export type TreeNode = FileNode | DirectoryNode | SymlinkNode;

/** One entry of a tree, in key order. The root of the source has the empty key. */
export interface TreeEntry {
  readonly key: PathKey;
  readonly node: TreeNode;
}

/** What a date can hold, in milliseconds; file systems go further. */
const dateMsMax = 8.64e15;

/** The time as ISO 8601; one beyond what can be written so is shown as the nearest that can. */
export function isoTimeOf(mtimeNs: bigint): string {
  const ms = Number(mtimeNs / 1_000_000n);
  return new Date(Math.min(Math.max(ms, -dateMsMax), dateMsMax)).toISOString();
}
