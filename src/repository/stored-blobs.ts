/** Blobs that are in packs, as they are read: where they are, the frames they are in, and what threads do of that. */
import type { PackDirectory } from '../codec/pack.ts';
import { DamageError, tellsUnreadable } from '../model/errors.ts';
import type { BlobId, PackId } from '../model/ids.ts';
import { ExpectedBlobs } from './expected-blobs.ts';
import { FileOrders } from './file-orders.ts';
import { FrameReader } from './frame-reader.ts';
import type { RepositoryLayout } from './layout.ts';
import { packPlace, readPackDirectory } from './pack-files.ts';
import type { BlobPlace, PackIndex } from './pack-index.ts';
import { PackProver } from './pack-prover.ts';

export class StoredBlobs {
  readonly frames: FrameReader;
  readonly orders: FileOrders;
  readonly prover: PackProver;
  readonly #layout: RepositoryLayout;
  readonly #index: PackIndex;
  readonly #expected = new ExpectedBlobs();

  constructor(layout: RepositoryLayout, index: PackIndex) {
    this.#layout = layout;
    this.#index = index;
    this.frames = new FrameReader(layout);
    this.prover = new PackProver(layout, this.frames);
    this.orders = new FileOrders(layout, (id) => this.#find(id));
  }

  /** @throws DamageError */
  read(id: BlobId): Uint8Array {
    const place = this.#expected.placeOf(id) ?? this.#find(id);
    if (place === undefined) throw new DamageError(`blob ${id.slice(0, 12)}`, 'no pack holds it');
    const frame = this.frames.read(place.frame);
    const blob = frame.blobs[place.position];
    if (blob?.length !== place.bytes || !this.frames.isBlob(frame, place.position, id)) {
      throw new DamageError(
        `blob ${id.slice(0, 12)} in ${packPlace(place.frame.pack)}`,
        'its bytes are not what was stored',
      );
    }
    return blob;
  }

  expect(ids: readonly BlobId[]): void {
    if (ids.length <= 1) return;
    const places = this.#index.findAll(ids, (pack) => this.#directoryOf(pack));
    this.#expected.add(places);
    this.frames.expect([...places.values()].map(({ frame }) => frame));
  }

  /** Nothing that was found so far is believed any more. */
  forget(): void {
    this.#expected.clear();
    this.frames.clear();
  }

  async close(): Promise<void> {
    await this.frames.close();
    await this.orders.close();
    await this.prover.close();
  }

  #find(id: BlobId): BlobPlace | undefined {
    return this.#index.findNext(id, (pack) => this.#directoryOf(pack));
  }

  /** Undefined where it cannot be read: what is wrong is told by who reads a blob of it. */
  #directoryOf(pack: PackId): PackDirectory | undefined {
    try {
      return readPackDirectory(this.#layout, pack).directory;
    } catch (error) {
      if (tellsUnreadable(error)) return undefined;
      throw error;
    }
  }
}
