/** Where the blobs are that were said to be read next: those of late, whatever many are expected in all. */
import type { BlobId } from '../model/ids.ts';
import type { BlobPlace } from './pack-index.ts';

const blobsMax = 8192;

export class ExpectedBlobs {
  #places = new Map<BlobId, BlobPlace>();
  /** What was said before those. */
  #placesBefore = new Map<BlobId, BlobPlace>();

  add(places: Iterable<readonly [BlobId, BlobPlace]>): void {
    if (this.#places.size > blobsMax) {
      this.#placesBefore = this.#places;
      this.#places = new Map();
    }
    for (const [id, place] of places) this.#places.set(id, place);
  }

  placeOf(id: BlobId): BlobPlace | undefined {
    return this.#places.get(id) ?? this.#placesBefore.get(id);
  }

  clear(): void {
    this.#places.clear();
    this.#placesBefore.clear();
  }
}
