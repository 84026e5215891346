/**
 * What is to be remembered of the files of a source and has not taken effect yet, as bytes: as objects, twenty thousand files take
 * 15 MB more, and so long that the collector moves them to where it looks seldom.
 */
import { ByteReader, ByteWriter } from '../codec/bytes.ts';
import { limits } from '../model/limits.ts';
import type { PathKey } from '../model/paths.ts';
import type { KnownFile } from '../model/store.ts';

const kindForget = 0;
const kindRemember = 1;

/** Where a row is among the bytes. */
export interface PendingKey {
  readonly key: PathKey;
  readonly at: number;
}

export class PendingRows {
  // 0 – kind (u8)   1 – key   … of a file to be remembered: fingerprint, node
  readonly #bytes = new ByteWriter(64 * 1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Without a file the key is to be forgotten. */
  add(key: PathKey, file: KnownFile | undefined): void {
    this.#bytes.u8(file === undefined ? kindForget : kindRemember).byteString(key);
    if (file !== undefined) writeFields(this.#bytes, file);
    this.#count++;
  }

  /** Each key once, in order. What was said last of it counts. */
  sortedKeys(): PendingKey[] {
    const input = new ByteReader(this.#bytes.view(), 'pending rows');
    const keys: PendingKey[] = [];
    let isInOrder = true;
    while (input.remaining > 0) {
      const at = input.offset;
      const isRemembered = input.u8() === kindRemember;
      const key = readKey(input);
      const before = keys.at(-1);
      if (before !== undefined && before.key >= key) isInOrder = false;
      keys.push({ key, at });
      if (isRemembered) skipFields(input);
    }
    return isInOrder ? keys : lastOfEach(keys); // a walk gives them in order
  }

  /** Undefined for one to be forgotten. A view, valid until the next row is added. */
  fileAt(at: number): KnownFile | undefined {
    const input = new ByteReader(this.#bytes.view(), 'pending rows', at);
    return input.u8() === kindRemember ? readRow(input) : undefined;
  }
}

function lastOfEach(keys: readonly PendingKey[]): PendingKey[] {
  const last = new Map(keys.map((one) => [one.key, one]));
  return [...last.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

export function writeRow(out: ByteWriter, file: KnownFile): void {
  out.byteString(file.key);
  writeFields(out, file);
}

export function readRow(input: ByteReader): KnownFile {
  const key = readKey(input);
  const fingerprint = input.bytes(input.varint());
  return { key, fingerprint, node: input.bytes(input.varint()) };
}

function writeFields(out: ByteWriter, { fingerprint, node }: KnownFile): void {
  out.varint(fingerprint.length).bytes(fingerprint).varint(node.length).bytes(node);
}

function skipFields(input: ByteReader): void {
  input.bytes(input.varint());
  input.bytes(input.varint());
}

function readKey(input: ByteReader): PathKey {
  return input.byteString(limits.keyBytesMax) as string as PathKey;
}
