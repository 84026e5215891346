/** What an archive from outside may ask of this machine. Every limit can be changed by the caller and is named in the error. */
import { UsageError } from '../model/errors.ts';
import { limits } from '../model/limits.ts';

const MiB = 1024 * 1024;
const TiB = MiB * MiB;

export interface ArchiveLimits {
  /** Entries of any kind, also those that are passed over, and folders that paths imply. */
  readonly entriesMax: number;
  /** All names and link targets together: they are kept in memory. */
  readonly namesBytesMax: number;
  /** Records of global headers: each entry after them looks at all. */
  readonly globalRecordsMax: number;
  /** Bytes after decompression: the whole tar stream, or the contents of a zip. */
  readonly totalBytesMax: number;
  /** Bytes after decompression for one byte before it. gzip cannot exceed 1032, zstd can. */
  readonly ratioMax: number;
  /** The ratio is looked at once this many bytes came out: small archives of empty files are no bombs. */
  readonly ratioFreeBytes: number;
  /** One extended (PAX) header or GNU long name. tar-stream itself stops at 4 MiB. */
  readonly headerBytesMax: number;
  readonly pathBytesMax: number;
  readonly componentBytesMax: number;
  /** Components of a path. */
  readonly depthMax: number;
  readonly linkTargetBytesMax: number;
}

export const defaultArchiveLimits: ArchiveLimits = {
  entriesMax: 1_000_000, // an import of so many takes 900 MB of memory
  namesBytesMax: 256 * MiB,
  globalRecordsMax: 100,
  totalBytesMax: TiB,
  ratioMax: 1100,
  ratioFreeBytes: 64 * MiB,
  headerBytesMax: MiB,
  pathBytesMax: 4096,
  componentBytesMax: 255,
  depthMax: 200,
  linkTargetBytesMax: limits.linkTargetBytesMax,
};

/** The defaults with some of them changed. @throws UsageError for an unknown name or a value that is not a positive number. */
export function archiveLimitsOf(changes: Partial<ArchiveLimits>): ArchiveLimits {
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(defaultArchiveLimits, name)) throw new UsageError(`Unknown archive limit ${name}`);
    if (typeof value !== 'number' || !(value > 0)) {
      throw new UsageError(`Archive limit ${name} is ${value}; want a number above 0`);
    }
  }
  return { ...defaultArchiveLimits, ...changes };
}
