/** What a dry run stores into: it looks into the repository, if there is one, and only counts what would be added. */
import { blobIdOf } from '../codec/hash.ts';
import { DamageError } from '../model/errors.ts';
import { type BlobId, blobIdFromBytes } from '../model/ids.ts';
import type { BlobKind, BlobStore, BlobStream, FileCache, NamedBlob } from '../model/store.ts';
import type { Repository } from '../repository/repository.ts';

export class DryStore implements BlobStore {
  readonly #repository: Repository | undefined;
  /** Nodes are kept: trees are compared before the run ends. Contents are only counted. */
  readonly #nodes = new Map<BlobId, Uint8Array>();
  readonly #contents = new Set<BlobId>();
  #addedBytes = 0;

  constructor(repository: Repository | undefined) {
    this.#repository = repository;
  }

  get addedBytes(): number {
    return this.#addedBytes;
  }

  get fileCache(): FileCache {
    return onlyKnowing(this.#repository?.fileCache);
  }

  hasBlob(id: BlobId): boolean {
    return this.#nodes.has(id) || this.#contents.has(id) || this.#repository?.hasBlob(id) === true;
  }

  presentBlobs(ids: readonly BlobId[]): ReadonlySet<BlobId> {
    const stored = this.#repository?.presentBlobs(ids);
    return new Set(ids.filter((id) => stored?.has(id) || this.hasBlob(id)));
  }

  readBlob(id: BlobId): Uint8Array {
    const blob = this.#nodes.get(id) ?? this.#repository?.readBlob(id);
    if (blob === undefined) throw new DamageError(`blob ${id.slice(0, 12)}`, 'no pack holds it');
    return blob;
  }

  writeBlob(kind: BlobKind, bytes: Uint8Array): BlobId {
    const id = this.idOf(bytes);
    if (!this.hasBlob(id)) this.#add(kind, id, bytes);
    return id;
  }

  writeBlobs(stream: BlobStream, blobs: readonly NamedBlob[]): void {
    const present = this.presentBlobs(blobs.map(({ id }) => id));
    // One may be given twice.
    for (const { id, bytes } of blobs)
      if (!present.has(id) && !this.hasBlob(id)) this.#add(stream, id, bytes);
  }

  idOf(bytes: Uint8Array): BlobId {
    return this.#repository?.idOf(bytes) ?? blobIdOf(bytes);
  }

  idOfHash(hash: Uint8Array): BlobId {
    return this.#repository?.idOfHash(hash) ?? blobIdFromBytes(hash);
  }

  #add(stream: BlobStream, id: BlobId, bytes: Uint8Array): void {
    this.#addedBytes += bytes.length;
    if (stream === 'tree') this.#nodes.set(id, Uint8Array.prototype.slice.call(bytes));
    else this.#contents.add(id);
  }
}

/** What is known of files, for a run that stores nothing: nothing may be believed of it next time. */
export function onlyKnowing(cache: FileCache | undefined): FileCache {
  return {
    get generation() {
      return cache?.generation ?? '';
    },
    known: (source, after) => cache?.known(source, after) ?? [],
    leaves: (source) => cache?.leaves(source) ?? [],
    blockDigests: (content) => cache?.blockDigests?.(content),
    remember() {},
    rememberLeaves() {},
    forget() {},
    discard() {},
  };
}
