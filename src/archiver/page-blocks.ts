/**
 * Blocks of a database, each with a digest of its own: of a block that has the digest of before, no unit has to be hashed. Eight
 * hashes of 4 KiB take three times as long as one of 32 KiB.
 */
import { hashTextOf } from '../codec/hash.ts';
import { asBuffer } from '../model/ids.ts';

const blockBytesMin = 32 * 1024;
/** Half a hash: two states that agree in it do not happen, and to make them takes 2^64 hashes. */
const digestBytes = 16;

export class PageBlocks {
  readonly blockBytes: number;
  /** Of all whole blocks that were looked at. */
  readonly digests: Buffer;
  #before: Buffer = Buffer.alloc(0);

  constructor(size: number, unitBytes: number) {
    this.blockBytes = Math.max(unitBytes, blockBytesMin);
    this.digests = Buffer.alloc(this.#countIn(size) * digestBytes);
  }

  /** Those of the version before, which had so many bytes. What cannot be theirs is not believed. */
  compareWith(digests: Uint8Array | undefined, size: number): void {
    if (digests?.length === this.#countIn(size) * digestBytes) this.#before = asBuffer(digests);
  }

  /** `no` is its number among whole blocks. */
  isAsBefore(block: Uint8Array, no: number): boolean {
    const digest = hashTextOf(block).slice(0, 2 * digestBytes);
    const at = no * digestBytes;
    this.digests.write(digest, at, digestBytes, 'hex');
    return this.#before.toString('hex', at, at + digestBytes) === digest;
  }

  #countIn(size: number): number {
    return Math.floor(size / this.blockBytes);
  }
}
