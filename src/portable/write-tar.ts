/**
 * A tar archive in the POSIX format (ustar, with PAX records where ustar cannot say it), on tar-stream. Owners are 0 and
 * nameless; everything else is what the caller gives.
 */
import { once } from 'node:events';
import { type Header, type Pack, pack } from 'tar-stream';
import { DamageError } from '../model/errors.ts';
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

type PaxHeader = Partial<Header> & Pick<Header, 'name'>;

const nsPerSecond = 1_000_000_000n;
const headerSecondsMax = 2n ** 31n - 1n; // tar-stream computes header times in 32 bits
const headerBytesMax = 0o77777777777; // 8 GiB - 1: eleven octal digits
const headerNameBytesMax = 100;
/** Above the bits that are written: tar-stream takes a mode of 0 for no mode, and would write 0644. */
const modeGiven = 0o100000;

export class TarWriter {
  readonly #pack: Pack = pack();
  readonly #pace: () => Promise<void> | undefined;
  readonly #ended: Promise<void>;
  /** What `write` threw: tar-stream would tell the next caller only that it was destroyed. */
  #failure: { readonly error: unknown } | undefined;

  /**
   * `write` gets the bytes of the archive, in order. `pace` is called after each piece of content and each entry; the writer waits
   * for what it returns, so that memory stays bounded.
   */
  constructor(write: (bytes: Uint8Array) => void, pace: () => Promise<void> | undefined) {
    this.#pace = pace;
    this.#ended = new Promise((resolve, reject) => {
      this.#pack.on('end', resolve);
      this.#pack.on('error', reject);
    });
    this.#ended.catch(() => {}); // whoever waits for an entry or the end is told
    this.#pack.on('data', (bytes) => {
      try {
        write(bytes as Uint8Array);
      } catch (error) {
        this.#failure ??= { error };
        this.#pack.destroy(error as Error);
      }
    });
  }

  /** Adds one entry; `content` gives exactly `size` bytes, in pieces that are valid until the next is asked for. */
  async add(entry: TarEntry, content: Iterable<Uint8Array> = []): Promise<void> {
    try {
      await this.#add(entry, content);
    } catch (error) {
      this.#pack.destroy(null);
      throw this.#failure === undefined ? error : this.#failure.error;
    }
    await this.#pace();
  }

  /** Writes the end of the archive. */
  async finish(): Promise<void> {
    this.#pack.finalize();
    await this.#ended;
  }

  async #add(entry: TarEntry, content: Iterable<Uint8Array>): Promise<void> {
    const { promise: written, resolve, reject } = Promise.withResolvers<void>();
    written.catch(() => {});
    const sink = this.#pack.entry(headersOf(entry), (error) => (error ? reject(error) : resolve()));
    sink.on('error', reject);
    if (entry.type === 'file') {
      let given = 0;
      for (const piece of content) {
        given += piece.length;
        if (given > entry.size) break;
        if (!sink.write(Buffer.from(piece))) await Promise.race([once(sink, 'drain'), written]);
        await this.#pace();
      }
      if (given !== entry.size) throw wrongSize(entry, given);
      sink.end(null);
    }
    await written;
  }
}

function wrongSize(entry: TarEntry, given: number): DamageError {
  const found = given > entry.size ? 'more' : String(given);
  return new DamageError(`file ${entry.name.text}`, `it has ${found} bytes, want ${entry.size}`);
}

function headersOf(entry: TarEntry): PaxHeader {
  const { name, link } = entry;
  const seconds = floorDivide(entry.mtimeNs, nsPerSecond);
  const headers: PaxHeader = {
    name: entry.type === 'directory' ? `${name.text || '.'}/` : name.text,
    type: entry.type,
    mode: entry.mode | modeGiven,
    size: entry.size,
    mtime: new Date(Number(clamp(seconds, 0n, headerSecondsMax)) * 1000),
    ...(link === undefined ? {} : { linkname: link.text }),
  };
  const pax = namePaxRecords(name, link);
  if (entry.mtimeNs !== seconds * nsPerSecond || seconds < 0n || seconds > headerSecondsMax) {
    pax['mtime'] = formatSeconds(entry.mtimeNs);
  }
  if (entry.size > headerBytesMax) pax['size'] = String(entry.size);
  if (Object.keys(pax).length > 0 || needsPaxName(headers)) headers.pax = pax;
  return headers;
}

/** tar-stream sees for itself that a path is too long; not that a folder's last part is, or that a link target is not ASCII. */
function needsPaxName({ name, type, linkname }: PaxHeader): boolean {
  const lastPartBytes = name.length - name.lastIndexOf('/', name.length - 2) - 1;
  if (type === 'directory' && lastPartBytes > headerNameBytesMax) return true;
  return typeof linkname === 'string' && Buffer.byteLength(linkname) !== linkname.length;
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
