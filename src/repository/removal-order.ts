/** In which order snapshots go. */
import type { SnapshotId } from '../model/ids.ts';
import type { SnapshotHead } from '../model/snapshot.ts';

/**
 * These, and those of `all` they stand for that an interrupted run has left. Each group must be gone for good before the next one
 * goes: a snapshot whose replacement has gone would count again.
 */
export function removalOrder(ids: Iterable<SnapshotId>, all: readonly SnapshotHead[]): SnapshotId[][] {
  const here = new Map(all.map((head) => [head.id, head]));
  const groups: Set<SnapshotId>[] = [];
  for (const id of ids) {
    const row: SnapshotId[] = [id];
    for (let at = here.get(id)?.replaces; at !== undefined && here.has(at); at = here.get(at)?.replaces) {
      row.unshift(at);
    }
    for (const [position, one] of row.entries()) {
      groups[position] ??= new Set();
      groups[position].add(one);
    }
  }
  return groups.map((group) => [...group]);
}
