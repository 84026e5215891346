/** What a tar header says about its entry. Pure. */
import type { ByteString } from '../model/paths.ts';
import { refusedEntry } from './read-errors.ts';
import type { RawEntry } from './read-gate.ts';
import {
  type PaxRecords,
  parseBase64Name,
  parseDecimal,
  parsePaxTime,
  paxLinkPathKey,
  paxPathKey,
} from './read-pax.ts';
import type { TarHeader } from './read-tar-headers.ts';

const types: Readonly<Record<string, RawEntry['type']>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'special',
  '4': 'special',
  '5': 'directory',
  '6': 'special',
  '7': 'file', // contiguous: a hint about the disk
  V: 'special',
};

const specialNames: Readonly<Record<string, string>> = {
  '3': 'character device',
  '4': 'block device',
  '6': 'named pipe',
  V: 'volume label',
};

/** Types that are understood and not read. */
const refusals: Readonly<Record<string, string>> = {
  S: 'it is a sparse file',
  D: 'it belongs to an incremental GNU tar backup',
  M: 'it is the second part of a file in a multi-volume archive',
};
const refusalHints: Readonly<Record<string, string>> = {
  S: 'Make the archive again without --sparse.',
  D: 'Make the archive again without --listed-incremental.',
};

/** @throws ArchiveError for a type or record that is not read */
export function rawTarEntry(header: TarHeader, archive: string): RawEntry {
  const { block, pax } = header;
  const named = nameOf(header);
  const type = isSparse(pax) ? 'S' : block.type;
  const known = types[type];
  if (known === undefined) throw unreadableType(archive, named, type);
  const path = trueBytes(archive, named, pax, paxPathKey) ?? named;
  const isLink = known === 'symlink' || known === 'hardlink';
  return {
    path,
    // Tars from before ustar write folders as files whose names end in a slash.
    type: known === 'file' && path.endsWith('/') ? 'directory' : known,
    ...(specialNames[type] === undefined ? {} : { special: specialNames[type] }),
    mode: block.mode,
    mtimeNs: timeOf(archive, path, header),
    size: header.size,
    ...(isLink ? { linkTarget: targetOf(archive, path, header) } : {}),
    uid: ownerOf(pax.get('uid'), block.uid),
    gid: ownerOf(pax.get('gid'), block.gid),
  };
}

function nameOf({ block, pax, longName }: TarHeader): ByteString {
  return pax.get('path') ?? longName ?? block.name;
}

function targetOf(archive: string, path: ByteString, { block, pax, longLink }: TarHeader): ByteString {
  return trueBytes(archive, path, pax, paxLinkPathKey) ?? pax.get('linkpath') ?? longLink ?? block.link;
}

function isSparse(pax: PaxRecords): boolean {
  for (const key of pax.keys()) {
    if (key.startsWith('GNU.sparse.') || key === 'SCHILY.realsize') return true;
  }
  return false;
}

function unreadableType(archive: string, path: ByteString, type: string): Error {
  const reason = refusals[type] ?? `it has the type ${JSON.stringify(type)}, which Exuvia does not know`;
  return refusedEntry(archive, path, reason, refusalHints[type]);
}

function trueBytes(archive: string, path: ByteString, pax: PaxRecords, key: string): ByteString | undefined {
  const text = pax.get(key);
  if (text === undefined) return undefined;
  const bytes = parseBase64Name(text);
  if (bytes === undefined) throw refusedEntry(archive, path, `its ${key} record is not base64`);
  return bytes;
}

function timeOf(archive: string, path: ByteString, { block, pax }: TarHeader): bigint {
  const text = pax.get('mtime');
  const time = text === undefined ? secondsToNs(block.mtime) : parsePaxTime(text);
  if (time === undefined) throw refusedEntry(archive, path, 'its modification time is not a number');
  return time;
}

function secondsToNs(seconds: number | undefined): bigint | undefined {
  return seconds === undefined ? undefined : BigInt(seconds) * 1_000_000_000n;
}

function ownerOf(record: string | undefined, field: number | undefined): number | undefined {
  return record === undefined ? field : parseDecimal(record);
}
