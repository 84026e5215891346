/**
 * Writes a snapshot, or as much of it as the caller's trees show, as one archive. Every byte follows from the snapshot: no
 * clock, no environment, no version of today. The same snapshot gives the same archive anywhere and at any time (`.tar.zst`
 * as long as the libzstd inside Node is the same).
 */
import { AgeWriter } from '../codec/age-stream.ts';
import { InterruptedError } from '../model/errors.ts';
import type { Progress } from '../model/progress.ts';
import type { Snapshot, SnapshotSource } from '../model/snapshot.ts';
import type { ContentReader, TreeReader } from '../model/store.ts';
import { type ArchiveLayout, placesOf, type WrittenFormat } from './layouts.ts';
import { MemberWriter } from './write-members.ts';
import { ArchiveFile, sinkOf } from './write-output.ts';
import type { ArchivePlan, LeftOut, PlacedSource } from './write-plan.ts';
import { TarWriter } from './write-tar.ts';

export { formatOfName } from './layouts.ts';

export interface ArchiveSource {
  readonly source: SnapshotSource;
  readonly tree: TreeReader;
}

export interface ArchiveOptions {
  readonly layout: ArchiveLayout;
  readonly format: WrittenFormat;
  /** Told of each member; the steps are the caller's. */
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** Replaces a file that has the name already. */
  readonly overwrite?: boolean;
  /** Of an age file around the archive: its header, what it wraps, and 16 random bytes. */
  readonly encryption?: {
    readonly header: Uint8Array;
    readonly fileKey: Uint8Array;
    readonly nonce: Uint8Array;
  };
  /** What makes the temporary name beside `path` one that nothing else uses. */
  readonly unique: string;
}

export interface WrittenArchive {
  readonly path: string;
  readonly format: WrittenFormat;
  readonly layout: ArchiveLayout;
  /** Members: files, folders and links, without the archive's own files. */
  readonly entries: number;
  readonly bytes: number;
  /** Of the archive file, in hex. */
  readonly sha256: string;
  /** What of the trees is not in the archive. */
  readonly leftOut: readonly LeftOut[];
}

/**
 * Writes `path`, 0600. It appears whole or not at all; an error leaves nothing behind. Memory does not grow with the sizes of files,
 * and by about 250 bytes for each member.
 * @throws FileSystemError, DamageError from `content`, InterruptedError, and ERR_ARCHIVE_EXISTS
 */
export async function writeArchive(
  path: string,
  snapshot: Snapshot,
  sources: readonly ArchiveSource[],
  content: ContentReader,
  options: ArchiveOptions,
): Promise<WrittenArchive> {
  const { layout, format, overwrite = false } = options;
  using file = new ArchiveFile(path, options.unique, overwrite);
  const age =
    options.encryption &&
    new AgeWriter(options.encryption, options.encryption.nonce, (bytes) => file.write(bytes));
  const expectedBytes = snapshot.stats.totalBytes;
  await using sink = sinkOf(format, expectedBytes, age ?? file);
  content.expectBytes?.(expectedBytes, sink.doSome);
  const pace = pacer(() => sink.drained(), options.signal);
  const tar = new TarWriter((bytes) => sink.write(bytes), pace);
  const members = new MemberWriter(tar, content, options.progress);
  await members.writeAll(planArchive(snapshot, sources, layout));
  tar.finish();
  await sink.finish();
  age?.finish();
  const sha256 = file.publish(overwrite);
  const { entries, leftOut } = members;
  return { path, format, layout, entries, bytes: file.bytes, sha256, leftOut };
}

function planArchive(
  snapshot: Snapshot,
  sources: readonly ArchiveSource[],
  layout: ArchiveLayout,
): ArchivePlan {
  const places = placesOf(
    layout,
    sources.map(({ source }) => source),
    { time: snapshot.time, home: snapshot.host.home },
  );
  const placed = places.flatMap((place, index): PlacedSource[] => {
    const at = sources[index];
    return at === undefined ? [] : [{ ...at, place, empty: isEmpty(at.tree) }];
  });
  return { snapshot, layout, sources: placed };
}

function isEmpty(tree: TreeReader): boolean {
  for (const _ of tree.entries()) return false;
  return true;
}

const yieldEveryMs = 50;

/** Waits for room, lets signals and timers have their turn now and then, and stops the run when it is asked to. */
function pacer(
  room: () => Promise<void> | undefined,
  signal: AbortSignal | undefined,
): () => Promise<void> | undefined {
  let yieldedMs = performance.now();
  const wait = async (forRoom: Promise<void> | undefined): Promise<void> => {
    await (forRoom ?? new Promise(setImmediate));
    yieldedMs = performance.now();
  };
  return () => {
    if (signal?.aborted) throw new InterruptedError('Interrupted; no archive was written');
    const waiting = room();
    const isLong = performance.now() - yieldedMs > yieldEveryMs;
    return waiting === undefined && !isLong ? undefined : wait(waiting);
  };
}
