/**
 * A snapshot without its secrets, for an archive that somebody else gets: every file is looked at and, where it holds secrets,
 * written anew with marks in their place. What cannot be looked into and must hold secrets stops the export.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type ReadBytes, runSteps, storeContent, storePages } from '../archiver/store-content.ts';
import { gunzip, unzstdWhatIsThere } from '../codec/decode-now.ts';
import { ExuviaError, InterruptedError, messageOf } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { type ByteString, displayKey, isUtf8 } from '../model/paths.ts';
import type { Snapshot, SnapshotSource } from '../model/snapshot.ts';
import { isSqliteHeader } from '../model/sqlite-names.ts';
import type { BlobReader, TreeReader } from '../model/store.ts';
import type { FileNode, TreeEntry } from '../model/tree.ts';
import { type BundleKind, kindOfPath, redactFile } from '../openclaw/config-bundle.ts';
import { configNames } from '../openclaw/discovery.ts';
import { redactDatabase, UnsureError } from '../openclaw/redact-database.ts';
import { cleanText, holdsSecret, knownSecretsIn } from '../openclaw/redact-text.ts';
import { redactedMark } from '../openclaw/secrets.ts';
import type { Repository } from '../repository/repository.ts';
import { contentBytes, contentReader } from '../tree/content.ts';
import { openTree, TreeBuilder } from '../tree/tree.ts';
import type { Environment } from './environment.ts';
import { isSecretFile } from './secret-mask.ts';
import { withFile } from './stored-file.ts';

export interface RedactedPart {
  /** Of the file, relative to its source. */
  readonly path: string;
  /** Key paths, tables, or what else of it was replaced; `all of it` for a whole file. */
  readonly what: string;
}

export interface RedactedSnapshot {
  readonly blobs: BlobReader;
  readonly sources: readonly { readonly source: SnapshotSource; readonly tree: TreeReader }[];
  readonly redacted: readonly RedactedPart[];
  /** Files that are no text, and were kept because nothing in them looks like a secret. */
  readonly notLookedInto: readonly string[];
}

/** A text larger than this is no file that people or programs keep secrets in by name: it is refused unread. */
const textBytesMax = 256 * 1024 * 1024;

/** @param scratch where what is written anew is kept for as long as the export takes */
export async function redactSnapshot(
  environment: Environment,
  repository: Repository,
  scratch: Repository,
  snapshot: Snapshot,
): Promise<RedactedSnapshot> {
  const redactor = new Redactor(environment, repository, scratch);
  for (const source of snapshot.sources) await redactor.learn(source);
  const sources = [];
  for (const source of snapshot.sources) sources.push(await redactor.redact(source));
  return {
    blobs: redactor.blobs,
    sources,
    redacted: redactor.redacted,
    notLookedInto: redactor.notLookedInto,
  };
}

class Redactor {
  readonly redacted: RedactedPart[] = [];
  readonly notLookedInto: string[] = [];
  readonly #environment: Environment;
  readonly #repository: Repository;
  readonly #scratch: Repository;
  #known: readonly string[] = [];
  #breathedMs = 0;

  constructor(environment: Environment, repository: Repository, scratch: Repository) {
    this.#environment = environment;
    this.#repository = repository;
    this.#scratch = scratch;
  }

  get blobs(): BlobReader {
    const [scratch, repository] = [this.#scratch, this.#repository];
    return {
      readBlob: (id: BlobId) => (scratch.hasBlob(id) ? scratch : repository).readBlob(id),
    };
  }

  /** What the files of secrets hold may stand in other files too. */
  async learn(source: SnapshotSource): Promise<void> {
    for (const { key, node } of openTree(this.#repository, source.root).entries()) {
      await this.#breathe();
      const path = displayKey(key);
      if (node.type !== 'file' || node.size > textBytesMax) continue;
      if (!isConfigFile(source, path) && !isSecretFile(source, path)) continue;
      const bytes = this.#read(node);
      if (isText(bytes))
        this.#known = [...new Set([...this.#known, ...knownSecretsIn(bytes.toString('utf8'))])];
    }
  }

  async redact(source: SnapshotSource): Promise<{ source: SnapshotSource; tree: TreeReader }> {
    const builder = new TreeBuilder(this.#scratch);
    for (const entry of openTree(this.#repository, source.root).entries()) {
      await this.#breathe();
      builder.add(entry.key, entry.node.type === 'file' ? this.#file(source, entry, entry.node) : entry.node);
    }
    const root = builder.finish();
    this.#scratch.flush();
    return { source, tree: openTree(this.#scratch, root) };
  }

  #file(source: SnapshotSource, { key }: TreeEntry, node: FileNode): FileNode {
    const path = displayKey(key);
    if (node.size === 0) return node;
    if (node.size >= 100 && isSqliteHeader(this.#head(node))) return this.#database(path, node);
    if (node.size > textBytesMax) throw refused(path, `it has ${node.size} bytes, too many to be looked at`);
    const bytes = this.#read(node);
    const clean = this.#clean(source, path, bytes);
    return clean === undefined ? node : this.#stored(node, clean);
  }

  /** The bytes without secrets; undefined when there are none. */
  #clean(source: SnapshotSource, path: string, bytes: Buffer): Buffer | undefined {
    const kind = kindIn(source, path);
    if (kind !== undefined) return this.#cleanKind(path, kind, bytes);
    if (isSecretFile(source, path)) return this.#whole(path);
    if (!isText(bytes)) return this.#binary(path, bytes);
    const { text, count } = cleanText(path, bytes.toString('utf8'), this.#known);
    if (count === 0) return undefined;
    this.redacted.push({ path, what: count === 1 ? '1 value' : `${count} values` });
    return Buffer.from(text);
  }

  #cleanKind(path: string, kind: BundleKind, bytes: Buffer): Buffer | undefined {
    let file: ReturnType<typeof redactFile>;
    try {
      file = redactFile({ path, kind, content: bytes });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      if (kind !== 'config' && kind !== 'include') return this.#whole(path);
      throw refused(path, `it is a configuration that is not JSON5 (${messageOf(error)})`);
    }
    if (file.redacted === undefined) return this.#whole(path);
    this.redacted.push(...file.redacted.map((what) => ({ path, what })));
    // Comments and keys are left: what in them looks like a secret, or is known to be one.
    const { text, count } = cleanText('x.txt', file.content.toString('utf8'), this.#known);
    if (count > 0) this.redacted.push({ path, what: count === 1 ? '1 value' : `${count} values` });
    return Buffer.from(text);
  }

  #whole(path: string): Buffer {
    this.redacted.push({ path, what: 'all of it' });
    return Buffer.from(redactedMark);
  }

  #binary(path: string, bytes: Buffer): undefined {
    const inner = unpacked(bytes);
    if (holdsSecret(inner ?? bytes, this.#known))
      throw refused(path, 'it is no text, and something in it looks like a secret');
    this.notLookedInto.push(path);
  }

  #database(path: string, node: FileNode): FileNode {
    return withFile(this.#repository, node, (copy) => {
      try {
        const tables = redactDatabase(copy, this.#known);
        if (tables.length === 0) return node;
        this.redacted.push(
          ...tables.map(({ table, rows, values }) => ({ path, what: tableText(table, rows, values) })),
        );
        return this.#storedDatabase(node, copy);
      } catch (error) {
        if (error instanceof UnsureError) throw refused(path, error.message);
        if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_'))
          throw refused(path, `it is a database that cannot be read (${error.message})`);
        throw error;
      }
    });
  }

  #storedDatabase(node: FileNode, copy: string): FileNode {
    const pageBytes = pageBytesOf(copy);
    const fd = openSync(copy, 'r');
    try {
      const read: ReadBytes = (buffer, offset, count) => readSync(fd, buffer, offset, count, null);
      const bytes = fstatSync(fd).size;
      const { content, size } = runSteps(
        storePages(this.#scratch, read, bytes, pageBytes, undefined, () => {}),
      );
      return { ...node, size, content };
    } finally {
      closeSync(fd);
    }
  }

  #stored(node: FileNode, bytes: Buffer): FileNode {
    let at = 0;
    const read = (buffer: Uint8Array, offset: number, count: number): number => {
      const part = bytes.subarray(at, at + count);
      buffer.set(part, offset);
      at += part.length;
      return part.length;
    };
    const { content, size } = runSteps(storeContent(this.#scratch, read, bytes.length, undefined, () => {}));
    return { ...node, size, content };
  }

  #head(node: FileNode): Buffer {
    for (const piece of contentReader(this.#repository).readContent(node))
      return Buffer.from(piece.subarray(0, 100));
    return Buffer.alloc(0);
  }

  #read(node: FileNode): Buffer {
    return contentBytes(this.#repository, node);
  }

  async #breathe(): Promise<void> {
    if (performance.now() - this.#breathedMs < 50) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#breathedMs = performance.now();
    if (this.#environment.signal?.aborted) throw new InterruptedError('Interrupted; no archive was written');
  }
}

/** What a file is by its place: in a home as `config export` knows them, and configurations that lie outside. */
export function kindIn(source: SnapshotSource, path: string): BundleKind | undefined {
  if (source.kind === 'config' || source.kind === 'include') return source.kind;
  if (source.kind === 'credentials') return path === '' ? undefined : 'credentials';
  if (source.kind === 'agent') return /^auth[^/]*\.json$/.test(path) ? 'auth' : undefined;
  if (source.kind !== 'state') return undefined;
  return isConfigFile(source, path) ? 'config' : kindOfPath(path);
}

function isConfigFile(source: SnapshotSource, path: string): boolean {
  if (source.kind === 'config' || source.kind === 'include') return true;
  // OpenClaw keeps copies: openclaw.json.bak, openclaw.json.bak.1, …
  return source.kind === 'state' && configNames.some((name) => path === name || path.startsWith(`${name}.`));
}

function isText(bytes: Buffer): boolean {
  return !bytes.includes(0) && isUtf8(bytes.toString('latin1') as ByteString);
}

const unpackedBytesMax = 64 * 1024 * 1024;

/** What is inside a file that is compressed as a whole; undefined for any other. */
function unpacked(bytes: Buffer): Buffer | undefined {
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzip(bytes, { maxOutputLength: unpackedBytesMax });
    if (bytes.length > 4 && bytes.readUInt32LE(0) === 0xfd2fb528)
      return unzstdWhatIsThere(bytes, { maxOutputLength: unpackedBytesMax });
  } catch {
    return undefined; // it only begins like that, or is too large: looked at as it is
  }
  return undefined;
}

/** From the header of a database. */
function pageBytesOf(path: string): number {
  const head = Buffer.alloc(100);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  const field = head.readUInt16BE(16);
  return field === 1 ? 65_536 : field;
}

function tableText(table: string, rows: number, values: number): string {
  if (rows > 0) return `table ${table}: ${rows === 1 ? '1 row' : `${rows} rows`}`;
  return `table ${table}: ${values === 1 ? '1 value' : `${values} values`}`;
}

function refused(path: string, reason: string): ExuviaError {
  return new ExuviaError(`Cannot redact ${path}: ${reason}`, {
    code: 'ERR_REDACT',
    hint: 'Make a snapshot without it (exuvia backup create --exclude) and export that, or export without --redact.',
  });
}
