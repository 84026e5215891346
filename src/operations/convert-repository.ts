/**
 * `repository encrypt` and `decrypt`: the repository is made once more beside the old one, snapshot by snapshot, and takes its place
 * when all of it is there. A run that is cut off goes on where it was; until the end the old repository is in force.
 */
import { isEncrypted, type RepositoryParameters } from '../codec/parameters.ts';
import { DamageError, InterruptedError, NoRepositoryError, UsageError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { commitConversion, convertingFolder, finishConversion } from '../repository/conversion.ts';
import { repositoryLayout } from '../repository/layout.ts';
import { findParametersIn } from '../repository/parameters-file.ts';
import { type OpenOptions, Repository } from '../repository/repository.ts';
import { TreeTranslator } from '../tree/translate.ts';
import type { Environment } from './environment.ts';
import { newEncryptedRepository } from './new-keys.ts';
import { findHome, findRepository, type PlaceOptions } from './places.ts';
import { unlockRepository } from './unlock.ts';

export type ConversionGoal = 'encrypted' | 'plain';

export interface ConvertedRepository {
  readonly repository: string;
  readonly encrypted: boolean;
  /** All that there are; ids before the conversion go on naming them. */
  readonly snapshots: number;
  /** How many of them an earlier run that was cut off had converted. */
  readonly resumed: number;
}

/** @throws DamageError when something cannot be read: nothing is changed then */
export async function convertRepository(
  environment: Environment,
  options: PlaceOptions,
  goal: ConversionGoal,
): Promise<ConvertedRepository> {
  const root = findRepository(environment, options, findHome(environment, options));
  finishConversion(repositoryLayout(root), environment.lockWaitMs);
  const parameters = findParametersIn(root);
  if (parameters === undefined) throw new NoRepositoryError(root);
  if (isEncrypted(parameters) === (goal === 'encrypted'))
    throw new UsageError(
      `Repository ${root} is ${goal === 'encrypted' ? 'encrypted already' : 'not encrypted'}`,
    );
  const keys = isEncrypted(parameters)
    ? (await unlockRepository(environment, root, parameters)).keys
    : undefined;
  await using from = Repository.open(root, { ...openOptions(environment), mode: 'maintain', keys });
  using _only = from.maintenance.lock(environment.lockWaitMs);
  from.mustBeAbleToAdd();
  const [damage] = from.damage;
  if (damage !== undefined) throw damage;
  return await new Conversion(environment, from, goal).run();
}

function openOptions(environment: Environment): Omit<OpenOptions, 'mode'> {
  const { lockWaitMs, random, clock } = environment;
  return { lockWaitMs, random, nowMs: clock.nowMs() };
}

class Conversion {
  readonly #environment: Environment;
  readonly #from: Repository;
  readonly #goal: ConversionGoal;

  constructor(environment: Environment, from: Repository, goal: ConversionGoal) {
    this.#environment = environment;
    this.#from = from;
    this.#goal = goal;
  }

  async run(): Promise<ConvertedRepository> {
    const { root } = this.#from;
    const { lockWaitMs } = this.#environment;
    const to = await openTarget(this.#environment, root, this.#goal);
    let isOpen = true;
    try {
      const copy = new SnapshotCopy(this.#environment, this.#from, to);
      const resumed = copy.count;
      await copy.all(this.#from.listSnapshots());
      return await this.#from.maintenance.alone(lockWaitMs, async () => {
        // What others have added meanwhile; from here on there are no others.
        await copy.all(this.#from.maintenance.reloadSnapshots());
        const snapshots = to.listSnapshots().length;
        to.maintenance.replaceParameters(to.parameters); // what was opened and proven, in both its files
        await to[Symbol.asyncDispose]();
        isOpen = false;
        commitConversion(repositoryLayout(root));
        return { repository: root, encrypted: this.#goal === 'encrypted', snapshots, resumed };
      });
    } finally {
      if (isOpen) await to[Symbol.asyncDispose]();
    }
  }
}

async function openTarget(environment: Environment, root: string, goal: ConversionGoal): Promise<Repository> {
  const folder = convertingFolder(root);
  const options = { ...openOptions(environment), mode: 'append', create: true } as const;
  const begun = findParametersIn(folder);
  if (goal === 'plain') {
    refuseOther(begun, goal, folder);
    return Repository.open(folder, options);
  }
  if (begun === undefined)
    return Repository.open(folder, { ...options, ...(await newEncryptedRepository(environment, root)) });
  refuseOther(begun, goal, folder);
  const { keys } = await unlockRepository(environment, folder, begun);
  return Repository.open(folder, { ...options, keys });
}

/** What is left of a conversion the other way round. */
function refuseOther(begun: RepositoryParameters | undefined, goal: ConversionGoal, folder: string): void {
  if (begun === undefined || isEncrypted(begun) === (goal === 'encrypted')) return;
  throw new UsageError(`${folder} is left of another conversion`, 'Delete that folder, and try again.');
}

class SnapshotCopy {
  readonly #environment: Environment;
  readonly #to: Repository;
  readonly #trees: TreeTranslator;
  /** Ids here, by what they are converted from. */
  readonly #done = new Map<SnapshotId, SnapshotId>();

  constructor(environment: Environment, from: Repository, to: Repository) {
    this.#environment = environment;
    this.#to = to;
    const { progress } = environment;
    this.#trees = new TreeTranslator(from, to, (bytes) => progress.advance({ bytes }));
    for (const { id, original } of to.listSnapshots()) this.#done.set(original ?? id, id);
  }

  get count(): number {
    return this.#done.size;
  }

  async all(snapshots: readonly Snapshot[]): Promise<void> {
    for (const snapshot of snapshots) {
      await new Promise(setImmediate); // signals are heard
      if (this.#environment.signal?.aborted)
        throw new InterruptedError('Interrupted; the next run goes on, and the repository is as it was');
      this.#one(snapshot);
    }
  }

  #one(snapshot: Snapshot): void {
    const { id, replaces: _, ...record } = snapshot;
    const original = record.original ?? id;
    if (this.#done.has(original)) return;
    this.#environment.progress.step(`Converting snapshot ${id.slice(0, 8)}`, {
      bytes: record.stats.totalBytes,
    });
    const sources = record.sources.map((source) => ({ ...source, root: this.#tree(source.root, id) }));
    const parent = record.parent === null ? null : (this.#done.get(record.parent) ?? null);
    this.#done.set(original, this.#to.addSnapshot({ ...record, parent, sources, original }).id);
  }

  #tree(root: Snapshot['sources'][number]['root'], id: SnapshotId): Snapshot['sources'][number]['root'] {
    try {
      return this.#trees.tree(root);
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      throw new DamageError(
        `snapshot ${id.slice(0, 8)}`,
        `it cannot be converted: ${error.message}`,
        error,
        'Nothing was changed. Run exuvia backup check --repair, then try again.',
      );
    }
  }
}
