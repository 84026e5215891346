/**
 * Files on their way to a thread: a few strings and arrays of numbers instead of some ten objects for each, which to copy takes as long as
 * a fifth of what the thread does with them.
 */
import { invariant } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import type { ByteString } from '../model/paths.ts';
import type { FileAttributes } from '../model/store.ts';
import type { StoredFile, StoredPiece } from './frame-threads.ts';

/** One after another, in the order of the files; what is of a file comes in the order in which `packFile` has it. */
export interface PackedFiles {
  readonly count: number;
  /** Paths, and a zero byte behind each, which none can hold. */
  readonly paths: string;
  readonly numbers: Float64Array;
  /** 64 digits each. */
  readonly ids: string;
  readonly bytes: Uint8Array;
}

const idDigits = 64;
/** In the place of a number that there is none of. */
const none = -1;

interface Lists {
  readonly paths: string[];
  readonly numbers: number[];
  readonly ids: string[];
  readonly bytes: Uint8Array[];
}

export function packFiles(files: readonly StoredFile[]): PackedFiles {
  const lists: Lists = { paths: [], numbers: [], ids: [], bytes: [] };
  for (const file of files) packFile(file, lists);
  return {
    count: files.length,
    paths: lists.paths.join('\0'),
    numbers: Float64Array.from(lists.numbers),
    ids: lists.ids.join(''),
    bytes: Buffer.concat(lists.bytes),
  };
}

function packFile({ place, size, hash, content }: StoredFile, { paths, numbers, ids, bytes }: Lists): void {
  const { mode, mtime, owner } = place.attributes;
  paths.push(place.path, place.temporary, ...place.obsolete);
  numbers.push(place.obsolete.length, mode, mtime, owner?.uid ?? none, owner?.gid ?? none, size);
  numbers.push(hash === undefined ? 0 : 1);
  if (hash !== undefined) ids.push(hash);
  if (content instanceof Uint8Array) {
    numbers.push(none);
    bytes.push(content);
    return;
  }
  numbers.push(content.length);
  for (const piece of content) {
    if (piece.frame === undefined) numbers.push(none, piece.bytes);
    else {
      numbers.push(piece.frame, piece.bytes, piece.position);
      ids.push(piece.id);
    }
  }
}

/** The same files again. */
export function unpackFiles({ count, paths, numbers, ids, bytes }: PackedFiles): StoredFile[] {
  const texts = paths.split('\0') as ByteString[];
  let [textAt, numberAt, idAt, byteAt] = [0, 0, 0, 0];
  const text = (): ByteString => texts[textAt++] ?? ('' as ByteString);
  const number = (): number => numbers[numberAt++] ?? none;
  const id = (): BlobId => {
    idAt += idDigits;
    return ids.slice(idAt - idDigits, idAt) as BlobId;
  };
  const inline = (length: number): Uint8Array => {
    byteAt += length;
    return bytes.subarray(byteAt - length, byteAt);
  };

  const attributes = (): FileAttributes => {
    const [mode, mtime, uid, gid] = [number(), number(), number(), number()];
    return uid === none ? { mode, mtime } : { mode, mtime, owner: { uid, gid } };
  };
  const piece = (): StoredPiece => {
    const [frame, length] = [number(), number()];
    return frame === none ? { bytes: length } : { frame, bytes: length, position: number(), id: id() };
  };
  const file = (): StoredFile => {
    const [path, temporary] = [text(), text()];
    const obsolete = listOf(number(), text);
    const place = { path, temporary, obsolete, attributes: attributes() };
    const size = number();
    const hash = number() === 0 ? undefined : id();
    const pieces = number();
    return { place, size, hash, content: pieces === none ? inline(size) : listOf(pieces, piece) };
  };
  const files = listOf(count, file);
  invariant(numberAt === numbers.length && idAt === ids.length, 'what was packed is unpacked');
  return files;
}

function listOf<T>(count: number, next: () => T): T[] {
  const list: T[] = [];
  while (list.length < count) list.push(next());
  return list;
}
