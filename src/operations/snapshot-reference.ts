/**
 * What a user means by a snapshot: a unique beginning of its id, `latest`, `latest~2`, a tag, or a time (the newest at or
 * before it).
 */
import { ExuviaError, UsageError } from '../model/errors.ts';
import type { SnapshotHead } from '../model/snapshot.ts';
import { parseMoment } from './moment.ts';

/** @param snapshots oldest first. @throws UsageError that says what there is. */
export function resolveSnapshot(
  snapshots: readonly SnapshotHead[],
  reference: string,
  nowMs: number,
): SnapshotHead {
  const [name = '', ...steps] = reference.split('~');
  // What was taken before a restore is for undoing it: "latest" after an interrupted restore means what was being restored.
  const meant = snapshots.filter(({ reason }) => reason !== 'before-restore');
  const base = findBase(snapshots, meant, name, nowMs);
  return steps.length === 0
    ? base
    : stepBack(meant.includes(base) ? meant : snapshots, base, reference, steps);
}

function findBase(
  snapshots: readonly SnapshotHead[],
  meant: readonly SnapshotHead[],
  name: string,
  nowMs: number,
): SnapshotHead {
  const newest = meant.at(-1);
  if (newest === undefined) throw notFound(name, 'the repository has no snapshots yet');
  if (name === 'latest') return newest;
  const tagged = snapshots.findLast((snapshot) => snapshot.tags.includes(name));
  if (tagged !== undefined) return tagged;
  if (/^[0-9a-f]{4,64}$/i.test(name)) {
    const byId = findById(snapshots, name.toLowerCase());
    if (byId !== undefined) return byId;
  }
  return findByTime(meant, name, nowMs);
}

function findById(snapshots: readonly SnapshotHead[], prefix: string): SnapshotHead | undefined {
  const byId = snapshots.filter((snapshot) => snapshot.id.startsWith(prefix));
  // The id that a snapshot had before it was tagged or repaired goes on naming it.
  const found =
    byId.length > 0 ? byId : snapshots.filter((snapshot) => snapshot.original?.startsWith(prefix));
  if (found.length <= 1) return found[0];
  const names = found
    .slice(0, 5)
    .map((snapshot) => `${snapshot.id.slice(0, prefix.length + 4)} (${snapshot.time})`);
  throw new UsageError(
    `Snapshot ${prefix} is ambiguous: ${found.length} ids begin with it: ${names.join(', ')}`,
    'Give more digits of the id.',
  );
}

function findByTime(snapshots: readonly SnapshotHead[], name: string, nowMs: number): SnapshotHead {
  const moment = parseMoment(name, nowMs);
  if (moment === undefined) throw notFound(name, 'it is no id, tag or time that is known here');
  // By time and not by sequence: an imported snapshot is older than its place in the list.
  const found = snapshots
    .filter((snapshot) => Date.parse(snapshot.time) <= moment)
    .reduce<SnapshotHead | undefined>(
      (best, one) => (best !== undefined && best.time > one.time ? best : one),
      undefined,
    );
  if (found !== undefined) return found;
  const oldest = snapshots[0]?.time ?? '';
  throw notFound(name, `the oldest snapshot is of ${oldest}`);
}

function stepBack(
  snapshots: readonly SnapshotHead[],
  base: SnapshotHead,
  reference: string,
  steps: readonly string[],
): SnapshotHead {
  const count = steps.reduce((sum, step) => sum + (step === '' ? 1 : Number(step)), 0);
  if (!steps.every((step) => /^\d*$/.test(step)))
    throw new UsageError(`${reference} is not a snapshot: want a number after ~`);
  const found = snapshots[snapshots.indexOf(base) - count];
  if (found !== undefined) return found;
  throw notFound(reference, `there are only ${snapshots.indexOf(base)} snapshots before it`);
}

function notFound(name: string, detail: string): ExuviaError {
  return new ExuviaError(`No snapshot ${JSON.stringify(name)}: ${detail}`, {
    code: 'ERR_NO_SNAPSHOT',
    hint: 'Run exuvia backup list to see what there is; write a file as a path, such as ./archive.',
  });
}
