/**
 * What a pack's directory says, in memory that threads share. Whoever has nothing else to do takes the next frame of it and notes what it
 * has found: all of them end within a frame of each other, however much of its time each of them has.
 *
 *    0 – how many frames are done (i32)    4 – number of the frame that is taken next (i32)    8 – number of frames (u32)
 *   12 – of each frame: what was found (i32), offset, bytes, kind, number of blobs, number of its first blob (u32 each)
 *    … – of each blob: its length (u32)
 *    … – of each blob: its id (32 bytes)
 */
import { type FrameKind, frameKinds } from '../codec/frame.ts';
import type { PackKeys } from '../codec/keys.ts';
import type { ListedDirectory, ListedFrame } from '../codec/pack.ts';
import { invariant } from '../model/errors.ts';
import { idBytes } from '../model/ids.ts';

/** What goes to a thread. */
export interface SharedPackParts {
  readonly path: string;
  /** What opens the pack, where the repository is encrypted. */
  readonly keys?: PackKeys;
  readonly memory: SharedArrayBuffer;
}

export type FrameState = 'open' | 'sound' | 'unproven';
const states: readonly FrameState[] = ['open', 'sound', 'unproven'];

export interface FrameToProve {
  readonly number: number;
  readonly offset: number;
  readonly bytes: number;
  readonly kind: FrameKind;
  readonly blobs: number;
  /** Number of the first of them in the pack. */
  readonly firstBlob: number;
}

const doneAt = 0;
const nextAt = 1;
const framesAt = 2;
const headerFields = 3;
const frameFields = 6;
const kinds = Object.keys(frameKinds) as FrameKind[];

export class SharedPack {
  readonly parts: SharedPackParts;
  readonly #counts: Int32Array;
  readonly #fields: Uint32Array;
  /** 32 bytes for each blob. */
  readonly ids: Buffer;
  readonly #lengthsAt: number;

  constructor(parts: SharedPackParts) {
    this.parts = parts;
    this.#counts = new Int32Array(parts.memory);
    this.#fields = new Uint32Array(parts.memory);
    this.#lengthsAt = headerFields + frameFields * this.frames;
    this.ids = Buffer.from(
      parts.memory,
      parts.memory.byteLength - idBytes * blobsIn(parts.memory, this.frames),
    );
  }

  get frames(): number {
    return this.#fields[framesAt] ?? 0;
  }

  /** Raised, and whoever waits for it woken, with each frame that is done. */
  get doneCount(): Int32Array {
    return this.#counts.subarray(doneAt, doneAt + 1);
  }

  get isTaken(): boolean {
    return Atomics.load(this.#counts, nextAt) >= this.frames;
  }

  /** A frame that nobody else gets. Undefined where all are taken. Whoever gets it must note what it finds. */
  take(): FrameToProve | undefined {
    if (this.isTaken) return undefined;
    const number = Atomics.add(this.#counts, nextAt, 1);
    return number < this.frames ? this.#frame(number) : undefined;
  }

  note(number: number, state: Exclude<FrameState, 'open'>): void {
    Atomics.store(this.#counts, headerFields + frameFields * number, states.indexOf(state));
    Atomics.add(this.#counts, doneAt, 1);
    Atomics.notify(this.#counts, doneAt);
  }

  stateOf(number: number): FrameState {
    return states[Atomics.load(this.#counts, headerFields + frameFields * number)] ?? 'open';
  }

  /** Of a blob, by its number in the pack. */
  lengthOf(blob: number): number | undefined {
    return this.#fields[this.#lengthsAt + blob];
  }

  #frame(number: number): FrameToProve {
    const at = headerFields + frameFields * number;
    const [, offset = 0, bytes = 0, kind = 0, blobs = 0, firstBlob = 0] = this.#fields.subarray(
      at,
      at + frameFields,
    );
    const name = kinds[kind];
    invariant(name !== undefined, 'a kind of frame has a name');
    return { number, offset, bytes, kind: name, blobs, firstBlob };
  }
}

function blobsIn(memory: SharedArrayBuffer, frames: number): number {
  return (memory.byteLength - 4 * (headerFields + frameFields * frames)) / (4 + idBytes);
}

export function blobCountOf({ frames }: Pick<ListedDirectory, 'frames'>): number {
  return frames.reduce((sum, { lengths }) => sum + lengths.length, 0);
}

/** The same directory in memory that can be shared. */
export function sharedDirectory({ frames }: Pick<ListedDirectory, 'frames'>): SharedArrayBuffer {
  const blobs = blobCountOf({ frames });
  const lengthsAt = headerFields + frameFields * frames.length;
  const idsAt = 4 * (lengthsAt + blobs);
  const memory = new SharedArrayBuffer(idsAt + idBytes * blobs);
  const fields = new Uint32Array(memory);
  const ids = Buffer.from(memory, idsAt);
  fields[framesAt] = frames.length;
  let blobNumber = 0;
  for (const [number, frame] of frames.entries()) {
    fields.set(fieldsOf(frame, blobNumber), headerFields + frameFields * number);
    fields.set(frame.lengths, lengthsAt + blobNumber);
    ids.set(frame.ids, idBytes * blobNumber);
    blobNumber += frame.lengths.length;
  }
  return memory;
}

function fieldsOf({ offset, bytes, kind, lengths }: ListedFrame, firstBlob: number): readonly number[] {
  return [states.indexOf('open'), offset, bytes, kinds.indexOf(kind), lengths.length, firstBlob];
}
