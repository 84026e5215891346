/**
 * Opens archives that come from anywhere: tar, tar.gz, tar.zst and zip, told apart by content. An archive is hostile until
 * proven otherwise; what is refused is listed in entry-rules.ts and read-tar-headers.ts.
 */
import { type AgeKeys, ageHeaderBytes, ageMagic, openAgeHeader } from '../codec/age.ts';
import { ArchiveError } from '../model/errors.ts';
import { type ArchiveLimits, archiveLimitsOf } from './archive-limits.ts';
import { ArchiveFile } from './read-file.ts';
import { describeStart, isTarBlock, packingOf, startBytes } from './read-kind.ts';
import type { ArchiveReader } from './read-types.ts';
import type { TarPacking } from './tar-read.ts';

export type { ArchiveEntry, ArchiveFormat, ArchiveItem, ArchiveReader, SkippedEntry } from './read-types.ts';

/**
 * Opens `path`, an archive of any kind. Dispose of the reader to close the file.
 * @throws FileSystemError when the file cannot be read, ArchiveError when it is not an archive, UsageError for wrong limits.
 */
export async function openArchive(
  path: string,
  limits: Partial<ArchiveLimits> = {},
  keys?: ArchiveKeys,
): Promise<ArchiveReader> {
  const allLimits = archiveLimitsOf(limits);
  const file = await ArchiveFile.open(path);
  try {
    return await readerOf(await openEncryption(file, keys), allLimits);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Asked for when an archive turns out to be encrypted. */
export type ArchiveKeys = (path: string) => Promise<AgeKeys>;

/** The file itself, or what is inside an age file. */
async function openEncryption(file: ArchiveFile, keys: ArchiveKeys | undefined): Promise<ArchiveFile> {
  const isArmored = file.read(0, armorStart.length).toString('latin1') === armorStart;
  if (isArmored)
    throw new ArchiveError(`${file.path} is an armored age file`, { hint: 'Decode it first: age -d.' });
  if (file.read(0, ageMagic.length).toString('latin1') !== ageMagic) return file;
  if (keys === undefined) throw new ArchiveError(`${file.path} is encrypted`);
  const start = file.read(0, ageHeaderBytesMax);
  const headerBytes = ageHeaderBytes(start);
  if (headerBytes === undefined)
    throw new ArchiveError(`${file.path} is cut short, or its header does not end`);
  const fileKey = await openAgeHeader(await keys(file.path), start.subarray(0, headerBytes), file.path);
  return file.decrypted(fileKey, headerBytes);
}

const armorStart = '-----BEGIN AGE ENCRYPTED FILE-----';
const ageHeaderBytesMax = 64 * 1024;

async function readerOf(file: ArchiveFile, limits: ArchiveLimits): Promise<ArchiveReader> {
  const start = file.read(0, startBytes);
  const packing = packingOf(start);
  if (packing === undefined) throw notAnArchive(file.path, start);
  return packing === 'zip' ? zipReaderOf(file, limits) : tarReaderOf(file, packing, limits);
}

async function zipReaderOf(file: ArchiveFile, limits: ArchiveLimits): Promise<ArchiveReader> {
  // Loaded only when needed: start-up is what a frequent snapshot costs.
  const { ZipReader } = await import('./zip-read.ts');
  return ZipReader.open(file, limits);
}

async function tarReaderOf(
  file: ArchiveFile,
  packing: TarPacking,
  limits: ArchiveLimits,
): Promise<ArchiveReader> {
  const { TarReader } = await import('./tar-read.ts');
  const reader = new TarReader(file, packing, limits);
  const first = await reader.firstBlock();
  if (!isTarBlock(first)) throw notTarInside(file.path, packing, first);
  return reader;
}

function notAnArchive(path: string, start: Buffer): ArchiveError {
  return new ArchiveError(
    `${path} is not an archive that Exuvia reads (tar, tar.gz, tar.zst, zip): it starts with ${describeStart(start)}`,
  );
}

function notTarInside(path: string, packing: TarPacking, first: Buffer): ArchiveError {
  const found = first.length === 0 ? 'is nothing' : `starts with ${describeStart(first)}`;
  return new ArchiveError(
    `${path} is not an archive that Exuvia reads: it is a ${packing} file, but what is inside it ${found}, not a tar archive`,
  );
}
