/** The keys of an encrypted repository's packs. Those of a pack come from its header, and are kept while the repository is open. */
import { blobIdOf, isHashAt } from '../codec/hash.ts';
import type { PackKeys, RepositoryKeys } from '../codec/keys.ts';
import { type PackSealing, packHeaderBytes } from '../codec/pack.ts';
import type { RandomBytes } from '../model/clock.ts';
import { type BlobId, idBytes, type PackId } from '../model/ids.ts';

export class PackKeyring {
  readonly keys: RepositoryKeys;
  readonly #known = new Map<PackId, PackKeys>();

  constructor(keys: RepositoryKeys) {
    this.keys = keys;
  }

  /** For a pack to be written. */
  begin(id: PackId, random: RandomBytes): PackSealing {
    const sealing = this.keys.newPack(id, random(32));
    this.#known.set(id, sealing.keys);
    return sealing;
  }

  /** As far as the directory of a pack needs them. */
  forDirectory(id: PackId): PackKeys {
    return this.#known.get(id) ?? this.keys.outerPackKeys(id);
  }

  /** For the frames of a pack. `readHeader` gives its header, which is looked at once. */
  forFrames(id: PackId, readHeader: () => Uint8Array, place: string): PackKeys {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const keys = this.keys.openPack(id, readHeader().subarray(packHeaderBytes), place);
    if (this.#known.size >= packsKnownMax) this.#known.clear();
    this.#known.set(id, keys);
    return keys;
  }
}

/** A megabyte or two. */
const packsKnownMax = 5000;

/** The id of bytes in a repository; keyed where there is a key. */
export function blobIdIn(keyring: PackKeyring | undefined, bytes: Uint8Array): BlobId {
  return keyring === undefined ? blobIdOf(bytes) : keyring.keys.blobIdOf(bytes);
}

/** Whether it is the one that begins at `place` of `ids`. */
export function isBlobIdAt(
  keyring: PackKeyring | undefined,
  bytes: Uint8Array,
  ids: Buffer,
  place: number,
): boolean {
  return keyring === undefined
    ? isHashAt(bytes, ids, place)
    : keyring.keys.blobIdOf(bytes) === ids.toString('hex', place, place + idBytes);
}
