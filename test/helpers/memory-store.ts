import { blobIdOf } from '../../src/codec/hash.ts';
import { DamageError } from '../../src/model/errors.ts';
import { type BlobId, blobIdFromBytes } from '../../src/model/ids.ts';
import type { BlobKind, BlobStore, BlobStream, NamedBlob } from '../../src/model/store.ts';

/** A store in memory that counts what is written. */
export class MemoryStore implements BlobStore {
  readonly blobs = new Map<BlobId, Uint8Array>();
  written = 0;
  readBlobs = 0;

  hasBlob(id: BlobId): boolean {
    return this.blobs.has(id);
  }

  presentBlobs(ids: readonly BlobId[]): ReadonlySet<BlobId> {
    return new Set(ids.filter((id) => this.blobs.has(id)));
  }

  readBlob(id: BlobId): Uint8Array {
    this.readBlobs++;
    const blob = this.blobs.get(id);
    if (blob === undefined) throw new DamageError(`blob ${id}`, 'missing');
    return blob;
  }

  writeBlob(kind: BlobKind, bytes: Uint8Array): BlobId {
    const id = blobIdOf(bytes);
    this.writeBlobs(kind, [{ id, bytes }]);
    return id;
  }

  idOf(bytes: Uint8Array): BlobId {
    return blobIdOf(bytes);
  }

  idOfHash(hash: Uint8Array): BlobId {
    return blobIdFromBytes(hash);
  }

  writeBlobs(_stream: BlobStream, blobs: readonly NamedBlob[]): void {
    for (const { id, bytes } of blobs) {
      if (this.blobs.has(id)) continue;
      this.blobs.set(id, Buffer.from(bytes));
      this.written += bytes.length;
    }
  }
}
