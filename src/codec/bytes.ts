/**
 * Reading and writing the small binary records of the format: little-endian integers, LEB128 varints, counted bytes.
 * A reader checks every length against what is there, so a crafted record fails instead of reading past its end.
 */
import { DamageError, invariant } from '../model/errors.ts';
import { asBuffer, type BlobId, blobIdFromBytes, blobIdsFromBytes, idBytes } from '../model/ids.ts';
import type { ByteString } from '../model/paths.ts';

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#room(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  u16(value: number): this {
    this.#room(2);
    this.#length = this.#buffer.writeUInt16LE(value, this.#length);
    return this;
  }

  u32(value: number): this {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
    return this;
  }

  /** Unsigned LEB128, 0 to 2^53 - 1. */
  varint(value: number): this {
    invariant(Number.isSafeInteger(value) && value >= 0, 'a varint is a whole number that is not negative');
    this.#room(8);
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128))
      this.#buffer[this.#length++] = (rest % 128) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
    this.#buffer[this.#length++] = rest;
    return this;
  }

  /** Zigzag, then varint: small negative numbers stay short. */
  signedVarint(value: number): this {
    return this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  bytes(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  id(id: BlobId): this {
    this.#room(idBytes);
    this.#length += this.#buffer.write(id, this.#length, idBytes, 'hex');
    return this;
  }

  /** Varint of the length, then one byte a character. */
  byteString(text: string): this {
    this.varint(text.length);
    return this.rawByteString(text);
  }

  rawByteString(text: string): this {
    this.#room(text.length);
    this.#length += this.#buffer.write(text, this.#length, 'latin1');
    return this;
  }

  /** What was written, in memory of its own. */
  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  /** What was written, valid until the next write or reset. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  reset(): void {
    this.#length = 0;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

export class ByteReader {
  readonly #bytes: Buffer;
  readonly #place: string | (() => string);
  #at: number;

  /** `place` names the record in the error of a reader that runs out of bytes; a function where a name takes longer than to read the record. */
  constructor(bytes: Uint8Array, place: string | (() => string), start = 0) {
    this.#bytes = asBuffer(bytes);
    this.#place = place;
    this.#at = start;
  }

  get offset(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.error('ends 1 bytes too early');
    this.#at++;
    return byte;
  }

  u16(): number {
    this.#need(2);
    this.#at += 2;
    return this.#bytes.readUInt16LE(this.#at - 2);
  }

  u32(): number {
    this.#need(4);
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  varint(): number {
    const first = this.u8();
    return first < 0x80 ? first : this.#longVarint(first);
  }

  #longVarint(first: number): number {
    let value = first & 0x7f;
    let scale = 128;
    for (let count = 1; count < 8; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        if (byte === 0) break; // one number has one encoding
        return value;
      }
      scale *= 128;
    }
    throw this.error('a number is not encoded as it must be');
  }

  signedVarint(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view, not a copy. */
  bytes(count: number): Buffer {
    this.#need(count);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  id(): BlobId {
    this.#need(idBytes);
    this.#at += idBytes;
    return blobIdFromBytes(this.#bytes, this.#at - idBytes);
  }

  /** A fifth of the time that `id` takes for each. */
  ids(count: number): BlobId[] {
    this.#need(idBytes * count);
    this.#at += idBytes * count;
    return blobIdsFromBytes(this.#bytes, this.#at - idBytes * count, count);
  }

  byteString(bytesMax: number): ByteString {
    const count = this.varint();
    if (count > bytesMax) throw this.error(`a text of ${count} bytes, at most ${bytesMax} are allowed`);
    return this.rawByteString(count);
  }

  rawByteString(count: number): ByteString {
    this.#need(count);
    this.#at += count;
    return this.#bytes.toString('latin1', this.#at - count, this.#at) as ByteString;
  }

  /** @throws DamageError unless everything was read. */
  end(): void {
    if (this.remaining > 0) throw this.error(`${this.remaining} bytes too many`);
  }

  error(detail: string): DamageError {
    const place = typeof this.#place === 'string' ? this.#place : this.#place();
    return new DamageError(place, `${detail} (at byte ${this.#at})`);
  }

  #need(count: number): void {
    if (count > this.remaining) throw this.error(`ends ${count - this.remaining} bytes too early`);
  }
}
