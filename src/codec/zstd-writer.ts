/**
 * One zstd frame of any length, compressed in threads of the library's own. Its bytes depend on the version of the library (Node's) and on nothing else: not on
 * how many threads there are, how the bytes are given, or who waits for whom.
 *
 * Node's own stream cannot do it: what the library leaves for later, as it does when all its threads are busy, is for the stream what follows after the end.
 * Frames of pieces are no way either: there are readers, Node's among them, that stop after the first without an error.
 */
import { availableParallelism } from 'node:os';
import { constants, createZstdCompress } from 'node:zlib';
import { ExuviaError, invariant } from '../model/errors.ts';
import { ZlibEngine, type ZlibStep } from './zlib-engine.ts';

const level = 3;
/** What a thread compresses at a time. With the library's own 8 MiB the result is half a percent smaller, and each thread takes four times the memory. */
const jobBytes = 2 * 1024 * 1024;
const threadsMax = 4;
/** Shorter pieces are collected: each call takes microseconds. */
const bufferBytes = 256 * 1024;
const outputBytes = 1024 * 1024;
const nothing = new Uint8Array(0);

export interface ZstdWriterOptions {
  /** At least 1; as many as there are cores by default, at most 4. */
  readonly threads?: number;
}

export class ZstdWriter implements Disposable {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #engine: ZlibEngine;
  readonly #output = Buffer.allocUnsafeSlow(outputBytes);
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #buffered = 0;
  #isFinished = false;

  /**
   * `write` gets bytes that are valid during the call only; it is called during calls only.
   * @throws ERR_NODE_ZSTD where Node's streams are of a shape that is not known
   */
  constructor(write: (bytes: Uint8Array) => void, options: ZstdWriterOptions = {}) {
    this.#write = write;
    this.#engine = engineOf(options.threads ?? Math.min(availableParallelism(), threadsMax));
  }

  /** Takes the bytes before it returns. Waits for the threads where they have all that they can hold. */
  write(bytes: Uint8Array): void {
    invariant(!this.#isFinished, 'what is written comes before the end');
    if (this.#buffered + bytes.length > bufferBytes) this.#flush();
    if (bytes.length >= bufferBytes) {
      this.#encode(bytes, constants.ZSTD_e_continue);
      return;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  /**
   * What is left goes out before the end is asked for, so that the end is an empty block always. Without that, a last part that is full when no thread is
   * free becomes the last block itself, and a result that fills the room for it looks as if there were more, which would be another frame.
   */
  finish(): void {
    this.#flush();
    this.#encode(nothing, constants.ZSTD_e_flush);
    this.#encode(nothing, constants.ZSTD_e_end);
    this.#isFinished = true;
  }

  [Symbol.dispose](): void {
    this.#engine.close();
  }

  #flush(): void {
    if (this.#buffered > 0) this.#encode(this.#buffer.subarray(0, this.#buffered), constants.ZSTD_e_continue);
    this.#buffered = 0;
  }

  #encode(bytes: Uint8Array, flush: number): void {
    const goesOut = flush !== constants.ZSTD_e_continue;
    for (let left = bytes, isDone = false; !isDone; ) {
      const { written, unused } = this.#step(flush, left);
      if (written > 0) this.#write(this.#output.subarray(0, written));
      left = left.subarray(left.length - unused);
      isDone = goesOut ? written < outputBytes : left.length === 0;
    }
  }

  #step(flush: number, bytes: Uint8Array): ZlibStep {
    const step = this.#engine.step(flush, bytes, this.#output);
    if (step.problem !== undefined) throw new Error(`Cannot compress with zstd: ${step.problem}`);
    return step;
  }
}

function engineOf(threads: number): ZlibEngine {
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_checksumFlag]: 1,
    [constants.ZSTD_c_nbWorkers]: threads,
    [constants.ZSTD_c_jobSize]: jobBytes,
  };
  let cause: unknown;
  try {
    const engine = ZlibEngine.of(createZstdCompress({ chunkSize: 64, params }));
    if (engine !== undefined) return engine;
  } catch (error) {
    cause = error; // the library was built without threads
  }
  throw new ExuviaError(`Node ${process.versions.node} cannot compress with zstd in threads`, {
    code: 'ERR_NODE_ZSTD',
    hint: 'Choose another format, .tar.gz for one, or another version of Node.',
    cause,
  });
}
