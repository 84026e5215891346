/**
 * Headers of a tar archive: ustar (POSIX.1-1988), and before it PAX records (POSIX.1-2001) where ustar cannot say something. Numbers
 * are octal digits, with zeros before and a space behind them.
 *
 *   0 – name (100)                  100 – mode (6 digits)           108 – user (6)          116 – group (6)
 * 124 – bytes of content (11)       136 – time in seconds (11)      148 – checksum (6)      156 – type: 0 file, 2 link, 5 folder, x PAX
 * 157 – target of a link (100)      257 – "ustar", 0, "00"          265 – names of user and group (32 each)
 * 329 – device, major (6)           337 – minor (6)                 345 – what comes before the name, without the slash (155)
 */
import { namePaxRecords, type TarName } from './write-names.ts';

export interface TarEntry {
  /** With slashes; a folder has none at its end. */
  readonly name: TarName;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** Bytes of content; 0 for what is not a file. */
  readonly size: number;
  readonly link?: TarName;
}

export const tarBlockBytes = 512;

const nsPerSecond = 1_000_000_000n;
/** tar can hold more, but programs are known that count in 32 bits; a PAX record says the true time. */
const headerSecondsMax = 2n ** 31n - 1n;
/** 8 GiB - 1: eleven octal digits. */
const headerBytesMax = 0o77777777777;
const nameBytesMax = 100;
const prefixBytesMax = 155;
const linkBytesMax = 100;
const checksumBytes = 8;
/** What stands in the header where PAX records tell the true names. */
const paxName = 'PaxHeader';
const typeFlags = { file: '0', symlink: '2', directory: '5', pax: 'x' } as const;

/** The fields that differ; owners are 0 and nameless. */
interface HeaderFields {
  readonly name: string;
  readonly prefix: string;
  readonly mode: number;
  readonly size: number;
  readonly seconds: number;
  readonly type: keyof typeof typeFlags;
  readonly link: string;
}

/** All that comes before the content of an entry. */
export function encodeTarHeaders(entry: TarEntry): Buffer {
  const { mtimeNs, mode, size, type } = entry;
  const path = entry.type === 'directory' ? `${entry.name.text || '.'}/` : entry.name.text;
  const link = entry.link?.text ?? '';
  const wholeSeconds = floorDivide(mtimeNs, nsPerSecond);
  const seconds = Number(clamp(wholeSeconds, 0n, headerSecondsMax));
  const split = splitPath(path, type === 'directory');
  const records = recordsOf(entry, wholeSeconds);
  if (records.length === 0 && split !== undefined && isPlain(link, linkBytesMax)) {
    const header = Buffer.alloc(tarBlockBytes);
    writeHeader(header, { ...split, mode, size, seconds, type, link });
    return header;
  }
  const named = [...(path === '' ? [] : [['path', path]]), ...(link === '' ? [] : [['linkpath', link]])];
  const pax = Buffer.from(
    [...named, ...records].map(([key = '', value = '']) => paxRecord(key, value)).join(''),
  );
  const headers = Buffer.alloc(2 * tarBlockBytes + toBlocks(pax.length));
  const standIn = { name: paxName, prefix: '', mode, seconds, link: link && paxName };
  writeHeader(headers, { ...standIn, type: 'pax', size: pax.length });
  headers.set(pax, tarBlockBytes);
  writeHeader(headers.subarray(-tarBlockBytes), { ...standIn, type, size });
  return headers;
}

/** Rounded up to whole blocks. */
export function toBlocks(bytes: number): number {
  return Math.ceil(bytes / tarBlockBytes) * tarBlockBytes;
}

/** What a header cannot say, names aside. */
function recordsOf(entry: TarEntry, wholeSeconds: bigint): [string, string][] {
  const { name, link, mtimeNs, size } = entry;
  const records = Object.entries(namePaxRecords(name, link));
  if (mtimeNs !== wholeSeconds * nsPerSecond || wholeSeconds < 0n || wholeSeconds > headerSecondsMax)
    records.push(['mtime', formatSeconds(mtimeNs)]);
  if (size > headerBytesMax) records.push(['size', String(size)]);
  return records;
}

function isPlain(text: string, bytesMax: number): boolean {
  return text.length <= bytesMax && Buffer.byteLength(text) === text.length;
}

/** As few leading parts as possible go before the name. Undefined where the path does not fit so, or is not ASCII. */
function splitPath(path: string, isFolder: boolean): Pick<HeaderFields, 'name' | 'prefix'> | undefined {
  if (Buffer.byteLength(path) !== path.length) return undefined;
  if (path.length <= nameBytesMax) return { name: path, prefix: '' };
  const slash = path.indexOf('/', path.length - nameBytesMax - 1);
  const isOnlyTheEnd = isFolder && slash === path.length - 1;
  if (slash < 0 || slash > prefixBytesMax || isOnlyTheEnd) return undefined;
  return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
}

/** `header` holds zeros; its first block is written. */
function writeHeader(header: Buffer, { name, prefix, mode, size, seconds, type, link }: HeaderFields): void {
  header.write(name, 0, 'latin1');
  header.write(`${octal(mode, 6)} \x00000000 \x00000000 `, 100, 'latin1');
  if (size <= headerBytesMax) header.write(`${octal(size, 11)} `, 124, 'latin1');
  else writeLargeSize(header, size);
  header.write(`${octal(seconds, 11)} ${' '.repeat(checksumBytes)}${typeFlags[type]}${link}`, 136, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write('000000 \x00000000 ', 329, 'latin1');
  header.write(prefix, 345, 'latin1');
  let sum = 0; // with spaces in its own place
  for (let at = 0; at < tarBlockBytes; at++) sum += header[at] ?? 0;
  header.write(`${octal(sum, 6)} \x00`, 148, 'latin1');
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** A bit that says so, then the number in base 256 (GNU); the PAX record says the same. */
function writeLargeSize(header: Buffer, size: number): void {
  header[124] = 0x80;
  header.writeBigUInt64BE(BigInt(size), 128);
}

/** `length key=value\n`, where the length counts its own digits too. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (String(length).length > String(bytes).length) length = bytes + String(length).length;
  return `${length}${rest}`;
}

/** Decimal seconds, as PAX wants them: no zeros at the end, the sign before the whole. */
function formatSeconds(ns: bigint): string {
  const absolute = ns < 0n ? -ns : ns;
  const fraction = String(absolute % nsPerSecond)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${ns < 0n ? '-' : ''}${absolute / nsPerSecond}${fraction === '' ? '' : `.${fraction}`}`;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient;
}

function clamp(value: bigint, least: bigint, most: bigint): bigint {
  return value < least ? least : value > most ? most : value;
}
