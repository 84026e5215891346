/**
 * `backup check`: proves that every snapshot can be restored. Named steps: packs (each directory), index (it agrees with
 * them), snapshots (each record), trees (all that they refer to is there), and with `--read-data` data (every stored byte
 * is what it was). Damage is told by its consequence: which file of which snapshot is lost.
 */
import { basename } from 'node:path';
import { findLostFiles, type LostFile } from '../checker/lost-files.ts';
import { DamageError, InterruptedError } from '../model/errors.ts';
import type { PackId } from '../model/ids.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { IndexedMarks } from '../repository/indexed-marks.ts';
import { parametersName } from '../repository/layout.ts';
import type { PackFound } from '../repository/maintenance.ts';
import type { Repository } from '../repository/repository.ts';
import type { BadFrame } from '../repository/verify-pack.ts';
import { markTree } from '../tree/closure.ts';
import type { Environment } from './environment.ts';
import { findHome, findRepository, openRepository, type PlaceOptions } from './places.ts';
import { findSnapshot } from './read-backups.ts';

/** Which packs are read as a whole: all, one part of so many, a random share, or so many bytes. */
export type DataSubset =
  | { readonly part: number; readonly of: number }
  | { readonly ratio: number }
  | { readonly bytes: number };

export interface CheckOptions {
  readonly readData?: boolean;
  readonly subset?: DataSubset;
}

export type CheckStep = 'parameters' | 'packs' | 'index' | 'snapshots' | 'trees' | 'data';

export interface CheckFinding {
  readonly step: CheckStep;
  /** `damage` loses something; `note` does not. */
  readonly severity: 'damage' | 'note';
  readonly place: string;
  readonly message: string;
  /** Of a file that cannot be restored. */
  readonly snapshot?: string;
  readonly path?: string;
  readonly source?: string;
  readonly entries?: number;
}

export interface CheckedRepository {
  readonly repository: string;
  readonly isSound: boolean;
  readonly snapshots: number;
  readonly packs: number;
  readonly blobs: number;
  /** Bytes of packs whose frames were all read and verified. */
  readonly readBytes: number;
  readonly steps: readonly { readonly name: CheckStep; readonly durationMs: number }[];
  readonly findings: readonly CheckFinding[];
  /** How many more than those there were. */
  readonly findingsLeftOut: number;
  /** Files that cannot be restored, in all snapshots together; `findings` names the first thousand. */
  readonly lostFiles: number;
}

/** @param references snapshots to look at; all without any */
export async function checkRepository(
  environment: Environment,
  options: PlaceOptions & CheckOptions,
  references: readonly string[],
): Promise<CheckedRepository> {
  const root = findRepository(environment, options, findHome(environment, options));
  await using repository = await openRepository(environment, root, 'read');
  const chosen = references.map((reference) => findSnapshot(environment, repository, reference));
  if (options.readData && chosen.length === 0) repository.maintenance.beginVerifying();
  const check = new RepositoryCheck(environment, repository, options);
  return await check.run(chosen.length > 0 ? chosen : undefined);
}

const findingsMax = 1000;

export class RepositoryCheck {
  readonly #environment: Environment;
  readonly #repository: Repository;
  readonly #options: CheckOptions;
  readonly #steps: { name: CheckStep; durationMs: number }[] = [];
  readonly #findings: CheckFinding[] = [];
  readonly #packs = new Map<PackId, PackFound>();
  readonly badPacks: PackId[] = [];
  readonly badFrames: BadFrame[] = [];
  /** Snapshots of which something is lost. */
  readonly broken = new Map<Snapshot, readonly LostFile[]>();
  #marks: IndexedMarks;
  readonly #readPacks: PackId[] = [];
  #hasNewDamage = false;
  #readBytes = 0;
  #lostFiles = 0;
  #leftOut = 0;
  #isSound = true;

  constructor(environment: Environment, repository: Repository, options: CheckOptions) {
    this.#environment = environment;
    this.#repository = repository;
    this.#options = options;
    this.#marks = repository.maintenance.loadMarks();
  }

  get marks(): IndexedMarks {
    return this.#marks;
  }

  async run(chosen: readonly Snapshot[] | undefined): Promise<CheckedRepository> {
    this.#checkParameters();
    // Where all of them are read, threads begin beside this and the next steps.
    const readsAll = this.#options.readData === true && chosen === undefined;
    await this.#step('packs', () => this.#checkPacks(readsAll));
    await this.#step('index', () => this.#checkIndex());
    await this.#step('snapshots', () => this.#checkSnapshots());
    const snapshots = chosen ?? this.#repository.listSnapshots();
    await this.#step('trees', () => this.#markTrees(snapshots));
    if (this.#options.readData || this.#options.subset !== undefined) {
      await this.#step('data', () => this.#readData(chosen !== undefined));
      if (this.#hasNewDamage) await this.#markAgain(snapshots);
    }
    this.#addKnownDamage();
    await this.#nameLost(snapshots);
    return this.#result(snapshots.length);
  }

  async #step(name: CheckStep, work: () => Promise<void>): Promise<void> {
    const { clock, signal } = this.#environment;
    const startedMs = clock.nowMs();
    await work();
    this.#steps.push({ name, durationMs: Math.round(clock.nowMs() - startedMs) });
    if (signal?.aborted) throw new InterruptedError('Interrupted; the check is not complete');
  }

  /** Without them a repository is opened by a repair only. */
  #checkParameters(): void {
    const { parametersDamage: error } = this.#repository;
    if (error === undefined) return;
    const isDamage = error instanceof DamageError;
    const place = isDamage ? basename(error.place) : parametersName;
    this.#add({
      step: 'parameters',
      severity: 'damage',
      place,
      message: isDamage ? error.detail : error.message,
    });
  }

  async #checkPacks(readsAll: boolean): Promise<void> {
    this.#environment.progress.step('Checking packs', { files: this.#repository.totals().packs });
    let done = 0;
    for (const { id, found } of this.#repository.maintenance.packDirectories()) {
      if (found instanceof Error) {
        this.badPacks.push(id);
        this.#add({ step: 'packs', severity: 'damage', place: found.place, message: found.detail });
      } else {
        this.#packs.set(id, found);
        if (readsAll) this.#expectData([found]);
      }
      this.#environment.progress.advance({ files: 1 });
      if (++done % 50 === 0) await this.#breathe();
    }
  }

  /** The index is this machine's and can be made anew: a wrong one loses nothing. */
  async #checkIndex(): Promise<void> {
    let foundHere = 0;
    // Packs that came since the marks were loaded are of backups at work beside this check.
    const known = this.#marks.packs;
    let isRight = known.every((id) => this.#packs.has(id));
    for (const { directory, knownBad } of known.flatMap((id) => this.#packs.get(id) ?? [])) {
      const frames = directory.frames.filter(({ offset }) => !knownBad.has(offset));
      const compared = this.#marks.compareDirectory({ ...directory, frames });
      isRight &&= compared.isKnown;
      foundHere += compared.foundHere;
    }
    if (isRight && foundHere === this.#marks.blobs) return;
    const message = 'It did not agree with the packs and was made anew';
    if (this.badPacks.length === 0) this.#add({ step: 'index', severity: 'note', place: 'index', message });
    this.#repository.rebuildIndex();
    this.#marks = this.#repository.maintenance.loadMarks();
  }

  async #checkSnapshots(): Promise<void> {
    for (const { name, error, known } of this.#repository.maintenance.findDamagedSnapshots()) {
      const message =
        known === undefined ? error.detail : `${error.detail}; this machine knows what was in it`;
      this.#add({ step: 'snapshots', severity: 'damage', place: `snapshot file ${name}`, message });
    }
    for (const { id, time } of this.#repository.vanishedSnapshots) {
      const place = `snapshot ${id.slice(0, 8)}`;
      const message = `The snapshot of ${time} was in the repository, was not forgotten, and its file is gone`;
      this.#add({ step: 'snapshots', severity: 'damage', place, message, snapshot: id });
    }
  }

  async #markTrees(snapshots: readonly Snapshot[]): Promise<void> {
    this.#environment.progress.step('Checking trees', { files: snapshots.length });
    for (const { sources } of snapshots) {
      for (const { root } of sources) markTree({ blobs: this.#repository, marks: this.#marks }, root);
      this.#environment.progress.advance({ files: 1 });
      await this.#breathe();
    }
  }

  async #readData(onlyUsed: boolean): Promise<void> {
    this.#repository.useContentsOnce();
    const packs = this.#chosenPacks(onlyUsed);
    if (onlyUsed || !this.#options.readData) this.#expectData(packs);
    const bytes = packs.reduce((sum, { packBytes }) => sum + packBytes, 0);
    this.#environment.progress.step('Reading data', { bytes });
    for (const { directory, packBytes, knownBad } of packs) {
      this.#readPacks.push(directory.id);
      const before = this.badFrames.length;
      for (const { bytes: frameBytes, bad } of this.#repository.maintenance.verifyFrames(directory)) {
        this.#environment.progress.advance({ bytes: frameBytes });
        if (bad === undefined) continue;
        this.badFrames.push(bad);
        this.#add({ step: 'data', severity: 'damage', place: bad.place, message: bad.detail });
      }
      const offsets = this.badFrames.slice(before).map(({ offset }) => offset);
      this.#hasNewDamage ||=
        offsets.length !== knownBad.size || offsets.some((offset) => !knownBad.has(offset));
      this.#readBytes += packBytes;
      await this.#breathe();
    }
  }

  #expectData(packs: readonly PackFound[]): void {
    this.#repository.maintenance.expectVerified(packs.map(({ directory }) => directory));
  }

  #chosenPacks(onlyUsed: boolean): PackFound[] {
    const { subset } = this.#options;
    const used = new Set(
      onlyUsed ? this.#marks.packUsage().flatMap(({ id, usedBlobs }) => (usedBlobs > 0 ? [id] : [])) : [],
    );
    const packs = [...this.#packs].filter(([id]) => !onlyUsed || used.has(id));
    packs.sort(([a], [b]) => (a < b ? -1 : 1));
    const found = packs.map(([, pack]) => pack);
    if (subset === undefined || this.#options.readData) return found;
    if ('part' in subset) return found.filter((_, index) => index % subset.of === subset.part - 1);
    const total = found.reduce((sum, { packBytes }) => sum + packBytes, 0);
    const wanted = 'ratio' in subset ? total * subset.ratio : subset.bytes;
    return takeBytes(shuffled(found, this.#environment.random), wanted);
  }

  /** What earlier checks found, in packs that this one does not read. */
  #addKnownDamage(): void {
    const read = new Set(this.#readPacks);
    for (const [id, { knownBad }] of this.#packs) {
      if (read.has(id)) continue;
      for (const [offset, message] of knownBad) {
        const place = `pack ${id.slice(0, 12)}, frame at byte ${offset}`;
        this.#add({ step: 'data', severity: 'damage', place, message });
      }
    }
  }

  async #markAgain(snapshots: readonly Snapshot[]): Promise<void> {
    this.#repository.maintenance.rememberDamage(this.#readPacks, this.badFrames);
    this.#repository.rebuildIndex();
    this.#marks = this.#repository.maintenance.loadMarks();
    await this.#markTrees(snapshots);
  }

  async #nameLost(snapshots: readonly Snapshot[]): Promise<void> {
    const options = { blobs: this.#repository, marks: this.#marks };
    for (const snapshot of snapshots) {
      const lost: LostFile[] = [];
      for (const source of snapshot.sources) {
        for (const file of findLostFiles(options, source)) {
          lost.push(file);
          this.#addLost(snapshot, source.path, file);
        }
      }
      if (lost.length > 0) this.broken.set(snapshot, lost);
      await this.#breathe();
    }
  }

  #addLost(snapshot: Snapshot, source: string, { path, entries, message }: LostFile): void {
    this.#lostFiles += entries;
    this.#add({
      step: 'trees',
      severity: 'damage',
      place: `snapshot ${snapshot.id.slice(0, 8)}, ${placeOfLost(source, path, entries)}`,
      message: `cannot be restored: ${message}`,
      snapshot: snapshot.id,
      source,
      path,
      entries,
    });
  }

  #add(finding: CheckFinding): void {
    if (finding.severity === 'damage') this.#isSound = false;
    if (this.#findings.length < findingsMax) this.#findings.push(finding);
    else this.#leftOut++;
  }

  #result(snapshots: number): CheckedRepository {
    return {
      repository: this.#repository.root,
      isSound: this.#isSound,
      snapshots,
      packs: this.#packs.size + this.badPacks.length,
      blobs: this.#marks.blobs,
      readBytes: this.#readBytes,
      steps: this.#steps,
      findings: this.#findings,
      findingsLeftOut: this.#leftOut,
      lostFiles: this.#lostFiles,
    };
  }

  async #breathe(): Promise<void> {
    await new Promise(setImmediate);
    if (this.#environment.signal?.aborted)
      throw new InterruptedError('Interrupted; the check is not complete');
  }
}

function placeOfLost(source: string, path: string, entries: number): string {
  if (path === '') return `all ${entries} entries of ${source}`;
  return entries === 1 ? `file ${path}` : `${entries} entries up to ${path}`;
}

function takeBytes(packs: readonly PackFound[], bytes: number): PackFound[] {
  let sum = 0;
  return packs.filter(({ packBytes }) => {
    const isWanted = sum < bytes;
    if (isWanted) sum += packBytes;
    return isWanted;
  });
}

function shuffled<T>(items: readonly T[], random: (count: number) => Uint8Array): T[] {
  const keyed = items.map((item) => ({ item, key: Buffer.from(random(6)).readUIntBE(0, 6) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
