/** `backup log` and `find`: the versions of a path, and paths by their names, in all snapshots. */
import { displayKey } from '../model/paths.ts';
import type { TreeNode } from '../model/tree.ts';
import { compileGlobs } from '../walker/globs.ts';
import type { Environment } from './environment.ts';
import {
  collectPaths,
  historiesOf,
  holdingOf,
  logOf,
  type PathHistory,
  type PathLog,
  type SnapshotName,
} from './path-history.ts';
import type { PlaceOptions } from './places.ts';
import { withRepositoryToRead } from './read-backups.ts';

/** Each version of a file or link that any snapshot has. */
export async function logPath(
  environment: Environment,
  options: PlaceOptions,
  path: string,
): Promise<readonly PathLog[]> {
  return await withRepositoryToRead(environment, options, (repository) => {
    const holding = holdingOf(repository);
    return historiesOf(environment, repository, path).map((history) =>
      logOf(holding(history.source), history),
    );
  });
}

export interface FoundPath {
  readonly path: string;
  readonly source: string;
  readonly type: TreeNode['type'];
  readonly first: SnapshotName;
  readonly last: SnapshotName;
  /** Contents that it has had. */
  readonly versions: number;
  /** Whether the newest snapshot of its source has it. */
  readonly isPresent: boolean;
}

/** Every path that matches in any snapshot. A pattern without a slash matches at any depth. */
export async function findPaths(
  environment: Environment,
  options: PlaceOptions,
  patterns: readonly string[],
): Promise<readonly FoundPath[]> {
  const globs = compileGlobs(patterns);
  return await withRepositoryToRead(environment, options, (repository) => {
    const found = collectPaths(
      repository,
      (_source, key, node) => key !== '' && globs.matches(displayKey(key), node.type === 'directory'),
    );
    const holding = holdingOf(repository);
    return found.map((history) => foundOf(logOf(holding(history.source), history), history));
  });
}

function foundOf(log: PathLog, { events }: PathHistory): FoundPath {
  const versions = log.versions.filter(({ change }) => change !== 'gone');
  const contents = versions.filter(({ change }) => change !== 'attributes').length;
  const last = versions.at(-1)?.last ?? { id: '', time: '' };
  const first = versions[0]?.first ?? last;
  const type = events.findLast(({ node }) => node !== undefined)?.node?.type ?? 'file';
  const isPresent = log.versions.at(-1)?.change !== 'gone';
  return { path: log.path, source: log.source, type, first, last, versions: contents, isPresent };
}
