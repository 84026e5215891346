/**
 * `backup purge`: takes files out of every snapshot and out of the packs, so that nothing of them is left in the
 * repository. Archives and copies made before still have them.
 */
import { ExuviaError, UsageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { displayKey } from '../model/paths.ts';
import type { Snapshot, SnapshotRecord, SnapshotSource } from '../model/snapshot.ts';
import type { TreeEntry } from '../model/tree.ts';
import { pathInside } from '../openclaw/discovery.ts';
import type { Repository } from '../repository/repository.ts';
import { markTree } from '../tree/closure.ts';
import { rewriteTree } from '../tree/rewrite.ts';
import { openTree } from '../tree/tree.ts';
import { compileGlobs, type GlobSet } from '../walker/globs.ts';
import type { Environment } from './environment.ts';
import { findHome, findRepository, openRepository, type PlaceOptions, resolvePath } from './places.ts';
import { type PrunedRepository, pruneIn } from './prune-repository.ts';
import { replacementOf, replaceSnapshots } from './replace-snapshots.ts';

export interface PurgedPaths {
  readonly repository: string;
  readonly dryRun: boolean;
  /** Every path that was (or would be) taken out of some snapshot. */
  readonly paths: readonly string[];
  readonly snapshots: readonly {
    readonly before: string;
    readonly after: string | null;
    readonly files: number;
  }[];
  /** Undefined for a dry run, and when nothing matched. */
  readonly pruned: PrunedRepository | undefined;
}

const lostListedMax = 1000;

/** @param patterns paths in the home, absolute paths, or globs; one without a slash is a file at the top of a source */
export async function purgePaths(
  environment: Environment,
  options: PlaceOptions & { readonly dryRun?: boolean },
  patterns: readonly string[],
): Promise<PurgedPaths> {
  if (patterns.some((pattern) => /^[/.]*$/.test(pattern))) {
    throw new UsageError(
      'Purging everything is not what purge is for',
      'Name files or folders; backup forget drops snapshots.',
    );
  }
  const root = findRepository(environment, options, findHome(environment, options));
  await using repository = await openRepository(environment, root, options.dryRun ? 'read' : 'maintain');
  const purge = new Purge(environment, repository, patterns);
  const found = purge.find();
  const base = { repository: root, dryRun: options.dryRun ?? false, paths: [...purge.paths].sort() };
  if (!options.dryRun && found.length === 0 && purge.wasInterrupted) {
    const pruned = await pruneIn(environment, repository, { limits: { maxUnusedBytes: 0 } });
    mustBeGone(pruned);
    return { ...base, snapshots: [], pruned };
  }
  if (options.dryRun || found.length === 0) {
    const snapshots = found.map(({ snapshot, paths }) => ({
      before: snapshot.id,
      after: null,
      files: paths.length,
    }));
    return { ...base, snapshots, pruned: undefined };
  }
  return { ...base, ...(await purge.execute(found)) };
}

/** @throws ExuviaError when packs that may hold what was purged could not be written again */
function mustBeGone({ packsLeft, repository }: PrunedRepository): void {
  if (packsLeft === 0) return;
  throw new ExuviaError(
    `The files are in no snapshot any more, but ${packsLeft} ${packsLeft === 1 ? 'pack' : 'packs'} in ${repository} may still hold what was in them`,
    {
      code: 'ERR_NOT_PURGED',
      hint: 'The warnings above say why. Run the same command again when that is mended.',
    },
  );
}

interface Affected {
  readonly snapshot: Snapshot;
  readonly paths: readonly string[];
}

class Purge {
  readonly #environment: Environment;
  readonly #repository: Repository;
  readonly #patterns: readonly string[];
  readonly #rewritten = new Map<string, { root: BlobId | null; entries: number }>();
  readonly #matches = new Map<string, readonly TreeEntry[]>();
  readonly paths = new Set<string>();

  constructor(environment: Environment, repository: Repository, patterns: readonly string[]) {
    this.#environment = environment;
    this.#repository = repository;
    this.#patterns = patterns;
  }

  /** An earlier purge may have ended before the packs were cleaned. */
  get wasInterrupted(): boolean {
    return this.#repository.listSnapshots().some(({ lost }) => lost?.reason === 'purge');
  }

  find(): Affected[] {
    const snapshots = this.#repository.listSnapshots();
    this.#environment.progress.step('Looking through snapshots', { files: snapshots.length });
    return snapshots.flatMap((snapshot) => {
      const paths = snapshot.sources.flatMap((source) =>
        this.#matching(source).map(({ key }) => displayKey(key)),
      );
      for (const path of paths) this.paths.add(path);
      this.#environment.progress.advance({ files: 1 });
      return paths.length > 0 ? [{ snapshot, paths }] : [];
    });
  }

  async execute(found: readonly Affected[]): Promise<Pick<PurgedPaths, 'snapshots' | 'pruned'>> {
    const before = this.#repository.maintenance.loadMarks();
    const options = { blobs: this.#repository, marks: before };
    for (const { snapshot } of found) for (const { root } of snapshot.sources) markTree(options, root);
    const records = found.map(({ snapshot, paths }) => this.#recordWithout(snapshot, paths));
    const replaced = await replaceSnapshots(this.#environment, this.#repository, records);
    const after = this.#repository.maintenance.loadMarks();
    for (const { sources } of this.#repository.listSnapshots()) {
      for (const { root } of sources) markTree({ blobs: this.#repository, marks: after }, root);
    }
    const mustRepack = this.#repository.maintenance.packsHolding(before.usedIds((id) => !after.isUsed(id)));
    const pruned = await pruneIn(this.#environment, this.#repository, {
      limits: { mustRepack, maxUnusedRatio: Number.POSITIVE_INFINITY },
    });
    mustBeGone(pruned);
    await this.#repository.maintenance.dropIndex(this.#environment.lockWaitMs);
    const snapshots = replaced.map(({ before: id, snapshot }, index) => ({
      before: id,
      after: snapshot.id,
      files: found[index]?.paths.length ?? 0,
    }));
    return { snapshots, pruned };
  }

  #recordWithout(snapshot: Snapshot, paths: readonly string[]): SnapshotRecord {
    const sources = snapshot.sources.map((source) => ({ ...source, ...this.#rewrite(source) }));
    const gone = snapshot.sources.flatMap((source) => this.#matching(source)).map(({ node }) => node);
    const files = gone.filter((node) => node.type === 'file');
    const stats = {
      ...snapshot.stats,
      files: snapshot.stats.files - files.length,
      totalBytes: snapshot.stats.totalBytes - files.reduce((sum, { size }) => sum + size, 0),
    };
    const lost = { reason: 'purge' as const, paths: paths.slice(0, lostListedMax), count: paths.length };
    return replacementOf(snapshot, { sources, stats, lost });
  }

  /** The same tree in many snapshots is rewritten once. */
  #rewrite(source: SnapshotSource): { root: BlobId | null; entries: number } {
    const name = `${source.path}\0${source.root}`;
    const known = this.#rewritten.get(name);
    if (known !== undefined) return known;
    const globs = this.#globsFor(source);
    const rewritten =
      this.#matching(source).length === 0
        ? { root: source.root, entries: source.entries }
        : rewriteTree({ blobs: this.#repository, keeps: (entry) => !isMatch(globs, entry) }, source.root);
    this.#rewritten.set(name, rewritten);
    return rewritten;
  }

  #matching(source: SnapshotSource): readonly TreeEntry[] {
    const name = `${source.path}\0${source.root}`;
    const known = this.#matches.get(name);
    if (known !== undefined) return known;
    const globs = this.#globsFor(source);
    const entries = openTree(this.#repository, source.root).entries();
    const found = [...entries].filter((entry) => isMatch(globs, entry));
    this.#matches.set(name, found);
    return found;
  }

  /** Anchored at the source: what is to be gone for ever must be named exactly. */
  #globsFor(source: SnapshotSource): GlobSet {
    const patterns = this.#patterns.flatMap((pattern) => {
      if (!pattern.startsWith('/') && !pattern.startsWith('~')) return [`/${pattern.replace(/^\.\//, '')}`];
      const inside = pathInside(source.path, resolvePath(this.#environment, pattern));
      return inside === undefined || inside === '' ? [] : [`/${inside}`];
    });
    return compileGlobs(patterns);
  }
}

function isMatch(globs: GlobSet, { key, node }: TreeEntry): boolean {
  return key !== '' && globs.matches(displayKey(key), node.type === 'directory');
}
