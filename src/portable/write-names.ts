/**
 * Names in a tar archive. What is UTF-8 is written as it is. Other names get a readable stand-in in ASCII that every tool can
 * unpack, and their true bytes in a PAX record of ours, which other tools pass over.
 */
import { createHash } from 'node:crypto';
import { type ByteString, byteStringToBytes, isUtf8, textOf } from '../model/paths.ts';
import { paxLinkPathKey, paxPathKey } from './read-pax.ts';

export interface TarName {
  /** What goes into the header. */
  readonly text: string;
  /** The true bytes in base64, only where they are not what `text` says. */
  readonly trueBytes?: string;
}

export function tarNameOf(path: ByteString): TarName {
  if (isUtf8(path)) return { text: textOf(path) };
  const text = path
    .split('/')
    .map((part) => (isUtf8(part as ByteString) ? textOf(part as ByteString) : standIn(part)));
  return { text: text.join('/'), trueBytes: byteStringToBytes(path).toString('base64') };
}

const standInCharsMax = 200;

/** `caf\xe9.txt` becomes `caf_.txt~1b2c3d4e5f60`: two different names never get the same. */
function standIn(name: string): string {
  const readable = name.replaceAll(/[^ -~]/g, '_').slice(0, standInCharsMax);
  const hash = createHash('sha256').update(Buffer.from(name, 'latin1')).digest('hex');
  return `${readable}~${hash.slice(0, 12)}`;
}

/** The PAX records for names that the header cannot hold truly. */
export function namePaxRecords(path: TarName, link: TarName | undefined): Record<string, string> {
  return {
    ...(path.trueBytes === undefined ? {} : { [paxPathKey]: path.trueBytes }),
    ...(link?.trueBytes === undefined ? {} : { [paxLinkPathKey]: link.trueBytes }),
  };
}
