/**
 * What two sequences have in common, in order: for lines, words, array elements and records, each given as a number (equal
 * numbers are equal items).
 *
 * Common ends are cut off first, then what occurs on one side only: neither changes the longest common subsequence, and two
 * texts that have nothing in common cost nothing. The rest goes to Myers' algorithm (E. Myers, "An O(ND) Difference
 * Algorithm and Its Variations", 1986) as the `diff` package has it. When that takes too long, items that occur once on both
 * sides are the anchors, in their longest increasing order (B. Cohen's patience diff), and matches grow from them: still
 * true, only not the shortest answer.
 */
import { createRequire } from 'node:module';

export type MatchedPair = readonly [before: number, after: number];

export interface MatchOptions {
  /** Removed and added items, together, up to which the shortest answer is looked for. */
  readonly maxEditLength: number;
  readonly timeoutMs: number;
}

interface ArrayChange {
  readonly added: boolean;
  readonly removed: boolean;
  readonly count: number;
}

type DiffArrays = (
  before: readonly number[],
  after: readonly number[],
  options: { readonly maxEditLength: number; readonly timeout: number },
) => readonly ArrayChange[] | undefined;

const require = createRequire(import.meta.url);

/** Positions of equal items, both rising. */
export function matchSequences(
  before: readonly number[],
  after: readonly number[],
  options: MatchOptions,
): MatchedPair[] {
  const shorter = Math.min(before.length, after.length);
  let front = 0;
  while (front < shorter && before[front] === after[front]) front++;
  let back = 0;
  while (back < shorter - front && before[before.length - 1 - back] === after[after.length - 1 - back])
    back++;
  const pairs: MatchedPair[] = [];
  for (let at = 0; at < front; at++) pairs.push([at, at]);
  for (const pair of matchMiddle(before, after, front, back, options)) pairs.push(pair);
  for (let left = back; left > 0; left--) pairs.push([before.length - left, after.length - left]);
  return pairs;
}

function matchMiddle(
  before: readonly number[],
  after: readonly number[],
  front: number,
  back: number,
  options: MatchOptions,
): MatchedPair[] {
  const [beforeEnd, afterEnd] = [before.length - back, after.length - back];
  const inBefore = placesOf(before, front, beforeEnd);
  const inAfter = placesOf(after, front, afterEnd);
  const oldPlaces = placesShared(before, front, beforeEnd, inAfter);
  const newPlaces = placesShared(after, front, afterEnd, inBefore);
  if (oldPlaces.length === 0) return [];
  const shortest = shortestEdit(
    oldPlaces.map((at) => before[at] ?? -1),
    newPlaces.map((at) => after[at] ?? -1),
    options,
  );
  if (shortest === undefined)
    return grow(anchors(inBefore, inAfter), before, after, front, beforeEnd, afterEnd);
  return shortest.map(([old, now]) => [oldPlaces[old] ?? 0, newPlaces[now] ?? 0]);
}

const severalTimes = -1;

/** Where each item is, or `severalTimes`. */
function placesOf(items: readonly number[], start: number, end: number): Map<number, number> {
  const places = new Map<number, number>();
  for (let at = start; at < end; at++) {
    const item = items[at] ?? -1;
    places.set(item, places.has(item) ? severalTimes : at);
  }
  return places;
}

function placesShared(
  items: readonly number[],
  start: number,
  end: number,
  other: ReadonlyMap<number, number>,
): number[] {
  const places: number[] = [];
  for (let at = start; at < end; at++) if (other.has(items[at] ?? -1)) places.push(at);
  return places;
}

function shortestEdit(
  before: readonly number[],
  after: readonly number[],
  options: MatchOptions,
): MatchedPair[] | undefined {
  const { diffArrays } = require('diff') as { diffArrays: DiffArrays };
  const { maxEditLength, timeoutMs } = options;
  const changes = diffArrays(before, after, { maxEditLength, timeout: Math.max(1, timeoutMs) });
  if (changes === undefined) return undefined;
  const pairs: MatchedPair[] = [];
  let [old, now] = [0, 0];
  for (const { added, removed, count } of changes) {
    if (added) now += count;
    else if (removed) old += count;
    else for (let left = count; left > 0; left--) pairs.push([old++, now++]);
  }
  return pairs;
}

function anchors(inBefore: ReadonlyMap<number, number>, inAfter: ReadonlyMap<number, number>): MatchedPair[] {
  const once: MatchedPair[] = [];
  for (const [item, old] of inBefore) {
    const now = inAfter.get(item) ?? severalTimes;
    if (old !== severalTimes && now !== severalTimes) once.push([old, now]);
  }
  const rising = longestRising(once.map(([, now]) => now));
  return rising.flatMap((at) => once.slice(at, at + 1));
}

/** Each anchor takes its equal neighbours along, backwards up to the match before it, then forwards. */
function grow(
  found: readonly MatchedPair[],
  before: readonly number[],
  after: readonly number[],
  front: number,
  beforeEnd: number,
  afterEnd: number,
): MatchedPair[] {
  const pairs: MatchedPair[] = [];
  let [oldFrom, newFrom] = [front, front];
  for (let [old, now] of found) {
    if (old < oldFrom || now < newFrom) continue; // already taken along
    while (old > oldFrom && now > newFrom && before[old - 1] === after[now - 1]) {
      old--;
      now--;
    }
    while (old < beforeEnd && now < afterEnd && before[old] === after[now]) pairs.push([old++, now++]);
    [oldFrom, newFrom] = [old, now];
  }
  return pairs;
}

/** Positions of a longest strictly rising subsequence. O(n log n). */
export function longestRising(values: readonly number[]): number[] {
  const lasts: number[] = []; // position of the smallest last value of a subsequence of each length
  const previous: number[] = [];
  values.forEach((value, at) => {
    let [low, high] = [0, lasts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[lasts[middle] ?? 0] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    previous.push(low === 0 ? -1 : (lasts[low - 1] ?? -1));
    lasts[low] = at;
  });
  const result: number[] = [];
  for (let at = lasts.at(-1) ?? -1; at >= 0; at = previous[at] ?? -1) result.push(at);
  return result.reverse();
}

/** Numbers for texts: equal texts have equal numbers. */
export function createNumbering(): (text: string) => number {
  const numbers = new Map<string, number>();
  return (text) => {
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, numbers.size);
    return numbers.size - 1;
  };
}
