import type { ByteString } from '../model/paths.ts';

export interface ArchiveEntry {
  /** Slash-separated, relative and checked; no slash at the end, no `./` before, never empty. */
  readonly path: ByteString;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink';
  /** Permission bits, 0 to 0o777: setuid, setgid and sticky are dropped. */
  readonly mode: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** Bytes of content; 0 for everything but a file. */
  readonly size: number;
  /** Symbolic link: its literal target. Hard link: the path of an earlier file entry, never of another hard link. */
  readonly linkTarget?: ByteString;
  readonly uid?: number;
  readonly gid?: number;
}

/** A device, pipe, socket or volume label: there is nothing in it to keep. */
export interface SkippedEntry {
  /** As text for people. */
  readonly path: string;
  readonly reason: string;
}

export interface ArchiveItem {
  readonly entry: ArchiveEntry;
  /**
   * The bytes of a file, once, before the next entry is asked for. Sizes and checksums are verified as it is read; leaving
   * early is allowed. Pieces are valid for as long as they are kept.
   */
  readonly content: AsyncIterable<Uint8Array>;
}

export type ArchiveFormat = 'tar' | 'tar.gz' | 'tar.zst' | 'zip';

export interface ArchiveReader extends AsyncDisposable {
  readonly format: ArchiveFormat;
  /**
   * One pass over the archive; it can be asked for again. The archive was whole and well-formed only when the pass came to
   * its end: an error may come after many entries.
   * @throws ArchiveError, FileSystemError
   */
  entries(): AsyncIterable<ArchiveItem>;
  /** Of the archive as it is, so many bytes were read in the last pass. */
  readonly packedBytes: number;
  /** What the last pass left out. */
  readonly skipped: readonly SkippedEntry[];
}
