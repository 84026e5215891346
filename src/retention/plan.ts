/**
 * Which snapshots a retention policy keeps, and why. Pure: snapshots and a policy in, reasons out.
 *
 * As in restic: a snapshot is kept when any rule keeps it; a rule such as `keepDaily: 7` keeps the last snapshot of each of
 * the seven latest days that have one; days are those of the local calendar, weeks those of ISO 8601. Snapshots of other
 * machines, sources or selections are counted apart, so a small one never takes the place of a whole one. `keepWithin` counts
 * from the newest snapshot and not from now: a machine that was off for a month must not lose what it has.
 */
import type { SnapshotId } from '../model/ids.ts';
import type { Snapshot } from '../model/snapshot.ts';

export interface RetentionPolicy {
  readonly keepLast?: number;
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepYearly?: number;
  readonly keepWithinMs?: number;
  readonly keepTags?: readonly string[];
}

export type RetentionSnapshot = Pick<
  Snapshot,
  'id' | 'time' | 'tags' | 'pinned' | 'reason' | 'components' | 'include' | 'exclude'
> & {
  readonly host: Pick<Snapshot['host'], 'name'>;
  readonly sources: readonly Pick<Snapshot['sources'][number], 'path'>[];
};

export interface RetentionDecision<T extends RetentionSnapshot> {
  readonly snapshot: T;
  /** The rules that keep it; none means that it is to be forgotten. */
  readonly reasons: readonly string[];
}

/** In the order given, which is oldest first. A policy without rules keeps everything. */
export function planRetention<T extends RetentionSnapshot>(
  snapshots: readonly T[],
  policy: RetentionPolicy,
): RetentionDecision<T>[] {
  const reasons = new Map<SnapshotId, string[]>(snapshots.map(({ id }) => [id, []]));
  const keep = (snapshot: T, reason: string): void => void reasons.get(snapshot.id)?.push(reason);
  for (const group of groupsOf(snapshots)) keepOfGroup(group, policy, keep);
  const undo = snapshots.findLast((snapshot) => snapshot.reason === 'before-restore');
  if (undo !== undefined) keep(undo, 'the last restore can be undone');
  return snapshots.map((snapshot) => ({ snapshot, reasons: reasons.get(snapshot.id) ?? [] }));
}

/** Newest first in each group. */
function groupsOf<T extends RetentionSnapshot>(snapshots: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const snapshot of snapshots) {
    const { host, sources, components, include, exclude, reason } = snapshot;
    const paths = sources.map((source) => source.path);
    // What was taken before a restore may be a state that was never meant to be kept.
    const key = JSON.stringify([host.name, paths, components, include, exclude, reason === 'before-restore']);
    groups.set(key, [snapshot, ...(groups.get(key) ?? [])]);
  }
  return [...groups.values()];
}

type Keep<T> = (snapshot: T, reason: string) => void;

function keepOfGroup<T extends RetentionSnapshot>(
  group: readonly T[],
  policy: RetentionPolicy,
  keep: Keep<T>,
): void {
  const [newest] = group;
  if (newest === undefined) return;
  if (isEmpty(policy)) for (const snapshot of group) keep(snapshot, 'no rule forgets it');
  keep(newest, 'the newest of its kind');
  for (const snapshot of group) if (snapshot.pinned) keep(snapshot, 'pinned');
  for (const snapshot of group.slice(0, policy.keepLast ?? 0)) keep(snapshot, 'last');
  for (const [name, count, bucketOf] of calendarRules(policy)) {
    const seen = new Set<string>();
    for (const snapshot of group) {
      const bucket = bucketOf(new Date(snapshot.time));
      if (seen.has(bucket)) continue;
      if (seen.size >= count) break;
      seen.add(bucket);
      keep(snapshot, `${name} ${bucket}`);
    }
  }
  const { keepWithinMs, keepTags = [] } = policy;
  for (const snapshot of group) {
    const ageMs = Date.parse(newest.time) - Date.parse(snapshot.time);
    if (keepWithinMs !== undefined && ageMs <= keepWithinMs) keep(snapshot, 'young enough');
    for (const tag of keepTags) if (snapshot.tags.includes(tag)) keep(snapshot, `tag ${tag}`);
  }
}

function isEmpty(policy: RetentionPolicy): boolean {
  return Object.values(policy).every((value) => value === undefined);
}

type CalendarRule = readonly [name: string, count: number, bucketOf: (date: Date) => string];

function calendarRules(policy: RetentionPolicy): CalendarRule[] {
  return [
    ['hour', policy.keepHourly ?? 0, (date) => `${dayOf(date)} ${two(date.getHours())}h`],
    ['day', policy.keepDaily ?? 0, dayOf],
    ['week', policy.keepWeekly ?? 0, weekOf],
    ['month', policy.keepMonthly ?? 0, (date) => dayOf(date).slice(0, 7)],
    ['year', policy.keepYearly ?? 0, (date) => String(date.getFullYear())],
  ];
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function dayOf(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** ISO 8601: weeks begin on Monday, and belong to the year of their Thursday. */
function weekOf(date: Date): string {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7));
  const days = Math.round(
    (thursday.getTime() - new Date(thursday.getFullYear(), 0, 1).getTime()) / 86_400_000,
  );
  return `${thursday.getFullYear()}-W${two(Math.floor(days / 7) + 1)}`;
}
