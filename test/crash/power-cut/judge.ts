/**
 * Says what is wrong with the files a power cut left, with the program's own decoders and without its index: the packs and
 * snapshots alone must do. What a file's bytes say is worked out once for all states that hold them.
 */
import { decodeFrame } from '../../../src/codec/frame.ts';
import { blobIdOf, hashBytes } from '../../../src/codec/hash.ts';
import { hashOfContent } from '../../../src/codec/node-codec.ts';
import {
  decodePackEnd,
  decodePackTrailer,
  type PackDirectory,
  type PackedFrame,
  packHeaderBytes,
  packTrailerBytes,
} from '../../../src/codec/pack.ts';
import { parseParameters } from '../../../src/codec/parameters.ts';
import { decodeSnapshot, snapshotIdOfFileName } from '../../../src/codec/snapshot-codec.ts';
import { DamageError } from '../../../src/model/errors.ts';
import { asBuffer, type BlobId, type SnapshotId } from '../../../src/model/ids.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import type { BlobReader } from '../../../src/model/store.ts';
import { contentReader } from '../../../src/tree/content.ts';
import { openTree } from '../../../src/tree/tree.ts';
import type { Promises } from './promises.ts';
import type { SeenFile, SeenTree } from './states.ts';

export type Rule =
  /** A snapshot that was reported done is gone, damaged or not complete. */
  | 'acknowledged snapshot'
  /** A snapshot is there and reads well, and something it refers to is not. */
  | 'complete snapshot'
  /** A file has its name and not its bytes; nothing depends on it yet, but it looks like damage. */
  | 'whole file'
  | 'parameters'
  /** A snapshot that was reported forgotten is back. */
  | 'forgotten snapshot'
  /** A snapshot that another one stands for counts again. */
  | 'replaced snapshot'
  /** A restored file is neither old nor new, or not new after the restore was reported done. */
  | 'restored file';

export interface Violation {
  readonly rule: Rule;
  /** Id of a snapshot, or path of a file. */
  readonly subject: string;
  readonly text?: string;
}

/** What can be read of a pack; `damage` says why that is not all. */
type Pack = { readonly blobs: ReadonlyMap<BlobId, Uint8Array>; readonly damage: string | undefined };
type Read<T> = { readonly value: T } | { readonly damage: string };

const mayBeDamaged: ReadonlySet<Rule> = new Set<Rule>(['whole file', 'complete snapshot']);

export class Judge {
  readonly #repository: string;
  readonly #packs = new Map<string, Pack>();
  readonly #snapshots = new Map<string, Read<Snapshot>>();
  readonly #parameters = new Map<string, Read<string>>();
  /** For a snapshot and the packs there are: undefined when it is complete. */
  readonly #completeness = new Map<string, string | undefined>();
  readonly #reachable = new Map<string, readonly BlobId[]>();

  constructor(repository: string) {
    this.#repository = repository;
  }

  judge({ files, folders }: SeenTree, promises: Promises): Violation[] {
    const violations: Violation[] = [];
    const packs = this.#visiblePacks(files, violations);
    this.#judgeSnapshots(files, packs, promises, violations);
    this.#judgeParameters(files, promises, violations);
    if (files.has(`${this.#repository}/exuvia-repository.json`)) {
      for (const folder of ['packs', 'snapshots'].filter(
        (name) => !folders.has(`${this.#repository}/${name}`),
      ))
        violations.push({ rule: 'parameters', subject: folder, text: 'gone' });
    }
    judgeRestored(files, promises, violations);
    return violations.filter(
      ({ rule, subject }) => !mayBeDamaged.has(rule) || !promises.damaged.has(subject),
    );
  }

  #visiblePacks(files: ReadonlyMap<string, SeenFile>, violations: Violation[]): Map<string, Pack> {
    const packs = new Map<string, Pack>();
    for (const [path, file] of files) {
      if (!path.startsWith(`${this.#repository}/packs/`)) continue;
      const pack = remembered(this.#packs, file.key, () => readPack(file.bytes(), path));
      packs.set(file.key, pack);
      if (pack.damage !== undefined)
        violations.push({ rule: 'whole file', subject: path, text: pack.damage });
    }
    return packs;
  }

  #judgeSnapshots(
    files: ReadonlyMap<string, SeenFile>,
    packs: ReadonlyMap<string, Pack>,
    promises: Promises,
    violations: Violation[],
  ): void {
    const packsKey = [...packs.keys()].sort().join();
    const good = new Set<string>();
    const here: Snapshot[] = [];
    const incomplete: Violation[] = [];
    for (const [path, file] of files) {
      if (!path.startsWith(`${this.#repository}/snapshots/`)) continue;
      const id = snapshotIdOfFileName(path.slice(path.lastIndexOf('/') + 1));
      if (id === undefined) {
        violations.push({ rule: 'whole file', subject: path, text: "a name that is not a snapshot's" });
        continue;
      }
      if (promises.forgotten.has(id)) violations.push({ rule: 'forgotten snapshot', subject: id });
      const read = remembered(this.#snapshots, `${id} ${file.key}`, () => readSnapshot(file.bytes(), id));
      if ('damage' in read) {
        violations.push({ rule: 'whole file', subject: path, text: read.damage });
        continue;
      }
      here.push(read.value);
      const missing = this.#incompleteness(read.value, packs, packsKey);
      if (missing === undefined) good.add(id);
      else incomplete.push({ rule: 'complete snapshot', subject: id, text: missing });
    }
    const hidden = new Set(here.map((snapshot) => snapshot.replaces));
    // What another one stands for does not count, and an interrupted repair may have left it.
    violations.push(...incomplete.filter(({ subject }) => !hidden.has(subject as SnapshotId)));
    for (const { id } of here) {
      if (promises.replaced.has(id) && !hidden.has(id))
        violations.push({ rule: 'replaced snapshot', subject: id });
    }
    for (const id of promises.acknowledged) {
      if (!good.has(id)) violations.push({ rule: 'acknowledged snapshot', subject: id });
    }
  }

  #incompleteness(
    snapshot: Snapshot,
    packs: ReadonlyMap<string, Pack>,
    packsKey: string,
  ): string | undefined {
    const key = `${snapshot.id} ${packsKey}`;
    if (this.#completeness.has(key)) return this.#completeness.get(key);
    const missing = this.#findMissing(snapshot, [...packs.values()]);
    this.#completeness.set(key, missing);
    return missing;
  }

  #findMissing(snapshot: Snapshot, packs: readonly Pack[]): string | undefined {
    const find = (id: BlobId) => packs.find((pack) => pack.blobs.has(id))?.blobs.get(id);
    const reachable = this.#reachable.get(snapshot.id);
    if (reachable !== undefined) return reachable.find((id) => find(id) === undefined);
    const seen = new Set<BlobId>();
    const blobs: BlobReader = {
      readBlob(id) {
        const blob = find(id);
        if (blob === undefined) throw new DamageError(`blob ${id.slice(0, 12)}`, 'no pack holds it');
        seen.add(id);
        return blob;
      },
    };
    const damage = damageOf(() => readAll(snapshot, blobs));
    if (damage === undefined) this.#reachable.set(snapshot.id, [...seen]);
    return damage;
  }

  #judgeParameters(files: ReadonlyMap<string, SeenFile>, promises: Promises, violations: Violation[]): void {
    const path = `${this.#repository}/exuvia-repository.json`;
    const file = files.get(path);
    if (file === undefined) {
      if (promises.acknowledged.size > 0)
        violations.push({ rule: 'parameters', subject: path, text: 'gone' });
      return;
    }
    const read = remembered(this.#parameters, file.key, () => {
      const text = asBuffer(file.bytes()).toString('utf8');
      const damage = damageOf(() => parseParameters(text, 'parameters'));
      return damage === undefined ? { value: text } : { damage };
    });
    if ('damage' in read) violations.push({ rule: 'parameters', subject: path, text: read.damage });
  }
}

function judgeRestored(
  files: ReadonlyMap<string, SeenFile>,
  promises: Promises,
  violations: Violation[],
): void {
  for (const [path, [before, after]] of promises.restoring) {
    const bytes = files.get(path)?.bytes() ?? null;
    if (isSame(bytes, after) || (!promises.isRestored && isSame(bytes, before))) continue;
    const text = bytes === null ? 'gone' : `${bytes.length} bytes`;
    violations.push({ rule: 'restored file', subject: path, text });
  }
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a === b || asBuffer(a).equals(b);
}

function remembered<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

/** What is damaged, or undefined when `work` went well. Any other error is the program's, and ends the test. */
function damageOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof DamageError) return error.message;
    throw error;
  }
}

function readPack(bytes: Uint8Array, path: string): Pack {
  const blobs = new Map<BlobId, Uint8Array>();
  const bad: string[] = [];
  const damage = damageOf(() => {
    for (const frame of readDirectory(asBuffer(bytes), path).frames) {
      const frameDamage = damageOf(() => readFrame(asBuffer(bytes), frame, path, blobs));
      if (frameDamage !== undefined) bad.push(frameDamage);
    }
  });
  return { blobs, damage: damage ?? bad[0] };
}

function readDirectory(file: Buffer, path: string): PackDirectory {
  if (file.length < packHeaderBytes + packTrailerBytes) throw new DamageError(path, 'cut short');
  const { directoryOffset } = decodePackTrailer(file.subarray(-packTrailerBytes), file.length, path);
  const header = file.subarray(0, packHeaderBytes);
  const directory = decodePackEnd(header, file.subarray(directoryOffset), file.length, path);
  if (!path.endsWith(`${directory.id}.pack`)) throw new DamageError(path, `holds pack ${directory.id}`);
  return directory;
}

function readFrame(file: Buffer, frame: PackedFrame, path: string, blobs: Map<BlobId, Uint8Array>): void {
  const decoded = decodeFrame(file.subarray(frame.offset, frame.offset + frame.bytes), path);
  for (const [position, { id }] of frame.blobs.entries()) {
    const blob = decoded.blobs[position];
    if (blob === undefined || blobIdOf(blob) !== id) throw new DamageError(path, `blob ${id} is another`);
    blobs.set(id, blob);
  }
}

function readSnapshot(bytes: Uint8Array, id: string): Read<Snapshot> {
  let snapshot: Snapshot | undefined;
  const damage = damageOf(() => {
    snapshot = decodeSnapshot(bytes, 'snapshot');
    if (snapshot.id !== id) throw new DamageError('snapshot', `holds ${snapshot.id}`);
  });
  return snapshot === undefined || damage !== undefined ? { damage: damage ?? '' } : { value: snapshot };
}

/** Reads every entry and every byte of every file. @throws DamageError */
function readAll(snapshot: Snapshot, blobs: BlobReader): void {
  const content = contentReader(blobs);
  for (const source of snapshot.sources) {
    for (const { node } of openTree(blobs, source.root as BlobId | null).entries()) {
      if (node.type !== 'file') continue;
      const bytes = Buffer.concat([...content.readContent(node)].map((piece) => Buffer.from(piece)));
      const wanted = hashOfContent(node.content);
      if (bytes.length !== node.size || (wanted !== undefined && wanted !== hexOf(bytes)))
        throw new DamageError('file', 'is not what was stored');
    }
  }
}

function hexOf(bytes: Buffer): string {
  return asBuffer(hashBytes(bytes)).toString('hex');
}
