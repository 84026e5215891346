/** What has to hold, each as a figure of one run: whether it was reached, was not, or could not be judged. */
import { megabytes } from '../lib/report.ts';
import { type Figure, figureOf, type Result } from './results.ts';

export interface Verdict {
  readonly limit: string;
  readonly wanted: string;
  readonly measured: string;
  /** Undefined when something to compare with was not measured. */
  readonly isReached: boolean | undefined;
}

type Judge = (results: readonly Result[]) => Verdict;

const own = 'exuvia';
const memoryBytesMax = 350_000_000;

export const limits: readonly Judge[] = [
  timesAsFast('first backup, b', 'first', 'b', { against: 'restic', times: 3 }),
  timesAsFast('first backup, b', 'first', 'b', { against: 'Borg', times: 2.5 }),
  timesAsFast('first backup, b', 'first', 'b', { against: 'tar + zstd -1 -T2', times: 1 }),
  atMost('first backup encrypted, b', 'first', 'b', {
    of: 'exuvia encrypted',
    against: own,
    times: 1.15,
  }),
  timesAsFast('first backup encrypted, b', 'first', 'b', {
    of: 'exuvia encrypted',
    against: 'Borg zstd encrypted',
    times: 4,
  }),
  timesAsFast('nothing changed, a', 'nothing', 'a', { times: 5 }),
  atMost('nothing changed, a', 'nothing', 'a', { against: 'node -e 0', times: 2.5 }),
  timesAsFast('nothing changed, b', 'nothing', 'b', { times: 5 }),
  timesAsFast('nothing changed, c', 'nothing', 'c', { against: 'restic', times: 3 }),
  atMost('nothing changed, c', 'nothing', 'c', { against: 'find -printf', times: 2.5 }),
  timesAsFast('agent hour, a', 'hour', 'a', { against: 'restic', times: 3 }),
  timesAsFast('agent hour, a', 'hour', 'a', { against: 'Borg', times: 3 }),
  atMost('growth in the agent hour, a', 'hour', 'a', { against: 'bup', times: 1 / 3, figure: 'bytes' }),
  timesAsFast('all touched, b', 'touched', 'b', { times: 2 }),
  timesAsFast('restore to a memory disk, b', 'restore', 'b', { against: 'restic', times: 2.2 }),
  atMost('restore to a memory disk, b', 'restore', 'b', { against: 'cp -a', times: 1.4 }),
  timesAsFast('diff of two snapshots, b', 'diff', 'b', { times: 5 }),
  timesAsFast('check with data, b', 'check', 'b', { times: 2 }),
  timesAsFast('export as tar.gz, b', 'export', 'b', { of: 'exuvia tar.gz', against: 'tar czf', times: 5 }),
  timesAsFast('export as tar.gz, b', 'export', 'b', {
    of: 'exuvia tar.gz',
    against: 'tar + pigz -1 -p2',
    times: 1.5,
  }),
  atMost('size of that archive, b', 'export', 'b', {
    of: 'exuvia tar.gz',
    against: 'tar + pigz -1 -p2',
    times: 1,
    figure: 'bytes',
  }),
  timesAsFast('first backup of a home, a', 'openclaw', 'a', { against: 'openclaw backup create', times: 10 }),
  timesAsFast('first backup of a home, 6 MB', 'openclaw-young', 'a', {
    against: 'openclaw backup create',
    times: 10,
  }),
  atMost('repository after the first backup, a', 'first', 'a', { times: 1, figure: 'bytes' }),
  atMost('repository after the first backup, b', 'first', 'b', { times: 1, figure: 'bytes' }),
  mostMemory,
  lessMemoryThanRestic,
];

export function verdictsOn(results: readonly Result[]): Verdict[] {
  const warm = results.filter(({ cache }) => cache === 'warm');
  return limits.map((judge) => judge(warm));
}

interface Comparison {
  /** The product unless named. */
  readonly of?: string;
  /** The best of all peers unless named. */
  readonly against?: string;
  readonly times: number;
  readonly figure?: Figure;
}

function timesAsFast(limit: string, work: string, set: string, comparison: Comparison): Judge {
  return (results) => {
    const pair = pairOf(results, work, set, comparison);
    const name = pair?.name ?? comparison.against ?? 'the fastest peer';
    const wanted = `${comparison.times} times as fast as ${name}`;
    if (pair === undefined) return { limit, wanted, measured: 'not measured', isReached: undefined };
    const times = pair.theirs / pair.ours;
    return { limit, wanted, measured: `${times.toFixed(2)} times`, isReached: times >= comparison.times };
  };
}

function atMost(limit: string, work: string, set: string, comparison: Comparison): Judge {
  return (results) => {
    const pair = pairOf(results, work, set, comparison);
    const name = pair?.name ?? comparison.against ?? 'the best peer';
    const wanted = `at most ${comparison.times.toFixed(2)} of ${name}`;
    if (pair === undefined) return { limit, wanted, measured: 'not measured', isReached: undefined };
    const share = pair.ours / pair.theirs;
    return { limit, wanted, measured: `${share.toFixed(2)} of it`, isReached: share <= comparison.times };
  };
}

function pairOf(
  results: readonly Result[],
  work: string,
  set: string,
  { of = own, against, figure = 'time' }: Comparison,
): { readonly name: string; readonly ours: number; readonly theirs: number } | undefined {
  const contest = results.filter((result) => result.work === work && result.set === set);
  const ours = contest.find(({ tool }) => tool === of);
  const others = contest.filter(({ tool, kind }) =>
    against === undefined ? kind === 'peer' : tool === against,
  );
  const value = ours && figureOf(ours, figure);
  const best = others
    .map((result) => ({ name: result.tool, theirs: figureOf(result, figure) ?? Number.POSITIVE_INFINITY }))
    .toSorted((a, b) => a.theirs - b.theirs)[0];
  return value === undefined || best === undefined || best.theirs === Number.POSITIVE_INFINITY
    ? undefined
    : { ...best, ours: value };
}

function mostMemory(results: readonly Result[]): Verdict {
  const about = { limit: 'memory in all of it', wanted: `at most ${megabytes(memoryBytesMax)}` };
  const most = memoryOf(results, (result) => result.kind === 'own');
  if (most === undefined) return { ...about, measured: 'not measured', isReached: undefined };
  const measured = `${megabytes(most.bytes)} (${most.result.work} ${most.result.set})`;
  return { ...about, measured, isReached: most.bytes <= memoryBytesMax };
}

function lessMemoryThanRestic(results: readonly Result[]): Verdict {
  const onC = results.filter(({ set }) => set === 'c');
  const ours = memoryOf(onC, ({ kind }) => kind === 'own');
  const theirs = memoryOf(onC, ({ tool }) => tool === 'restic');
  const about = { limit: 'memory in all of it, c', wanted: 'less than restic' };
  if (ours === undefined || theirs === undefined)
    return { ...about, measured: 'not measured', isReached: undefined };
  const measured = `${megabytes(ours.bytes)} (${ours.result.work}), restic ${megabytes(theirs.bytes)}`;
  return { ...about, measured, isReached: ours.bytes < theirs.bytes };
}

function memoryOf(
  results: readonly Result[],
  counts: (result: Result) => boolean,
): { readonly result: Result; readonly bytes: number } | undefined {
  return results
    .filter(counts)
    .map((result) => ({ result, bytes: figureOf(result, 'memory') ?? 0 }))
    .toSorted((a, b) => b.bytes - a.bytes)
    .find(({ bytes }) => bytes > 0);
}
