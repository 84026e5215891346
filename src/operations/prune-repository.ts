/** `backup prune`: frees what no snapshot refers to any more. */
import { decodeNode } from '../codec/node-codec.ts';
import { type DamageError, ExuviaError, FileSystemError, InterruptedError } from '../model/errors.ts';
import type { BlobId, PackId, SnapshotId } from '../model/ids.ts';
import type { BlobMarks, BlobRole } from '../model/marks.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { FileContent } from '../model/tree.ts';
import { type PruneLimits, type PrunePlan, planPrune } from '../prune/plan.ts';
import type { IndexedMarks } from '../repository/indexed-marks.ts';
import type { Repository } from '../repository/repository.ts';
import { markTree } from '../tree/closure.ts';
import type { Environment } from './environment.ts';
import { findHome, findRepository, openRepository, type PlaceOptions } from './places.ts';

export interface PruneOptions {
  readonly dryRun?: boolean;
  readonly limits?: Partial<PruneLimits>;
  /** zstd level at which every pack is written again. */
  readonly recompress?: number;
  /** Repacking begins nothing new after this time; what is done by then counts. */
  readonly maxDurationMs?: number;
}

export interface PrunedRepository {
  readonly repository: string;
  readonly dryRun: boolean;
  readonly snapshots: number;
  readonly usedBlobs: number;
  readonly packsBefore: number;
  readonly packsRemoved: number;
  readonly packsRepacked: number;
  /** Packs that were to be repacked and were not: no space, no time left, or damage. */
  readonly packsLeft: number;
  /** Whether some were left because there was no space to write them again. */
  readonly lackedSpace: boolean;
  /** Lengths of all packs before and after, in bytes. A dry run counts what would stay unrepacked. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly freedBytes: number;
  /** What no snapshot refers to and stays, because moving the rest would cost more than it is worth. */
  readonly unusedBytes: number;
}

export async function pruneRepository(
  environment: Environment,
  options: PlaceOptions & PruneOptions,
): Promise<PrunedRepository> {
  const root = findRepository(environment, options, findHome(environment, options));
  await using repository = await openRepository(environment, root, options.dryRun ? 'read' : 'maintain');
  return await pruneIn(environment, repository, options);
}

/** The same for a repository that is open (to be maintained, unless it is a dry run). */
export async function pruneIn(
  environment: Environment,
  repository: Repository,
  options: PruneOptions,
): Promise<PrunedRepository> {
  if (options.dryRun) return await planAlone(environment, repository, options);
  using _only = repository.maintenance.lock(environment.lockWaitMs);
  return await new Prune(environment, repository, options).run();
}

async function planAlone(
  environment: Environment,
  repository: Repository,
  options: PruneOptions,
): Promise<PrunedRepository> {
  const prune = new Prune(environment, repository, options);
  const plan = await prune.plan();
  const freed = plan.removedBytes + plan.repackedUnusedBytes;
  return prune.result(plan, { repacked: plan.repack.length, freed, kept: plan.keptUnusedBytes });
}

const defaultLimits: PruneLimits = {
  maxUnusedRatio: 0.05,
  maxUnusedBytes: Number.POSITIVE_INFINITY,
  maxRepackBytes: Number.POSITIVE_INFINITY,
  repackAll: false,
  mustRepack: new Set(),
};

class Prune {
  readonly #environment: Environment;
  readonly #repository: Repository;
  readonly #options: PruneOptions;
  readonly #marks: IndexedMarks;
  readonly #roots = new Set<BlobId>();
  readonly #startedMs: number;
  #snapshots: readonly Snapshot[] = [];
  #lackedSpace = false;

  constructor(environment: Environment, repository: Repository, options: PruneOptions) {
    this.#environment = environment;
    this.#repository = repository;
    this.#options = options;
    this.#marks = repository.maintenance.loadMarks();
    this.#startedMs = environment.clock.nowMs();
  }

  async run(): Promise<PrunedRepository> {
    const { maintenance } = this.#repository;
    const { lockWaitMs } = this.#environment;
    const replaced = maintenance.superseded.map(({ id }) => id);
    await maintenance.removeSnapshots(new Set<SnapshotId>(replaced), lockWaitMs);
    const plan = await this.plan();
    const repacked = await this.#repack(plan);
    const removal = new Set<PackId>([...plan.remove.map(({ id }) => id), ...repacked]);
    const left = plan.repack.filter(({ id }) => !repacked.has(id));
    const kept = plan.keptUnusedBytes + left.reduce((sum, pack) => sum + pack.unusedBytes, 0);
    if (removal.size === 0) return this.result(plan, { repacked: 0, freed: 0, kept });
    this.#environment.progress.step('Removing packs');
    const grown = this.#repository.written.storedBytes;
    const removedBytes = await maintenance.alone(lockWaitMs, () => {
      // Backups that ended meanwhile may have used again what was to go.
      for (const pack of this.#packsUsedSince(removal)) removal.delete(pack);
      return maintenance.removePacks({
        packs: removal,
        isKept: (node) => isMarked(this.#marks, node),
      });
    });
    return this.result(plan, { repacked: repacked.size, freed: removedBytes - grown, kept });
  }

  /** Marks everything that is referred to. @throws DamageError when it cannot tell */
  async plan(): Promise<PrunePlan> {
    const { progress } = this.#environment;
    this.#snapshots = this.#repository.listSnapshots();
    this.#refuseUnreadable();
    progress.step('Finding what is used', { files: this.#snapshots.length });
    for (const snapshot of this.#snapshots) {
      this.#markSnapshot(snapshot, this.#marks);
      progress.advance({ files: 1 });
      await this.#breathe();
    }
    const { recompress, limits } = this.#options;
    const repackAll = recompress !== undefined;
    return planPrune(this.#marks.packUsage(), { ...defaultLimits, repackAll, ...limits });
  }

  result(
    plan: PrunePlan,
    done: { readonly repacked: number; readonly freed: number; readonly kept: number },
  ): PrunedRepository {
    const packs = [...plan.remove, ...plan.repack, ...plan.keep];
    const bytesBefore = packs.reduce((sum, pack) => sum + pack.bytes, 0);
    return {
      repository: this.#repository.root,
      dryRun: this.#options.dryRun ?? false,
      snapshots: this.#snapshots.length,
      usedBlobs: this.#marks.usedBlobs,
      packsBefore: packs.length,
      packsRemoved: plan.remove.length,
      packsRepacked: done.repacked,
      packsLeft: plan.repack.length - done.repacked,
      lackedSpace: this.#lackedSpace,
      bytesBefore,
      bytesAfter: bytesBefore - done.freed,
      freedBytes: done.freed,
      unusedBytes: done.kept,
    };
  }

  /** A snapshot that cannot be read may need anything. */
  #refuseUnreadable(): void {
    const unreadable = this.#repository.damage.find((error) => error.place.startsWith('snapshot'));
    if (unreadable !== undefined) throw cannotTell(unreadable);
  }

  #markSnapshot(snapshot: Snapshot, marks: BlobMarks): void {
    for (const { root } of snapshot.sources) {
      if (root === null || this.#roots.has(root)) continue;
      this.#roots.add(root);
      markTree(
        {
          blobs: this.#repository,
          marks,
          onBroken: (_id, _role, error) => {
            throw cannotTell(error);
          },
        },
        root,
      );
    }
  }

  async #repack(plan: PrunePlan): Promise<ReadonlySet<PackId>> {
    if (plan.repack.length === 0) return new Set();
    const { progress, signal, clock } = this.#environment;
    const { maxDurationMs = Number.POSITIVE_INFINITY, recompress } = this.#options;
    if (!this.#repository.canAdd) return this.#withoutSpace(this.#repository.whyNotToAdd());
    const sizes = new Map(plan.repack.map(({ id, bytes }) => [id, bytes]));
    progress.step('Repacking', { bytes: plan.repack.reduce((sum, { bytes }) => sum + bytes, 0) });
    const repacking = this.#repository.maintenance.repack(sizes.keys(), {
      // A copy in another pack stays there, as the marks have it.
      isWanted: (id, pack) => this.#marks.isUsed(id) && this.#marks.packOf(id) === pack,
      isOver: () => signal?.aborted === true || clock.nowMs() - this.#startedMs > maxDurationMs,
      onPack: (id) => progress.advance({ bytes: sizes.get(id) ?? 0 }),
      level: recompress,
    });
    const repacked = await repacking.catch((error: unknown) => {
      if (error instanceof FileSystemError && ['ENOSPC', 'EDQUOT'].includes(error.errno)) return error;
      throw error;
    });
    if (repacked instanceof Error) return this.#withoutSpace(repacked);
    const { done, damaged } = repacked;
    if (signal?.aborted) throw new InterruptedError('Interrupted; nothing was removed');
    for (const error of damaged) progress.warn(`${error.message}; the pack is kept`);
    return done;
  }

  /** What nothing refers to goes all the same, and makes room. */
  #withoutSpace(cause: Error): ReadonlySet<PackId> {
    this.#lackedSpace = true;
    this.#environment.progress.warn(
      `There is no space to repack; run exuvia backup prune again for the rest (${cause.message})`,
    );
    return new Set();
  }

  #packsUsedSince(removal: ReadonlySet<PackId>): Set<PackId> {
    const used = new Set<PackId>();
    const marks: BlobMarks = {
      bytesOf: (id) => this.#marks.bytesOf(id),
      getMark: (id, role) => this.#marks.getMark(id, role),
      setMark: (id, role, state) => {
        const pack = this.#repository.packOf(id);
        if (pack !== undefined && removal.has(pack)) used.add(pack);
        this.#marks.setMark(id, role, state);
      },
    };
    for (const snapshot of this.#repository.maintenance.reloadSnapshots())
      this.#markSnapshot(snapshot, marks);
    this.#refuseUnreadable();
    return used;
  }

  async #breathe(): Promise<void> {
    await new Promise(setImmediate);
    if (this.#environment.signal?.aborted) throw new InterruptedError('Interrupted; nothing was removed');
  }
}

function cannotTell(error: DamageError): ExuviaError {
  return new ExuviaError(`Cannot tell what is still needed: ${error.message}`, {
    code: 'ERR_DAMAGE',
    kind: 'damage',
    hint: 'Nothing was removed. Run exuvia backup check, and exuvia backup check --repair when it says so.',
    cause: error,
  });
}

/** Whether everything an encoded node refers to is marked, and so stays. */
function isMarked(marks: BlobMarks, encoded: Uint8Array): boolean {
  const node = decodeNode(encoded, 'known file');
  return (
    node.type !== 'file' ||
    references(node.content).every(([id, role]) => marks.getMark(id, role) === 'whole')
  );
}

function references(content: FileContent): (readonly [BlobId, BlobRole])[] {
  switch (content.kind) {
    case 'inline':
      return [];
    case 'blob':
      return [[content.id, 'data']];
    case 'chunks':
      return content.chunks.flatMap(({ id }) => (id === undefined ? [] : [[id, 'data'] as const]));
    case 'list':
      return [[content.root, 'list']];
    case 'pages':
      return [[content.base, 'base'], ...content.layers.map((id) => [id, 'layer'] as const)];
  }
}
