/**
 * One zstd frame of any length, compressed in threads of the library's own. Its bytes depend on the version of the library (Node's) and on nothing else: not on
 * how many threads there are, nor on how the bytes are given.
 *
 * Node's own stream cannot do it: what the library leaves for later, as it does when all its threads are busy, is for the stream what follows after the end.
 * Frames of pieces are no way either: there are readers, Node's among them, that stop after the first without an error.
 */
import { availableParallelism } from 'node:os';
import { constants, createZstdCompress } from 'node:zlib';
import { ExuviaError } from '../model/errors.ts';
import { ZlibHandle, type ZlibStep } from './zlib-handle.ts';

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
  readonly #handle: ZlibHandle;
  readonly #output = Buffer.allocUnsafeSlow(outputBytes);
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #buffered = 0;

  /**
   * `write` gets bytes that are valid during the call only; it is called during calls only.
   * @throws ERR_NODE_ZSTD where Node's streams are of a shape that is not known
   */
  constructor(write: (bytes: Uint8Array) => void, options: ZstdWriterOptions = {}) {
    this.#write = write;
    this.#handle = handleOf(options.threads ?? Math.min(availableParallelism(), threadsMax));
  }

  /** Takes the bytes before it returns. Waits for the threads where they have all that they can hold. */
  write(bytes: Uint8Array): void {
    if (this.#buffered + bytes.length > bufferBytes) this.#flush();
    if (bytes.length >= bufferBytes) {
      this.#encode(bytes, constants.ZSTD_e_continue);
      return;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  finish(): void {
    this.#flush();
    this.#encode(nothing, constants.ZSTD_e_end);
  }

  [Symbol.dispose](): void {
    this.#handle.close();
  }

  #flush(): void {
    if (this.#buffered > 0) this.#encode(this.#buffer.subarray(0, this.#buffered), constants.ZSTD_e_continue);
    this.#buffered = 0;
  }

  #encode(bytes: Uint8Array, flush: number): void {
    const isEnd = flush === constants.ZSTD_e_end;
    for (let left = bytes, isDone = false; !isDone; ) {
      const { written, unused } = this.#step(flush, left);
      if (written > 0) this.#write(this.#output.subarray(0, written));
      left = left.subarray(left.length - unused);
      isDone = isEnd ? written < outputBytes : left.length === 0;
    }
  }

  #step(flush: number, bytes: Uint8Array): ZlibStep {
    const step = this.#handle.step(flush, bytes, this.#output);
    if (step.problem !== undefined) throw new Error(`Cannot compress with zstd: ${step.problem}`);
    return step;
  }
}

function handleOf(threads: number): ZlibHandle {
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_checksumFlag]: 1,
    [constants.ZSTD_c_nbWorkers]: threads,
    [constants.ZSTD_c_jobSize]: jobBytes,
  };
  const handle = ZlibHandle.of(createZstdCompress({ chunkSize: 64, params }));
  if (handle !== undefined) return handle;
  throw new ExuviaError(`Node ${process.versions.node} cannot compress with zstd in threads`, {
    code: 'ERR_NODE_ZSTD',
    hint: 'Choose another format, .tar.gz for one, or another version of Node.',
  });
}
