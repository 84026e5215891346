/** What a restore is about to change must be in the snapshot taken before it, whatever is left out otherwise. */
import { type PathKey, parentKey } from '../model/paths.ts';
import type { PathFilter } from '../model/selection.ts';
import type { SnapshotSource } from '../model/snapshot.ts';
import { pathInside } from '../openclaw/discovery.ts';
import { type PlannedSource, planFolderSources } from '../openclaw/sources.ts';

/** A folder that is about to be changed: these keys are backed up whatever is left out otherwise. */
export interface TouchedPlace {
  /** Absolute, links resolved. */
  readonly path: string;
  readonly kind: SnapshotSource['kind'];
  readonly keys: readonly PathKey[];
}

export function withTouched(
  sources: readonly PlannedSource[],
  touched: readonly TouchedPlace[],
  repositoryRoot: string,
): PlannedSource[] {
  const planned = sources.map((source) => {
    const place = touched.find(({ path }) => path === source.path);
    return place === undefined ? source : { ...source, filter: alsoTaking(source.filter, place.keys) };
  });
  // What no configuration names any more, and the restore writes to.
  const more = touched.filter(
    ({ path }) => !sources.some((source) => pathInside(source.path, path) !== undefined),
  );
  const nothing = { only: [], include: [], exclude: [] };
  const added = planFolderSources(
    more.map(({ path }) => path),
    nothing,
    repositoryRoot,
  ).map((source, index) => ({
    ...source,
    kind: more[index]?.kind ?? source.kind,
  }));
  return [...planned, ...added];
}

/** The keys with all below them, and the folders on the way. */
function alsoTaking(filter: PathFilter, keys: readonly PathKey[]): PathFilter {
  const taken = new Set(keys);
  const onTheWay = new Set<PathKey>();
  for (const key of keys)
    for (let at = parentKey(key); at !== undefined; at = parentKey(at)) onTheWay.add(at);
  return {
    decide(key, type) {
      const decision = filter.decide(key, type);
      if (typeof decision !== 'object' || decision.skip === 'repository') return decision;
      if (taken.has(key)) return 'take';
      return onTheWay.has(key) ? 'descend' : decision;
    },
  };
}
