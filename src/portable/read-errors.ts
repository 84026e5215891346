/** The sentences for archives that cannot be used. */
import { ArchiveError } from '../model/errors.ts';
import type { ByteString } from '../model/paths.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import { displayName } from './entry-rules.ts';

export function cutShort(archive: string, detail: string, cause?: unknown): ArchiveError {
  return new ArchiveError(`${archive} is cut short: ${detail}`, {
    hint: 'Copy or download the archive again; what it held beyond this point is not in this file.',
    cause,
  });
}

export function damaged(archive: string, detail: string, cause?: unknown): ArchiveError {
  return new ArchiveError(`${archive} is damaged: ${detail}`, {
    hint: 'Copy or download the archive again, or use another one.',
    cause,
  });
}

export function refusedEntry(
  archive: string,
  entry: ByteString,
  reason: string,
  hint?: string,
): ArchiveError {
  return new ArchiveError(
    `Cannot read archive ${archive}: entry ${displayName(entry)} is refused: ${reason}`,
    hint === undefined ? {} : { hint },
  );
}

export function overLimit(
  archive: string,
  detail: string,
  limit: keyof ArchiveLimits,
  value: number,
): ArchiveError {
  return new ArchiveError(`Cannot read archive ${archive}: ${detail} (limit ${limit}: ${value})`, {
    hint: `If you trust this archive, raise the limit ${limit}.`,
  });
}
