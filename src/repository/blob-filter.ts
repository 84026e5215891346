/**
 * Tells quickly that a blob is not in the index: a bit for each beginning of an id, set when any blob has it. A first backup
 * asks for a hundred thousand blobs that are not there, and SQLite takes 5 us for each. Of ten million blobs it tells 93 % of
 * those that are not there.
 */
import { asBuffer, type BlobId } from '../model/ids.ts';

/** 16 MB, of which only pages that are touched take memory. */
const prefixBits = 27;
const prefixDigits = Math.ceil(prefixBits / 4);

export class BlobFilter {
  readonly #bits = new Uint8Array(2 ** (prefixBits - 3));

  add(id: BlobId): void {
    this.#set(prefixOf(id));
  }

  addBytes(id: Uint8Array): void {
    this.#set(asBuffer(id).readUInt32BE(0) >>> (32 - prefixBits));
  }

  /** False only for what was never added. */
  mayHold(id: BlobId): boolean {
    const prefix = prefixOf(id);
    return ((this.#bits[prefix >>> 3] ?? 0) & (1 << (prefix & 7))) !== 0;
  }

  #set(prefix: number): void {
    this.#bits[prefix >>> 3] = (this.#bits[prefix >>> 3] ?? 0) | (1 << (prefix & 7));
  }
}

function prefixOf(id: BlobId): number {
  let prefix = 0;
  for (let digit = 0; digit < prefixDigits; digit++) {
    const code = id.charCodeAt(digit);
    prefix = (prefix << 4) | ((code & 15) + (code >> 6) * 9); // the letters begin at 0x61
  }
  return prefix >>> (4 * prefixDigits - prefixBits);
}
