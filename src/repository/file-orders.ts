/**
 * Files that are put in place by threads: a task is some frames to be decoded and the files that are made of them, so that no byte of
 * them comes to whoever orders them. Files wait until there are enough of them to be taken frame by frame.
 */
import type { BlobId } from '../model/ids.ts';
import type { BlobOrder, FilePlace } from '../model/store.ts';
import { decodeTaskOf, type FramePlace, nameOf, threadsFromBytes } from './frame-reader.ts';
import {
  type DecodeTask,
  type FileTask,
  FrameThreads,
  type StoredPiece,
  threadsWorthStarting,
} from './frame-threads.ts';
import type { RepositoryLayout } from './layout.ts';
import type { BlobPlace } from './pack-index.ts';
import { packFiles } from './packed-files.ts';

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

interface WaitingFile {
  readonly order: BlobOrder;
  readonly pieces: Uint8Array | readonly LocatedPiece[];
}

/** Without a frame: zeros. */
interface LocatedPiece {
  readonly frame?: DecodeTask;
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
  /** For threads to start. */
  #hasWaited = false;
  /** By the frame that they begin in, in the order in which they came. */
  readonly #waiting = new Map<string, WaitingGroup>();
  #waitingFiles = 0;
  #waitingBytes = 0;
  #waitingPieces = 0;
  /** Nothing more is taken. */
  #isOver = false;
  /** What threads have, in the order of their answers. */
  readonly #running: BlobOrder[][] = [];
  /** Of the frames of late. */
  readonly #tasks = new Map<string, DecodeTask>();

  constructor(layout: RepositoryLayout, find: (id: BlobId) => BlobPlace | undefined) {
    this.#layout = layout;
    this.#find = find;
  }

  /** Starts threads where so much is worth it. */
  expect(bytes: number): boolean {
    const count = bytes < threadsFromBytes ? 0 : threadsWorthStarting();
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
    this.#waitingFiles++;
    this.#waitingBytes += order.size;
    this.#waitingPieces += piecesIn(pieces);
    while (this.#isTooMuch()) this.#submit();
    return true;
  }

  #isTooMuch(): boolean {
    if (this.#waitingFiles > waitingFilesMax || this.#waitingBytes > waitingBytesMax) return true;
    return this.#waitingPieces > piecesMax;
  }

  #wait(file: WaitingFile): void {
    const [first, last] = endsOf(file.pieces);
    const group = this.#waiting.get(first) ?? { files: [], goesOn: false };
    group.files.push(file);
    group.goesOn ||= last !== first;
    this.#waiting.set(first, group);
  }

  /** Does some of what is left; false when nothing is. */
  finishSome(): boolean {
    if (this.#waitingFiles > 0) this.#submit();
    else if (this.#threads !== undefined && this.#running.length > 0) this.#collect(this.#threads);
    return this.#waitingFiles > 0 || this.#running.length > 0;
  }

  /** What is not begun is not done. What threads have is still to be finished. */
  stop(): void {
    this.#isOver = true;
    this.#waiting.clear();
    this.#waitingFiles = 0;
    this.#threads?.stop();
  }

  async close(): Promise<void> {
    await this.#threads?.end();
  }

  #located(chunks: Exclude<BlobOrder['content'], Uint8Array>): LocatedPiece[] | undefined {
    const pieces: LocatedPiece[] = [];
    for (const { id, bytes } of chunks) {
      const place = id && this.#find(id);
      const frame = place && this.#taskOf(place.frame);
      if (id !== undefined && (frame === undefined || place?.bytes !== bytes)) return undefined;
      pieces.push({ id, bytes, position: place?.position ?? 0, ...(frame === undefined ? {} : { frame }) });
    }
    return pieces;
  }

  #taskOf(place: FramePlace): DecodeTask | undefined {
    const name = nameOf(place);
    const known = this.#tasks.get(name);
    if (known !== undefined) return known;
    const task = decodeTaskOf(this.#layout, place);
    if (this.#tasks.size > 1000) this.#tasks.clear();
    if (task !== undefined) this.#tasks.set(name, task);
    return task;
  }

  /** The files that wait longest go to a thread, as soon as one has room. Until threads run, whoever ordered them writes them. */
  #submit(): void {
    const threads = this.#runningThreads();
    const files = this.#takeWaiting();
    if (threads?.isFull === true) this.#collect(threads);
    const open: OpenFile[] = [];
    for (const file of files) {
      const place = file.order.open();
      if (place !== undefined) open.push({ ...file, place });
    }
    const orders = open.map(({ order }) => order);
    if (threads === undefined) for (const order of orders) order.done(false);
    else if (open.length > 0) {
      threads.submit(this.#fileTask(open));
      this.#running.push(orders);
    }
  }

  #runningThreads(): FrameThreads<'place'> | undefined {
    if (this.#threads === undefined || this.#threads.areReady) return this.#threads;
    if (this.#hasWaited) return undefined;
    this.#hasWaited = true;
    return this.#threads.awaitReady() ? this.#threads : undefined;
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

  #fileTask(files: readonly OpenFile[]): FileTask {
    const frames = new Map<DecodeTask, number>();
    const pieceOf = ({ frame, position, bytes, id }: LocatedPiece): StoredPiece => {
      if (frame === undefined || id === undefined) return { bytes };
      const number = frames.get(frame) ?? frames.size;
      frames.set(frame, number);
      return { bytes, frame: number, position, id };
    };
    return {
      do: 'place',
      files: packFiles(
        files.map(({ place, order: { size, hash }, pieces }) => ({
          ...{ place, size, hash },
          content: pieces instanceof Uint8Array ? pieces : pieces.map(pieceOf),
        })),
      ),
      frames: [...frames.keys()],
      ...(this.#layout.keyring === undefined ? {} : { idKey: this.#layout.keyring.keys.idKey }),
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
  const isStored = ({ frame }: LocatedPiece): boolean => frame !== undefined;
  const ends = pieces instanceof Uint8Array ? [] : [pieces.find(isStored), pieces.findLast(isStored)];
  const [first = '', last = ''] = ends.map((end) => `${end?.frame?.path}:${end?.frame?.offset}`);
  return [first, last];
}
