/** A task of a thread: frames are decoded, and the files that are made of their blobs put in place, each blob proven by its id. */
import type { DecodedFrame } from '../codec/frame.ts';
import { blobNamer } from '../codec/hash.ts';
import { giveBack } from '../codec/memory.ts';
import { provenPieces } from '../codec/proven-pieces.ts';
import { placeFile } from '../io/placed-file.ts';
import { DamageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { gathered, zeroPieces } from '../model/pieces.ts';
import type { DecodeTask, FileTask, StoredFile, StoredPiece } from './frame-threads.ts';
import { numbersOfFailed } from './task-steps.ts';

/** Files follow one another as their blobs do: a file needs the frame that the one before it needed, or the next. */
const framesKept = 4;

/** Numbers of the files that could not be put in place. `goesOn` is asked before each. */
export function placeFiles(
  task: FileTask,
  decode: (frame: DecodeTask) => DecodedFrame,
  goesOn: () => boolean,
): number[] {
  const blobs = new TaskBlobs(task, decode);
  const failed = numbersOfFailed(task.files, goesOn, (file) => {
    placeFile(file.place, provenPieces(gathered(piecesOf(file, blobs), file.size), file));
    return true;
  });
  blobs.clear();
  return failed;
}

function* piecesOf({ content }: StoredFile, blobs: TaskBlobs): Generator<Uint8Array> {
  if (content instanceof Uint8Array) {
    if (content.length > 0) yield content;
    return;
  }
  let run: { readonly frame: number; readonly bytes: Uint8Array } | undefined;
  for (const piece of content) {
    // First: the next frame may be kept instead of the one that the run is in.
    if (run !== undefined && run.frame !== piece.frame) {
      yield run.bytes;
      run = undefined;
    }
    if (piece.frame === undefined) {
      yield* zeroPieces(piece.bytes);
      continue;
    }
    const blob = blobs.read(piece);
    const longer = run && joined(run.bytes, blob);
    if (run !== undefined && longer === undefined) yield run.bytes;
    run = { frame: piece.frame, bytes: longer ?? blob };
  }
  if (run !== undefined) yield run.bytes;
}

/** Both as one, where they lie side by side in memory. */
function joined(run: Uint8Array, next: Uint8Array): Uint8Array | undefined {
  if (run.buffer !== next.buffer || run.byteOffset + run.length !== next.byteOffset) return undefined;
  return new Uint8Array(run.buffer, run.byteOffset, run.length + next.length);
}

class TaskBlobs {
  readonly #task: FileTask;
  readonly #decode: (frame: DecodeTask) => DecodedFrame;
  readonly #idOf: (bytes: Uint8Array) => BlobId;
  /** Those that were used last, the oldest first. */
  readonly #frames = new Map<number, DecodedFrame>();

  constructor(task: FileTask, decode: (frame: DecodeTask) => DecodedFrame) {
    this.#task = task;
    this.#decode = decode;
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
    const frame = this.#decode(task);
    for (const oldest of this.#frames.keys()) {
      if (this.#frames.size < framesKept) break;
      this.#drop(oldest);
    }
    this.#frames.set(number, frame);
    return frame;
  }

  #drop(number: number): void {
    const [first] = this.#frames.get(number)?.blobs ?? [];
    if (first !== undefined) giveBack(first);
    this.#frames.delete(number);
  }
}
