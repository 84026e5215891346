/**
 * `backup check --repair`: a repository that is sound again, and nothing lost that could be kept.
 *
 * What can be read of damaged packs is copied to new ones, frame by frame and blob by blob; snapshots of which something is
 * gone are replaced by ones without it, marked so. Damaged packs and snapshot files are not deleted but moved to `damaged/`
 * in the repository, for whoever has another copy or better tools.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LostFile } from '../checker/lost-files.ts';
import { InterruptedError } from '../model/errors.ts';
import type { PackId, SnapshotId } from '../model/ids.ts';
import type { BlobMarks } from '../model/marks.ts';
import type { Snapshot, SnapshotRecord } from '../model/snapshot.ts';
import type { FileNode, TreeEntry } from '../model/tree.ts';
import { parametersName } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { markFile } from '../tree/closure.ts';
import { rewriteTree } from '../tree/rewrite.ts';
import { type CheckedRepository, RepositoryCheck } from './check-repository.ts';
import type { Environment } from './environment.ts';
import { findHome, findRepository, openToRepair, type PlaceOptions } from './places.ts';
import { replacementOf } from './replace-snapshots.ts';

export interface RepairedRepository {
  readonly repository: string;
  readonly dryRun: boolean;
  /** What was found before anything was done. */
  readonly checked: CheckedRepository;
  /** Blobs that could be read in damaged packs. */
  readonly salvagedBlobs: number;
  readonly replaced: readonly {
    readonly before: SnapshotId;
    /** Null when nothing is left of it, and in a dry run. */
    readonly after: SnapshotId | null;
    readonly lostPaths: readonly string[];
    readonly lostCount: number;
  }[];
  /** Snapshots whose damaged files were written again from what this machine knows of them. */
  readonly rewritten: readonly SnapshotId[];
  /** Whether the file that makes the folder a repository was (or would be) written anew. */
  readonly parametersRewritten: boolean;
  /** Files that were (or would be) moved out of use, relative to the repository. */
  readonly setAside: readonly string[];
  /** Snapshots whose files are gone: they do not count as missing any more. */
  readonly acknowledged: readonly SnapshotId[];
}

export async function repairRepository(
  environment: Environment,
  options: PlaceOptions & { readonly dryRun?: boolean },
): Promise<RepairedRepository> {
  const root = findRepository(environment, options, findHome(environment, options));
  await using repository = await openToRepair(environment, root, options.dryRun ? 'read' : 'maintain');
  if (options.dryRun) return await planRepair(environment, repository);
  using _only = repository.maintenance.lock(environment.lockWaitMs);
  return await new Repair(environment, repository).run();
}

async function planRepair(environment: Environment, repository: Repository): Promise<RepairedRepository> {
  repository.maintenance.beginVerifying();
  const check = new RepositoryCheck(environment, repository, { readData: true });
  const checked = await check.run(undefined);
  const damaged = repository.maintenance.findDamagedSnapshots();
  const unknown = damaged.filter(({ known }) => known === undefined).map(({ name }) => name);
  return {
    repository: repository.root,
    dryRun: true,
    checked,
    salvagedBlobs: 0,
    replaced: [...check.broken].map(([{ id }, lost]) => ({ before: id, after: null, ...lostOf(lost) })),
    parametersRewritten: repository.parametersDamage !== undefined,
    rewritten: damaged.flatMap(({ known }) => (known === undefined ? [] : [known.id])),
    setAside: [
      ...damagedParametersOf(repository),
      ...[...badPacksOf(check)].map((id) => `${id}.pack`),
      ...unknown,
    ],
    acknowledged: repository.vanishedSnapshots.map(({ id }) => id),
  };
}

function damagedParametersOf({ parametersDamage, root }: Repository): string[] {
  return parametersDamage !== undefined && existsSync(join(root, parametersName)) ? [parametersName] : [];
}

function badPacksOf(check: RepositoryCheck): Set<PackId> {
  return new Set([...check.badPacks, ...check.badFrames.map(({ pack }) => pack)]);
}

function lostOf(lost: readonly LostFile[]): { lostPaths: string[]; lostCount: number } {
  return {
    lostPaths: lost.slice(0, lostListedMax).map(({ path }) => path),
    lostCount: lost.reduce((sum, { entries }) => sum + entries, 0),
  };
}

const lostListedMax = 1000;

class Repair {
  readonly #environment: Environment;
  readonly #repository: Repository;

  constructor(environment: Environment, repository: Repository) {
    this.#environment = environment;
    this.#repository = repository;
  }

  async run(): Promise<RepairedRepository> {
    const { maintenance } = this.#repository;
    maintenance.beginVerifying();
    const check = new RepositoryCheck(this.#environment, this.#repository, { readData: true });
    const checked = await check.run(undefined);
    const bad = badPacksOf(check);
    const parametersRewritten = this.#repository.parametersDamage !== undefined;
    const keptParameters = parametersRewritten ? maintenance.rewriteParameters() : undefined;
    const salvagedBlobs = bad.size === 0 ? 0 : await this.#salvage(bad);
    const { marks, broken } = salvagedBlobs === 0 ? check : await this.#checkTrees();
    const damaged = maintenance.findDamagedSnapshots();
    const rewritten = maintenance.rewriteSnapshots(damaged);
    // Not what cannot be read from here on: a disk that fails now and then would have a sound snapshot go.
    const unreadable = damaged.filter((one) => !rewritten.includes(one)).map(({ name }) => name);
    const replacements = this.#replacements(broken, marks);
    const acknowledged = this.#repository.vanishedSnapshots.map(({ id }) => id);
    const old = new Set(replacements.map(({ before }) => before));
    const setAside = await maintenance.alone(this.#environment.lockWaitMs, () =>
      maintenance.setAside({ packs: bad, snapshots: old, unreadable, vanished: acknowledged }),
    );
    return {
      ...{ repository: this.#repository.root, dryRun: false, checked, salvagedBlobs, parametersRewritten },
      ...{ replaced: replacements, rewritten: rewritten.map(({ id }) => id), acknowledged },
      setAside: keptParameters === undefined ? setAside : [keptParameters, ...setAside],
    };
  }

  async #salvage(bad: ReadonlySet<PackId>): Promise<number> {
    this.#repository.mustBeAbleToAdd(); // what can be saved is copied first
    this.#environment.progress.step('Saving what can be read', { files: bad.size });
    const { progress, signal } = this.#environment;
    const count = await this.#repository.maintenance.salvage(bad, {
      isOver: () => signal?.aborted === true,
      onPack: () => progress.advance({ files: 1 }),
    });
    if (signal?.aborted)
      throw new InterruptedError(
        'Interrupted; packs and snapshots are where they were, and the repair can be run again',
      );
    return count;
  }

  /** Perhaps less is lost than it seemed. */
  async #checkTrees(): Promise<RepositoryCheck> {
    const check = new RepositoryCheck(this.#environment, this.#repository, {});
    await check.run(undefined);
    return check;
  }

  #replacements(
    broken: ReadonlyMap<Snapshot, readonly LostFile[]>,
    marks: BlobMarks,
  ): RepairedRepository['replaced'] {
    return [...broken].map(([snapshot, lost]) => {
      const record = this.#recordWithoutLost(snapshot, lost, marks);
      const isEmpty = record.sources.every(({ root }) => root === null);
      const after = isEmpty ? null : this.#repository.addSnapshot(record).id;
      return { before: snapshot.id, after, ...lostOf(lost) };
    });
  }

  #recordWithoutLost(snapshot: Snapshot, lost: readonly LostFile[], marks: BlobMarks): SnapshotRecord {
    const gone: FileNode[] = [];
    const options = { blobs: this.#repository, marks };
    const keeps = ({ node }: TreeEntry): boolean => {
      if (node.type !== 'file' || markFile(options, node)) return true;
      gone.push(node);
      return false;
    };
    const sources = snapshot.sources.map((source) => {
      const rewritten = rewriteTree({ blobs: this.#repository, keeps, onUnreadable: () => {} }, source.root);
      return { ...source, ...rewritten };
    });
    const { lostPaths, lostCount } = lostOf(lost);
    const entries = sources.reduce((sum, source) => sum + source.entries, 0);
    const stats = {
      ...snapshot.stats,
      // How many of the entries in unreadable parts were files, nobody knows any more.
      files: Math.min(entries, snapshot.stats.files - gone.length),
      totalBytes: snapshot.stats.totalBytes - gone.reduce((sum, { size }) => sum + size, 0),
    };
    const before = snapshot.lost?.paths ?? [];
    return replacementOf(snapshot, {
      sources,
      stats,
      lost: {
        reason: 'damage',
        paths: [...before, ...lostPaths].slice(0, lostListedMax),
        count: (snapshot.lost?.count ?? 0) + lostCount,
      },
    });
  }
}
