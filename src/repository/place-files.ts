/** A task of a thread: frames are decoded, and the files that are made of their blobs put in place, each blob proven by its id. */
import type { DecodedFrame } from '../codec/frame.ts';
import { blobNamer } from '../codec/hash.ts';
import { provenPieces } from '../codec/proven-pieces.ts';
import { placeFile } from '../io/placed-file.ts';
import { DamageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { gathered, zeroPieces } from '../model/pieces.ts';
import type { FilesOfFrames, StoredFile, StoredPiece } from './frame-threads.ts';
import type { TaskFrames } from './task-frames.ts';
import { numbersOfFailed } from './task-steps.ts';

/** Files follow one another as their blobs do: a file needs the frame that the one before it needed, or the next. */
const framesKept = 4;

type DecodingFrames = Pick<TaskFrames, 'decode' | 'release'>;

/** Numbers of the files that could not be put in place. `goesOn` is asked before each. */
export function placeFiles(task: FilesOfFrames, taskFrames: DecodingFrames, goesOn: () => boolean): number[] {
  const blobs = new TaskBlobs(task, taskFrames);
  const failed = numbersOfFailed(task.files, goesOn, (file) => {
    placeFile(file.place, bytesOf(file, blobs) ?? piecesOf(file, blobs));
    return true;
  });
  blobs.clear();
  return failed;
}

/** Of a file in one piece, as most are: in a restore of 30,000 files a generator for each takes a tenth of all. */
function bytesOf({ content, size, hash }: StoredFile, blobs: TaskBlobs): readonly Uint8Array[] | undefined {
  if (content instanceof Uint8Array) return content.length === 0 ? [] : [content];
  const [piece] = content;
  if (hash !== undefined || content.length !== 1 || piece?.frame === undefined || piece.bytes !== size)
    return undefined;
  return [blobs.read(piece)];
}

function piecesOf(file: StoredFile, blobs: TaskBlobs): Iterable<Uint8Array> {
  const { content, size } = file;
  const pieces = content instanceof Uint8Array ? [content] : runsOf(content, blobs);
  return provenPieces(gathered(pieces, size), file);
}

/** Blobs that lie side by side in memory come as one. */
function* runsOf(pieces: readonly StoredPiece[], blobs: TaskBlobs): Generator<Uint8Array> {
  let frame: number | undefined;
  let first: Uint8Array | undefined;
  let bytes = 0;
  for (const piece of pieces) {
    // First: the next frame may be kept instead of the one that the run is in.
    if (first !== undefined && frame !== piece.frame) {
      yield new Uint8Array(first.buffer, first.byteOffset, bytes);
      first = undefined;
    }
    frame = piece.frame;
    if (piece.frame === undefined) {
      yield* zeroPieces(piece.bytes);
      continue;
    }
    const blob = blobs.read(piece);
    if (first?.buffer === blob.buffer && first.byteOffset + bytes === blob.byteOffset) bytes += blob.length;
    else {
      if (first !== undefined) yield new Uint8Array(first.buffer, first.byteOffset, bytes);
      first = blob;
      bytes = blob.length;
    }
  }
  if (first !== undefined) yield new Uint8Array(first.buffer, first.byteOffset, bytes);
}

class TaskBlobs {
  readonly #task: FilesOfFrames;
  readonly #taskFrames: DecodingFrames;
  readonly #idOf: (bytes: Uint8Array) => BlobId;
  /** Those that were used last, the oldest first. */
  readonly #frames = new Map<number, DecodedFrame>();

  constructor(task: FilesOfFrames, taskFrames: DecodingFrames) {
    this.#task = task;
    this.#taskFrames = taskFrames;
    this.#idOf = blobNamer(task.idKey);
  }

  /** Valid until as many other frames were asked for as are kept. @throws DamageError */
  read({ frame, position, bytes, id }: StoredPiece & { readonly frame: number }): Uint8Array {
    const blob = this.#frame(frame).blobs[position];
    if (blob?.length !== bytes || this.#idOf(blob) !== id)
      throw new DamageError(`blob ${id.slice(0, 12)}`, 'its bytes are not what was stored');
    return blob;
  }

  clear(): void {
    for (const number of this.#frames.keys()) this.#drop(number);
  }

  #frame(number: number): DecodedFrame {
    const known = this.#frames.get(number);
    if (known !== undefined) {
      this.#frames.delete(number);
      this.#frames.set(number, known);
      return known;
    }
    const task = this.#task.frames[number];
    if (task === undefined) throw new DamageError('frame', 'is not among those of the task');
    const frame = this.#taskFrames.decode(task);
    for (const oldest of this.#frames.keys()) {
      if (this.#frames.size < framesKept) break;
      this.#drop(oldest);
    }
    this.#frames.set(number, frame);
    return frame;
  }

  #drop(number: number): void {
    const frame = this.#frames.get(number);
    if (frame !== undefined) this.#taskFrames.release(frame);
    this.#frames.delete(number);
  }
}
