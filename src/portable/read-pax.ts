/** PAX extended headers (POSIX.1-2001 pax, "pax Extended Header"): records of `<length> <key>=<value>\n`. Pure. */
import { asBuffer } from '../model/ids.ts';
import { type ByteString, byteStringFromBytes } from '../model/paths.ts';

/** Values are bytes: names that are not UTF-8 are written into them raw by GNU tar. */
export type PaxRecords = ReadonlyMap<string, ByteString>;

/** Our own records: the true bytes, in base64, of names that are not UTF-8. */
export const paxPathKey = 'EXUVIA.path';
export const paxLinkPathKey = 'EXUVIA.linkpath';

/** Records that decide what an entry is: said twice, two programs may understand different things. */
const decisiveKeys: ReadonlySet<string> = new Set(['path', 'linkpath', 'size', paxPathKey, paxLinkPathKey]);

const lineFeed = 0x0a;

/** The records, or a sentence about what is wrong with them. A record with an empty value is left out, as the standard says. */
export function parsePax(payload: Uint8Array): PaxRecords | string {
  const bytes = asBuffer(payload);
  const records = new Map<string, ByteString>();
  const seen = new Set<string>();
  for (let start = 0; start < bytes.length; ) {
    const record = parseRecord(bytes, start);
    if (typeof record === 'string') return record;
    if (decisiveKeys.has(record.key) && seen.has(record.key)) return `it says ${record.key} twice`;
    seen.add(record.key);
    if (record.value !== '') records.set(record.key, record.value);
    start = record.end;
  }
  return records;
}

interface PaxRecord {
  readonly key: string;
  readonly value: ByteString;
  readonly end: number;
}

function parseRecord(bytes: Buffer, start: number): PaxRecord | string {
  const digits = /^([1-9][0-9]{0,9}) /.exec(bytes.toString('latin1', start, start + 11));
  if (digits === null) return 'a record does not begin with its length';
  const end = start + Number(digits[1]);
  const keyStart = start + digits[0].length;
  const equals = bytes.indexOf(0x3d, keyStart);
  if (end > bytes.length) return 'a record is longer than the header';
  if (equals < 0 || equals === keyStart || equals > end - 2) return 'a record has no key and value';
  if (bytes[end - 1] !== lineFeed) return 'a record does not end where its length says';
  const key = bytes.toString('utf8', keyStart, equals);
  return { key, value: byteStringFromBytes(bytes.subarray(equals + 1, end - 1)), end };
}

/** Decimal digits as a number; undefined when it is anything else or too great to be exact. */
export function parseDecimal(text: string): number | undefined {
  if (!/^[0-9]{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Seconds with a fraction, also negative, as nanoseconds; digits beyond the ninth are dropped. Undefined when malformed. */
export function parsePaxTime(text: string): bigint | undefined {
  const match = /^(-?)([0-9]{1,12})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) return undefined;
  const nanoseconds = (match[3] ?? '').slice(0, 9).padEnd(9, '0');
  const value = BigInt(match[2] ?? '0') * 1_000_000_000n + BigInt(nanoseconds);
  return match[1] === '-' ? -value : value;
}

/** The bytes that base64 stands for; undefined unless it is written exactly as an encoder would. */
export function parseBase64Name(text: string): ByteString | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? byteStringFromBytes(bytes) : undefined;
}
