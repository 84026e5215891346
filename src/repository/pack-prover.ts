/**
 * Proves packs in threads, beside whatever else is done meanwhile. A thread is told what the directory says and answers what is not so;
 * no byte comes back. What it could not prove is looked at again here, where what is wrong with it is told.
 */
import type { PackDirectory } from '../codec/pack.ts';
import type { PackId } from '../model/ids.ts';
import { decodeTaskOf, type FrameReader, threadsFromBytes } from './frame-reader.ts';
import { FrameThreads, type FrameToProve, type ProveTask, threadsWorthStarting } from './frame-threads.ts';
import type { RepositoryLayout } from './layout.ts';
import { type Verified, verifyFrame, verifyFrames, verifyPadding } from './verify-pack.ts';

/** Packs that a thread has before it: it is busy while whoever asks does something else, mostly at up to 200 KB each. */
const packsAhead = 24;
/** In all of those: some 70 bytes each, twice until a thread comes to them. */
const blobsAheadMax = 250_000;
/** Of one pack. A thread's heap is bounded, and it dies of 900,000, as a pack of tiny files may have: such a pack is not given to it. */
const packBlobsMax = 100_000;

interface RunningPack {
  readonly id: PackId;
  readonly blobs: number;
}

export class PackProver {
  readonly #layout: RepositoryLayout;
  readonly #reader: FrameReader;
  #threads: FrameThreads<'prove'> | undefined;
  #expected: PackDirectory[] = [];
  /** Those that threads have, in the order of their answers. */
  readonly #running: RunningPack[] = [];
  #blobsAhead = 0;
  /** Frames that a thread could not prove, of packs that were not asked for yet. */
  readonly #answers = new Map<PackId, ReadonlySet<number>>();

  constructor(layout: RepositoryLayout, reader: FrameReader) {
    this.#layout = layout;
    this.#reader = reader;
  }

  /** Says which packs are verified next, in this order. Promises nothing. */
  expect(packs: readonly PackDirectory[]): void {
    const bytes = packs.reduce((sum, { frames }) => sum + (frames.at(-1)?.offset ?? 0), 0);
    const count = bytes < threadsFromBytes ? 0 : threadsWorthStarting();
    if (count === 0) return;
    this.#threads ??= new FrameThreads(count, { tasksAhead: packsAhead });
    this.#expected = [...packs];
    if (this.#threads.awaitReady()) this.#submit();
  }

  /** Each blob of each frame must have the id of its bytes. */
  *verify(directory: PackDirectory): Generator<Verified> {
    const unproven = this.#unproven(directory.id);
    if (unproven === undefined) yield* verifyFrames(this.#reader, directory);
    else {
      for (const [number, frame] of directory.frames.entries()) {
        if (unproven.has(number)) yield* verifyFrame(this.#reader, directory.id, frame, number);
        else yield { bytes: frame.bytes };
      }
      yield* verifyPadding(this.#reader, directory);
    }
  }

  async close(): Promise<void> {
    await this.#threads?.end();
  }

  /** Undefined for a pack that no thread has. */
  #unproven(id: PackId): ReadonlySet<number> | undefined {
    this.#submit();
    while (!this.#answers.has(id) && this.#running.some((pack) => pack.id === id)) {
      this.#collect();
      this.#submit();
    }
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    this.#expected = this.#expected.filter((pack) => pack.id !== id);
    return answer;
  }

  #submit(): void {
    while (this.#threads?.areReady === true && !this.#threads.isFull && this.#blobsAhead < blobsAheadMax) {
      const pack = this.#expected.shift();
      if (pack === undefined) return;
      const blobs = pack.frames.reduce((sum, frame) => sum + frame.blobs.length, 0);
      const task = blobs > packBlobsMax ? undefined : this.#taskOf(pack);
      if (task === undefined) continue;
      this.#threads.submit(task);
      this.#running.push({ id: pack.id, blobs });
      this.#blobsAhead += blobs;
    }
  }

  #taskOf({ id, frames }: PackDirectory): ProveTask | undefined {
    const proven: FrameToProve[] = [];
    for (const [number, { offset, bytes, kind, blobs }] of frames.entries()) {
      const frame = decodeTaskOf(this.#layout, { pack: id, offset, bytes, number });
      if (frame === undefined) return undefined;
      const ids = blobs.map((blob) => blob.id).join('');
      proven.push({ frame, kind, ids, lengths: blobs.map((blob) => blob.bytes) });
    }
    const { keyring } = this.#layout;
    return { do: 'prove', frames: proven, ...(keyring && { idKey: keyring.keys.idKey }) };
  }

  #collect(): void {
    const pack = this.#running.shift();
    const answer = this.#threads?.collect();
    if (pack === undefined || answer === undefined) return;
    this.#blobsAhead -= pack.blobs;
    if ('failed' in answer) this.#answers.set(pack.id, new Set(answer.failed));
  }
}
