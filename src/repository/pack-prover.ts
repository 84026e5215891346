/**
 * Proves packs in threads, beside whatever else is done meanwhile, and here once nothing else is. Whoever has nothing to do takes the next
 * frame (`shared-pack`); no byte comes back. What could not be proven is looked at again here, where what is wrong with it is told.
 */
import { type BlobProof, blobProof } from '../codec/hash.ts';
import type { ListedDirectory } from '../codec/pack.ts';
import type { PackId } from '../model/ids.ts';
import { decodeTaskOf, type FrameReader, threadsFromBytes } from './frame-reader.ts';
import { FrameThreads, threadsWorthStarting } from './frame-threads.ts';
import type { RepositoryLayout } from './layout.ts';
import { proveNextFrame } from './prove-pack.ts';
import { blobCountOf, SharedPack, type SharedPackParts, sharedDirectory } from './shared-pack.ts';
import { TaskFrames } from './task-frames.ts';
import { type Verified, verifyFrame, verifyFrames, verifyPadding } from './verify-pack.ts';

/** In the packs that threads have: 36 bytes each. A pack of more is shared alone. */
const blobsAheadMax = 250_000;

export class PackProver {
  readonly #layout: RepositoryLayout;
  readonly #reader: FrameReader;
  readonly #threadCount: number;
  #threads: FrameThreads<'prove'> | undefined;
  #expected: ListedDirectory[] = [];
  /** Packs that threads have, and that were not asked for yet. */
  readonly #shared = new Map<PackId, SharedPack>();
  /** Those of them that have frames which nobody has taken. */
  #open: SharedPack[] = [];
  #blobsAhead = 0;
  /** For what is done here. */
  readonly #frames = new TaskFrames();
  #isBlobAt: BlobProof | undefined;

  /** `threads`: how many are started. Whoever asks is one more. */
  constructor(
    layout: RepositoryLayout,
    reader: FrameReader,
    { threads = threadsWorthStarting() - 1 }: { readonly threads?: number } = {},
  ) {
    this.#layout = layout;
    this.#reader = reader;
    this.#threadCount = threads;
  }

  /** Starts threads where so many bytes are worth it: they are on their way while it is found out which packs are verified. */
  begin(bytes: number): void {
    if (bytes < threadsFromBytes || this.#threadCount < 1) return;
    this.#threads ??= new FrameThreads(this.#threadCount);
  }

  /** Says which packs are verified next, in this order, after those that were said before. Promises nothing. */
  expect(packs: readonly ListedDirectory[]): void {
    this.begin(packs.reduce((sum, { frames }) => sum + (frames.at(-1)?.offset ?? 0), 0));
    if (this.#threads === undefined) return;
    this.#expected.push(...packs);
    this.#share(this.#threads);
  }

  /** Each blob of each frame must have the id of its bytes. */
  *verify(directory: ListedDirectory): Generator<Verified> {
    const { id, frames } = directory;
    const pack = this.#shared.get(id);
    if (pack === undefined) {
      yield* verifyFrames(this.#reader, directory);
      return;
    }
    for (const [number, frame] of frames.entries()) {
      if (this.#isSound(pack, number)) yield { bytes: frame.bytes };
      else yield* verifyFrame(this.#reader, id, frame, number);
    }
    yield* verifyPadding(this.#reader, directory);
    this.#forget(directory);
  }

  async close(): Promise<void> {
    await this.#threads?.end();
  }

  /** Gives threads as many packs as they may have. */
  #share(threads: FrameThreads<'prove'>): void {
    let shared = 0;
    for (const directory of this.#expected) {
      if (this.#blobsAhead >= blobsAheadMax) break;
      shared++;
      const parts = this.#partsOf(directory);
      if (parts === undefined || this.#shared.has(directory.id)) continue;
      const pack = new SharedPack(parts);
      this.#shared.set(directory.id, pack);
      this.#open.push(pack);
      this.#blobsAhead += blobCountOf(directory);
      threads.tellAll({ do: 'prove', ...parts, ...this.#idKey });
    }
    this.#expected.splice(0, shared);
  }

  get #idKey(): { readonly idKey?: Uint8Array } {
    const { keyring } = this.#layout;
    return keyring === undefined ? {} : { idKey: keyring.keys.idKey };
  }

  /** Undefined where what opens the pack cannot be read. */
  #partsOf(directory: ListedDirectory): SharedPackParts | undefined {
    const task = decodeTaskOf(this.#layout, { pack: directory.id, offset: 0, bytes: 0 });
    if (task === undefined) return undefined;
    const { path, keys } = task;
    return { path, memory: sharedDirectory(directory), ...(keys === undefined ? {} : { keys }) };
  }

  /** Waits until that is known, and does what nobody else does meanwhile. */
  #isSound(pack: SharedPack, number: number): boolean {
    for (;;) {
      const done = Atomics.load(pack.doneCount, 0);
      const state = pack.stateOf(number);
      if (state !== 'open') return state === 'sound';
      if (!this.#proveHere()) this.#threads?.awaitChange(pack.doneCount, done);
    }
  }

  /** False where every frame is taken. */
  #proveHere(): boolean {
    this.#isBlobAt ??= blobProof(this.#idKey.idKey);
    for (let pack = this.#open[0]; pack !== undefined; pack = this.#open[0]) {
      if (proveNextFrame(pack, this.#isBlobAt, this.#frames)) return true;
      this.#open.shift();
    }
    return false;
  }

  #forget(directory: ListedDirectory): void {
    this.#shared.delete(directory.id);
    this.#blobsAhead -= blobCountOf(directory);
    if (this.#threads !== undefined) this.#share(this.#threads);
  }
}
