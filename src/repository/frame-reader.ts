/**
 * Reads frames, and keeps the last ones. Whoever reads much says what comes next: then threads read, open, decode and prove frames
 * ahead. An answer that is no frame is asked for again here, where what is wrong with it is told.
 */
import { type BlobId, blobIdFromBytes, idBytes, type PackId } from '../model/ids.ts';
import type { Meanwhile } from '../model/store.ts';
import { FrameCache } from './frame-cache.ts';
import { type CheckedFrame, type DecodeTask, FrameThreads, threadsWorthStarting } from './frame-threads.ts';
import { packPath, type RepositoryLayout } from './layout.ts';
import { packKeysOf, readFrame } from './pack-files.ts';
import { blobIdIn } from './pack-keys.ts';

export interface FramePlace {
  readonly pack: PackId;
  readonly offset: number;
  readonly bytes: number;
  /** Its place among the frames of the pack, where the caller knows it and wants it to be that one. */
  readonly number?: number;
}

/** Starting threads costs more than they save before so much has been read. */
export const threadsFromBytes = 16 * 1024 * 1024;
/** Where so much is going to be read they start before anything is. */
const threadsAtOnceFromBytes = 64 * 1024 * 1024;
const expectedMax = 512;
/** Frames that threads have before them, all together, where whoever reads does something else in between; a thread has two at least. */
const tasksMeanwhile = 6;

export class FrameReader {
  readonly #layout: RepositoryLayout;
  readonly #cache = new FrameCache();
  #threads: FrameThreads<'decode'> | undefined;
  /** Frames to be read next, in order, by name. */
  readonly #expected = new Map<string, FramePlace>();
  /** Names of those that threads have, in the order of their answers. */
  readonly #reading: string[] = [];
  #readBytes = 0;
  #meanwhile: Meanwhile | undefined;
  /** No thread is worth its while here. */
  #isAlone = false;
  /** When threads have so many frames before them, or fewer, they get others. */
  #refillAt = Number.POSITIVE_INFINITY;

  constructor(layout: RepositoryLayout) {
    this.#layout = layout;
  }

  /** @throws DamageError */
  read(place: FramePlace): CheckedFrame {
    const name = nameOf(place);
    const cached = this.#cache.get(name) ?? this.#awaited(name);
    if (cached !== undefined) return cached;
    const frame: CheckedFrame = readFrame(this.#layout, place.pack, place);
    this.#keep(name, frame);
    return frame;
  }

  /** Whether the blob at `position` has this id. */
  isBlob(frame: CheckedFrame, position: number, id: BlobId): boolean {
    const blob = frame.blobs[position];
    if (blob === undefined) return false;
    const { keyring } = this.#layout;
    if (frame.hashes === undefined) return blobIdIn(keyring, blob) === id;
    const hash = frame.hashes.subarray(idBytes * position, idBytes * (position + 1));
    return (keyring?.keys.blobIdOfHash(hash) ?? blobIdFromBytes(hash)) === id;
  }

  /** Says which frames are read next. Promises nothing. */
  expect(places: Iterable<FramePlace>): void {
    if (this.#readBytes >= threadsFromBytes) this.#startThreads();
    if (this.#threads === undefined) return;
    for (const place of places) {
      const name = nameOf(place);
      if (this.#expected.size < expectedMax && !this.#isKnown(name)) this.#expected.set(name, place);
    }
    this.#submit();
  }

  /** Threads start at once where it is much. There is one less where what is read goes to other threads. */
  expectBytes(bytes: number, meanwhile: Meanwhile | undefined): void {
    this.#meanwhile = meanwhile;
    if (bytes >= threadsAtOnceFromBytes) this.#startThreads();
  }

  /** Contents are used before others are asked for, here and until this is closed: their memory can be used again. */
  useOnce(): void {
    this.#cache.areContentsDone = true;
  }

  clear(): void {
    this.#expected.clear();
    this.#cache.clear();
  }

  async close(): Promise<void> {
    await this.#threads?.end();
  }

  #isKnown(name: string): boolean {
    return this.#cache.has(name) || this.#reading.includes(name);
  }

  /** A frame that threads have: waits for it. Undefined where they have not, or could not read it. */
  #awaited(name: string): CheckedFrame | undefined {
    this.#submitWhatFollows(name);
    while (this.#reading.includes(name)) {
      this.#submit();
      this.#collect();
      const frame = this.#cache.get(name);
      if (frame !== undefined) return frame;
    }
    return undefined;
  }

  #startThreads(): void {
    if (this.#isAlone || this.#threads !== undefined) return;
    const isBusy = this.#meanwhile !== undefined;
    const count = threadsWorthStarting({ besides: isBusy ? 2 : 1 });
    this.#isAlone = count === 0;
    if (this.#isAlone) return;
    const tasksAhead = Math.max(2, Math.ceil(tasksMeanwhile / count));
    this.#threads = new FrameThreads(count, isBusy ? { tasksAhead } : {});
    if (isBusy) this.#refillAt = (tasksAhead * count) / 2;
  }

  /**
   * A frame that no thread has yet is read here, beside those that follow. What was expected before it comes later: of a large file not all is
   * said before it is read.
   */
  #submitWhatFollows(name: string): void {
    if (!this.#expected.has(name)) return;
    for (const [other, place] of this.#expected) {
      this.#expected.delete(other);
      if (other === name) break;
      this.#expected.set(other, place);
    }
    while (this.#threads?.isOldestReady === true) this.#collect();
    this.#submit();
  }

  /** Some at once: to wake a thread that sleeps takes up to half a millisecond where cores are those of a virtual machine. */
  #submit(): void {
    if (this.#reading.length > this.#refillAt) return;
    for (const [name, place] of this.#expected) {
      if (this.#threads?.areReady !== true || this.#threads.isFull) return;
      this.#expected.delete(name);
      const task = decodeTaskOf(this.#layout, place);
      if (task === undefined) continue;
      this.#threads.submit(task);
      this.#reading.push(name);
    }
  }

  #collect(): void {
    while (this.#threads?.isOldestReady === false && this.#meanwhile?.() === true);
    const name = this.#reading.shift();
    const answer = name === undefined ? undefined : this.#threads?.collect();
    if (name !== undefined && answer !== undefined && 'blobs' in answer) this.#keep(name, answer);
  }

  #keep(name: string, frame: CheckedFrame): void {
    this.#readBytes += this.#cache.set(name, frame);
  }
}

export function nameOf({ pack, offset }: FramePlace): string {
  return `${pack}:${offset}`;
}

/** Undefined where what opens the pack cannot be read. */
export function decodeTaskOf(
  layout: RepositoryLayout,
  { pack, offset, bytes, number }: FramePlace,
): DecodeTask | undefined {
  const path = packPath(layout, pack);
  if (layout.keyring === undefined) return { do: 'decode', path, offset, bytes };
  const keys = packKeysOf(layout, pack);
  return keys && { do: 'decode', path, offset, bytes, ...(number === undefined ? {} : { number }), keys };
}
