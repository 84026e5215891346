/** The archive's file: opened once, so that every pass reads the same bytes, and read by position. */
import { type BigIntStats, constants, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { AgePayload, agePayloadNonceBytes } from '../codec/age-stream.ts';
import { ArchiveError, FileSystemError } from '../model/errors.ts';

const pieceBytes = 64 * 1024;
/** For who decompresses them beside other work: as long as a turn of that takes. */
export const packedPieceBytes = 512 * 1024;
const windowBytes = 64 * 1024;

interface Window {
  readonly position: number;
  readonly bytes: Buffer;
}

export class ArchiveFile {
  readonly path: string;
  /** Bytes, when it was opened. */
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #opened: BigIntStats;
  /** A zip is read in two places at once: its directory, and the entries the directory names. */
  #windows: readonly [Window, Window] = [emptyWindow, emptyWindow];
  /** Of an encrypted file: what is read is what is inside. */
  readonly #payload: AgePayload | undefined;

  private constructor(path: string, handle: FileHandle, opened: BigIntStats, payload?: AgePayload) {
    this.path = path;
    this.size = payload?.size ?? Number(opened.size);
    this.#payload = payload;
    this.#handle = handle;
    this.#opened = opened;
  }

  /** @throws FileSystemError; ArchiveError when it is not a file, or an empty one. */
  static async open(path: string): Promise<ArchiveFile> {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
    const handle = await explained('open archive', path, () => open(path, flags));
    try {
      const opened = await explained('open archive', path, () => handle.stat({ bigint: true }));
      if (opened.isDirectory()) throw new ArchiveError(`${path} is a folder, not an archive`);
      if (!opened.isFile()) throw new ArchiveError(`${path} is not a file, so it is not an archive`);
      if (opened.size === 0n) throw new ArchiveError(`${path} is empty (0 bytes), so it is not an archive`);
      return new ArchiveFile(path, handle, opened);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The same file as what is inside it; `fileKey` is what its header of `headerBytes` bytes wraps. @throws DamageError when it is cut short */
  decrypted(fileKey: Uint8Array, headerBytes: number): ArchiveFile {
    const payload = new AgePayload(fileKey, this.#readAt(headerBytes, agePayloadNonceBytes), {
      start: headerBytes + agePayloadNonceBytes,
      fileBytes: this.size,
      read: (position, bytes) => this.#readAt(position, bytes),
      place: this.path,
    });
    return new ArchiveFile(this.path, this.#handle, this.#opened, payload);
  }

  /** The bytes from `start` to `end`, in order, in pieces of `bytes` that nobody else writes to. */
  async *pieces({ start = 0, end = this.size, bytes = pieceBytes } = {}): AsyncGenerator<Buffer> {
    for (let position = start; position < end; ) {
      const wanted = Math.min(bytes, end - position);
      if (this.#payload !== undefined) {
        yield this.#payload.readAt(position, wanted);
        position += wanted;
        continue;
      }
      const buffer = Buffer.allocUnsafe(wanted);
      const { bytesRead } = await explained('read', this.path, () =>
        this.#handle.read(buffer, 0, buffer.length, position),
      );
      if (bytesRead === 0) throw this.#changed();
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Up to `bytes` bytes at `position`; fewer only at the end of the file. Meant for small pieces: it reads ahead. */
  read(position: number, bytes: number): Buffer {
    const wanted = Math.min(bytes, this.size - position);
    if (wanted <= 0) return Buffer.alloc(0);
    if (wanted > windowBytes) return this.#readAt(position, wanted);
    const window = this.#windowAt(position, wanted);
    const start = position - window.position;
    return window.bytes.subarray(start, start + wanted);
  }

  #windowAt(position: number, bytes: number): Window {
    const [newer, older] = this.#windows;
    if (covers(newer, position, bytes)) return newer;
    const window = covers(older, position, bytes)
      ? older
      : { position, bytes: this.#readAt(position, Math.min(windowBytes, this.size - position)) };
    this.#windows = [window, newer];
    return window;
  }

  #readAt(position: number, bytes: number): Buffer {
    if (this.#payload !== undefined) return this.#payload.readAt(position, bytes);
    const buffer = Buffer.allocUnsafe(bytes);
    let done = 0;
    while (done < bytes) {
      const count = this.#readOnce(buffer, done, position + done);
      if (count === 0) throw this.#changed();
      done += count;
    }
    return buffer;
  }

  #readOnce(buffer: Buffer, offset: number, position: number): number {
    try {
      return readSync(this.#handle.fd, buffer, offset, buffer.length - offset, position);
    } catch (error) {
      throw new FileSystemError('read', this.path, error);
    }
  }

  /** @throws ArchiveError when the file is no longer what was opened. */
  async mustBeUnchanged(): Promise<void> {
    const now = await explained('read', this.path, () => this.#handle.stat({ bigint: true }));
    if (now.size !== this.#opened.size || now.mtimeNs !== this.#opened.mtimeNs) throw this.#changed();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  #changed(): ArchiveError {
    return new ArchiveError(`${this.path} changed while it was read`, {
      hint: 'Wait until whatever writes it has finished, then try again.',
    });
  }
}

const emptyWindow: Window = { position: 0, bytes: Buffer.alloc(0) };

function covers(window: Window, position: number, bytes: number): boolean {
  return position >= window.position && position + bytes <= window.position + window.bytes.length;
}

async function explained<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new FileSystemError(action, path, error);
  }
}
