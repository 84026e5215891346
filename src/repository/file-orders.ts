/**
 * Files that are put in place by threads: a task is some frames to be decoded and the files that are made of them, so that no byte of
 * them comes to whoever orders them. Files wait until there are enough of them to be taken frame by frame.
 */
import type { BlobId } from '../model/ids.ts';
import type { BlobOrder, FilePlace } from '../model/store.ts';
import { decodeTaskOf, type FramePlace, nameOf, threadsFromBytes } from './frame-reader.ts';
import {
  type DecodeTask,
  type FilesOfFrames,
  FrameThreads,
  type StoredFile,
  type StoredPiece,
  threadsWorthStarting,
} from './frame-threads.ts';
import type { RepositoryLayout } from './layout.ts';
import type { BlobPlace } from './pack-index.ts';
import { packFiles } from './packed-files.ts';
import { placeFiles } from './place-files.ts';
import { TaskFrames } from './task-frames.ts';

/** Of content in one task; it ends where no file lies across two frames, because both would be decoded twice, or at the second. */
const taskBytes = 3 * 1024 * 1024;
const taskBytesMax = 12 * 1024 * 1024;
/** Each is synced, which takes a tenth of a second on a slow card: an interruption waits for what threads have. */
const taskFilesMax = 200;
/** Their folders are kept open. */
const taskFoldersMax = 48;
const waitingBytesMax = 32 * 1024 * 1024;
const waitingFilesMax = 2000;
/** Each takes 200 bytes, here and in a task. A database of 32 MB in small pages has so many; a file that was made to harm, for each byte one. */
const piecesMax = 65_536;
/** What a thread may take for one file: the largest, on the slowest disk. */
const fileMs = 600_000;
/** How long whoever gives orders puts files in place before it looks for something else to do. */
const defaultHereMs = 100;

interface WaitingFile {
  readonly order: BlobOrder;
  readonly pieces: Uint8Array | readonly LocatedPiece[];
}

interface KnownFrame {
  readonly name: string;
  readonly task: DecodeTask;
}

/** Without a frame: zeros. */
interface LocatedPiece {
  readonly frame: KnownFrame | undefined;
  readonly position: number;
  readonly bytes: number;
  readonly id: BlobId | undefined;
}

/** Those that begin in one frame. */
interface WaitingGroup {
  files: WaitingFile[];
  /** Whether one of them goes on in another frame. */
  goesOn: boolean;
}

interface OpenFile extends WaitingFile {
  readonly place: FilePlace;
}

export class FileOrders {
  readonly #layout: RepositoryLayout;
  readonly #find: (id: BlobId) => BlobPlace | undefined;
  #threads: FrameThreads<'place'> | undefined;
  readonly #hereMs: number;
  /** For what is done here. */
  readonly #frames = new TaskFrames();
  /** By the frame that they begin in, in the order in which they came. */
  readonly #waiting = new Map<string, WaitingGroup>();
  /** Open, and not begun. */
  #left: OpenFile[] = [];
  #waitingFiles = 0;
  #waitingBytes = 0;
  #waitingPieces = 0;
  /** Nothing more is taken. */
  #isOver = false;
  /** What threads have, in the order of their answers. */
  readonly #running: BlobOrder[][] = [];
  /** Of the frames of late. */
  readonly #known = new Map<string, KnownFrame>();
  /** The one that was asked for last: most pieces are in the frame that the one before them is in, and to make its name takes longer. */
  #last: { readonly place: FramePlace; readonly frame: KnownFrame | undefined } | undefined;

  constructor(
    layout: RepositoryLayout,
    find: (id: BlobId) => BlobPlace | undefined,
    { hereMs = defaultHereMs } = {},
  ) {
    this.#layout = layout;
    this.#find = find;
    this.#hereMs = hereMs;
  }

  /** Starts threads where so much is worth it. */
  expect(bytes: number): boolean {
    const count = bytes < threadsFromBytes ? 0 : threadsWorthStarting() - 1; // whoever orders them is one more
    if (this.#threads === undefined && count > 0)
      this.#threads = new FrameThreads(count, { answerMs: fileMs });
    return this.#threads !== undefined;
  }

  /** False where not every blob is found. */
  take(order: BlobOrder): boolean {
    if (this.#threads === undefined || this.#isOver) return false;
    const pieces = order.content instanceof Uint8Array ? order.content : this.#located(order.content);
    if (pieces === undefined) return false;
    this.#wait({ order, pieces });
    // Once: on a slow disk it takes a while, and whoever gives orders hears of an interruption in between.
    if (this.#isTooMuch || this.#isAwaited) this.#submit();
    while (this.#waitingPieces > piecesMax) this.#submit();
    return true;
  }

  get #isTooMuch(): boolean {
    return this.#waitingFiles > waitingFilesMax || this.#waitingBytes > waitingBytesMax;
  }

  /** Whether a thread has room for a task, and there is enough to choose one from. */
  get #isAwaited(): boolean {
    const threads = this.#threads;
    if (this.#waitingBytes <= taskBytesMax || threads?.areReady !== true) return false;
    return !threads.isFull || threads.isOldestReady;
  }

  #wait(file: WaitingFile): void {
    this.#waitingFiles++;
    this.#waitingBytes += file.order.size;
    this.#waitingPieces += piecesIn(file.pieces);
    const [first, last] = endsOf(file.pieces);
    const group = this.#waiting.get(first) ?? { files: [], goesOn: false };
    group.files.push(file);
    group.goesOn ||= last !== first;
    this.#waiting.set(first, group);
  }

  /** Does some of what is left; false when nothing is. */
  finishSome(): boolean {
    if (this.#hasWaiting) this.#submit();
    else if (this.#threads !== undefined && this.#running.length > 0) this.#collect(this.#threads);
    return this.#hasWaiting || this.#running.length > 0;
  }

  get #hasWaiting(): boolean {
    return this.#waitingFiles > 0 || this.#left.length > 0;
  }

  /** What is not begun is not done. What threads have is still to be finished. */
  stop(): void {
    this.#isOver = true;
    this.#waiting.clear();
    this.#waitingFiles = 0;
    this.#left = [];
    this.#threads?.stop();
  }

  async close(): Promise<void> {
    await this.#threads?.end();
  }

  #located(chunks: Exclude<BlobOrder['content'], Uint8Array>): LocatedPiece[] | undefined {
    const pieces: LocatedPiece[] = [];
    for (const { id, bytes } of chunks) {
      const place = id && this.#find(id);
      const frame = place && this.#frameOf(place.frame);
      if (id !== undefined && (frame === undefined || place?.bytes !== bytes)) return undefined;
      pieces.push({ id, bytes, position: place?.position ?? 0, frame });
    }
    return pieces;
  }

  #frameOf(place: FramePlace): KnownFrame | undefined {
    if (this.#last?.place !== place) this.#last = { place, frame: this.#lookUp(place) };
    return this.#last.frame;
  }

  #lookUp(place: FramePlace): KnownFrame | undefined {
    const name = nameOf(place);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const task = decodeTaskOf(this.#layout, place);
    if (task === undefined) return undefined;
    if (this.#known.size > 1000) this.#known.clear();
    const frame = { name, task };
    this.#known.set(name, frame);
    return frame;
  }

  /** The files that wait longest go to a thread that has room. While there is none, they are put in place here. */
  #submit(): void {
    const open = this.#takeOpen();
    const threads = this.#threadsWithRoom();
    if (open.length === 0) return;
    const work = this.#filesOfFrames(open);
    if (threads === undefined) this.#placeHere(work, open);
    else {
      threads.submit({ ...work, do: 'place', files: packFiles(work.files) });
      this.#running.push(open.map(({ order }) => order));
    }
  }

  #takeOpen(): OpenFile[] {
    const left = this.#left;
    this.#left = [];
    if (left.length > 0) return left;
    return this.#takeWaiting().flatMap((file) => {
      const place = file.order.open();
      return place === undefined ? [] : [{ ...file, place }];
    });
  }

  #threadsWithRoom(): FrameThreads<'place'> | undefined {
    const threads = this.#threads;
    if (threads?.areReady !== true) return undefined;
    if (threads.isFull && threads.isOldestReady) this.#collect(threads);
    return threads.isFull ? undefined : threads;
  }

  /** On a slow disk some files take long: the rest is left for the next time. */
  #placeHere(work: FilesOfFrames, files: readonly OpenFile[]): void {
    const endMs = performance.now() + this.#hereMs;
    let begun = 0;
    const goesOn = (): boolean => {
      if (begun > 0 && performance.now() > endMs) return false;
      begun++;
      return true;
    };
    const failed = new Set(placeFiles(work, this.#frames, goesOn));
    this.#left = files.slice(begun);
    for (const [index, { order }] of files.slice(0, begun).entries()) order.done(!failed.has(index));
  }

  #takeWaiting(): WaitingFile[] {
    const taken: WaitingFile[] = [];
    const folders = new Set<string>();
    let bytes = 0;
    let pieces = 0;
    const hasRoom = (): boolean =>
      bytes < taskBytesMax &&
      pieces < piecesMax &&
      taken.length < taskFilesMax &&
      folders.size < taskFoldersMax;
    for (const [name, { files, goesOn }] of this.#waiting) {
      let count = 0;
      for (; count < files.length && hasRoom(); count++) {
        const file = files[count];
        if (file === undefined) break;
        taken.push(file);
        folders.add(file.order.folder);
        bytes += file.order.size;
        pieces += piecesIn(file.pieces);
      }
      if (count === files.length) this.#waiting.delete(name);
      else this.#waiting.set(name, { files: files.slice(count), goesOn });
      if (count < files.length || (bytes >= taskBytes && !goesOn)) break;
    }
    this.#waitingFiles -= taken.length;
    this.#waitingBytes -= bytes;
    this.#waitingPieces -= pieces;
    return taken;
  }

  #filesOfFrames(files: readonly OpenFile[]): FilesOfFrames {
    const numbers = new Map<string, number>();
    const frames: DecodeTask[] = [];
    let last: { readonly frame: KnownFrame; readonly number: number } | undefined;
    const numberOf = (frame: KnownFrame): number => {
      if (last?.frame === frame) return last.number;
      const number = numbers.get(frame.name) ?? frames.push(frame.task) - 1;
      numbers.set(frame.name, number);
      last = { frame, number };
      return number;
    };
    const pieceOf = ({ frame, position, bytes, id }: LocatedPiece): StoredPiece =>
      frame === undefined || id === undefined ? { bytes } : { bytes, frame: numberOf(frame), position, id };
    const stored = files.map(({ place, order: { size, hash }, pieces }): StoredFile => {
      return { place, size, hash, content: pieces instanceof Uint8Array ? pieces : pieces.map(pieceOf) };
    });
    const { keyring } = this.#layout;
    return {
      files: stored,
      frames,
      ...(keyring === undefined ? {} : { idKey: keyring.keys.idKey }),
    };
  }

  /** @throws Error when a thread does not answer: nothing more is asked of any, and what they have stays theirs. */
  #answerOf(threads: FrameThreads<'place'>): ReturnType<FrameThreads<'place'>['collect']> {
    try {
      return threads.collect();
    } catch (error) {
      this.stop();
      this.#running.length = 0;
      throw error;
    }
  }

  #collect(threads: FrameThreads<'place'>): void {
    const answer = this.#answerOf(threads);
    const orders = this.#running.shift() ?? [];
    const failed = 'failed' in answer ? new Set(answer.failed) : undefined;
    for (const [index, order] of orders.entries()) order.done(failed?.has(index) === false);
  }
}

function piecesIn(pieces: WaitingFile['pieces']): number {
  return pieces instanceof Uint8Array ? 1 : pieces.length;
}

/** Names of the frames that a file begins and ends in. */
function endsOf(pieces: Uint8Array | readonly LocatedPiece[]): readonly [string, string] {
  if (pieces instanceof Uint8Array) return ['', ''];
  const isStored = ({ frame }: LocatedPiece): boolean => frame !== undefined;
  const first = pieces[0]?.frame ?? pieces.find(isStored)?.frame;
  const last = pieces.at(-1)?.frame ?? pieces.findLast(isStored)?.frame;
  return [first?.name ?? '', last?.name ?? ''];
}
