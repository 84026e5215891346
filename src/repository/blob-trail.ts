/**
 * Finds blobs that are asked for in the order in which they were stored: each is looked for right behind one that was found before, in
 * the directory of its pack. Three trails are kept: contents, the lists that describe them, and a blob from elsewhere between two neighbours.
 */
import type { PackedFrame } from '../codec/pack.ts';
import type { BlobId, PackId } from '../model/ids.ts';
import type { FramePlace } from './frame-reader.ts';
import type { BlobPlace } from './pack-index.ts';

/** Reading a directory takes as long as about so many look-ups, or twice as many: 3 to 5 ms where a pack is full. */
const metBeforeReading = 64;
/** About 100 KB each. The 36 of 1.5 GB were read 45 times while 32 were kept. */
const directoriesMax = 64;
const metMax = 10_000;
const trailsMax = 3;

type PackFrames = readonly { readonly place: FramePlace; readonly blobs: PackedFrame['blobs'] }[];

/** Where the last blob was found. */
interface Trail {
  readonly frames: PackFrames;
  frame: number;
  position: number;
}

export class BlobTrail {
  #trails: readonly Trail[] = [];
  /** Undefined for those that cannot be read. */
  readonly #directories = new Map<PackId, PackFrames | undefined>();
  readonly #met = new Map<PackId, number>();

  /** Undefined where it is none of those that are looked at. */
  next(id: BlobId): BlobPlace | undefined {
    for (const trail of this.#trails) {
      const place = step(trail, id);
      if (place !== undefined) return place;
    }
    return undefined;
  }

  /** Goes on behind this blob. `readFrames` gives the frames of a pack in which blobs may be looked for. */
  follow(
    { frame, position }: BlobPlace,
    readFrames: (pack: PackId) => readonly PackedFrame[] | undefined,
  ): void {
    const frames = this.#framesOf(frame.pack, readFrames);
    const at = frames?.findIndex(({ place }) => place.offset === frame.offset) ?? -1;
    if (frames === undefined || at < 0) return;
    this.#trails = [{ frames, frame: at, position }, ...this.#trails.slice(0, trailsMax - 1)];
  }

  clear(): void {
    this.#trails = [];
    this.#directories.clear();
    this.#met.clear();
  }

  #framesOf(
    pack: PackId,
    readFrames: (pack: PackId) => readonly PackedFrame[] | undefined,
  ): PackFrames | undefined {
    if (this.#directories.has(pack)) return this.#directories.get(pack);
    const count = (this.#met.get(pack) ?? 0) + 1;
    if (this.#met.size > metMax) this.#met.clear();
    this.#met.set(pack, count);
    if (count < metBeforeReading) return undefined;
    const frames = readFrames(pack)?.map(({ offset, bytes, blobs }) => ({
      place: { pack, offset, bytes },
      blobs,
    }));
    for (const oldest of this.#directories.keys()) {
      if (this.#directories.size < directoriesMax) break;
      this.#directories.delete(oldest);
    }
    this.#directories.set(pack, frames);
    return frames;
  }
}

/** The same blob once more, or the next one. */
function step(trail: Trail, id: BlobId): BlobPlace | undefined {
  const { frame, position } = trail;
  return (
    placeAt(trail, id, frame, position) ??
    placeAt(trail, id, frame, position + 1) ??
    placeAt(trail, id, frame + 1, 0)
  );
}

function placeAt(trail: Trail, id: BlobId, frame: number, position: number): BlobPlace | undefined {
  const found = trail.frames[frame];
  const blob = found?.blobs[position];
  if (found === undefined || blob?.id !== id) return undefined;
  trail.frame = frame;
  trail.position = position;
  return { frame: found.place, position, bytes: blob.bytes };
}
