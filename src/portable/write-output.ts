/** Where an archive's bytes go: compression, then a private file with its SHA-256, published under its name at the end. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, lstatSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { ParallelGzipWriter } from '../codec/deflate/parallel-gzip.ts';
import { ZstdWriter } from '../codec/zstd-writer.ts';
import { BackgroundSync } from '../io/background-sync.ts';
import {
  createPrivateFile,
  removeFile,
  renameInto,
  syncFolder,
  temporaryBeside,
  withPath,
  writeFully,
} from '../io/files.ts';
import { ExuviaError, errnoOf } from '../model/errors.ts';
import type { Meanwhile } from '../model/store.ts';
import type { WrittenFormat } from './layouts.ts';

/** Takes an archive's bytes; those given to `write` are valid during the call only. */
export interface ByteSink {
  write(bytes: Uint8Array): void;
  /** Resolves when there is room again; undefined when there is room now. */
  drained(): Promise<void> | undefined;
  /** Does a part of what waits for others: see `Meanwhile`. */
  readonly doSome?: Meanwhile;
  /** Everything given is in the file. */
  finish(): Promise<void>;
}

const bufferBytes = 1024 * 1024;
/** So much is written as it is, not collected first: compressed pieces come in about half a MiB. */
const directBytes = 128 * 1024;
/** So much at a time is given to the disk while the rest is made: all of it at the end takes half a second for 600 MB. */
const syncBytes = 64 * 1024 * 1024;

/** A new file beside `path`, 0600, that becomes `path` when it is published. Disposing of it before that removes it. */
export class ArchiveFile implements Disposable {
  readonly #path: string;
  readonly #temporary: string;
  readonly #fd: number;
  readonly #sync: BackgroundSync;
  #syncFrom = syncBytes;
  readonly #hash = createHash('sha256');
  readonly #buffer = Buffer.allocUnsafe(bufferBytes);
  #buffered = 0;
  #written = 0;
  #open = true;

  /** @throws FileSystemError, and ERR_ARCHIVE_EXISTS where there is a file that must not be overwritten */
  constructor(path: string, unique: string, overwrite: boolean) {
    const there = withPath('write', path, () => lstatSync(path, { throwIfNoEntry: false }));
    if (there?.isDirectory() || (there !== undefined && !overwrite)) throw existsAlready(path);
    this.#path = path;
    this.#temporary = temporaryBeside(path, unique);
    this.#fd = withPath('write', path, () => createPrivateFile(this.#temporary));
    this.#sync = new BackgroundSync(this.#temporary);
  }

  get bytes(): number {
    return this.#written + this.#buffered;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length >= directBytes) {
      this.#flush();
      this.#append(bytes);
      return;
    }
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + bufferBytes - this.#buffered);
      this.#buffer.set(part, this.#buffered);
      this.#buffered += part.length;
      done += part.length;
      if (this.#buffered === bufferBytes) this.#flush();
    }
  }

  /** Makes the bytes durable and gives them their name; returns their SHA-256 in hex. */
  publish(overwrite: boolean): string {
    this.#flush();
    this.#refuseLost();
    withPath('write', this.#path, () => {
      fsyncSync(this.#fd);
      this.#close();
      if (overwrite) renameInto(this.#temporary, this.#path);
      else publishNew(this.#temporary, this.#path);
    });
    return this.#hash.digest('hex');
  }

  [Symbol.dispose](): void {
    this.#close();
    removeFile(this.#temporary);
  }

  #flush(): void {
    if (this.#buffered > 0) this.#append(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  #append(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    withPath('write', this.#path, () => writeFully(this.#fd, bytes, this.#written));
    this.#written += bytes.length;
    if (this.#written >= this.#syncFrom && !this.#sync.isRunning) this.#beginSync();
  }

  #beginSync(): void {
    this.#refuseLost();
    this.#syncFrom = this.#written + syncBytes;
    this.#sync.begin();
  }

  #refuseLost(): void {
    withPath('write', this.#path, () => {
      if (this.#sync.error !== undefined) throw this.#sync.error;
    });
  }

  #close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}

/** Errors of `link` that mean: this file system has no hard links. */
const noLinks: ReadonlySet<string | undefined> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
  'EACCES',
]);

/** Gives the file its name only if nothing has it; `link` decides and creates in one step. */
function publishNew(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw existsAlready(path);
    if (!noLinks.has(errnoOf(error))) throw error;
    // Without links there is a moment between the look and the rename; two exports to one name are the user's doing.
    if (existsSync(path)) throw existsAlready(path);
    renameInto(temporary, path);
    return;
  }
  unlinkSync(temporary);
  syncFolder(dirname(path));
}

function existsAlready(path: string): ExuviaError {
  return new ExuviaError(`Cannot write archive ${path}: it exists already`, {
    code: 'ERR_ARCHIVE_EXISTS',
    hint: 'Choose another name, or remove the file first.',
  });
}

/** Compression into `file`, always with the same parameters. */
export function sinkOf(
  format: WrittenFormat,
  expectedBytes: number,
  file: { write(bytes: Uint8Array): void },
): ByteSink & AsyncDisposable {
  const write = (bytes: Uint8Array) => file.write(bytes);
  if (format === 'tar.gz') return new ParallelGzipWriter(write, { expectedBytes });
  if (format === 'tar') return atOnce({ write, finish: () => {}, [Symbol.dispose]: () => {} });
  return { ...atOnce(new ZstdWriter(write)), doSome: () => false }; // its threads do it
}

/** A sink in which nothing waits. */
function atOnce(
  writer: { write(bytes: Uint8Array): void; finish(): void } & Disposable,
): ByteSink & AsyncDisposable {
  return {
    write: (bytes) => writer.write(bytes),
    drained: () => undefined,
    finish: async () => writer.finish(),
    [Symbol.asyncDispose]: async () => writer[Symbol.dispose](),
  };
}
