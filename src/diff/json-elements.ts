/** Which element of an array is which one of its newer version. */
import { longestRising, matchSequences } from './sequence-match.ts';

export interface ElementPair {
  readonly from: number;
  readonly to: number;
  /** Out of the order of the others. */
  readonly moved: boolean;
  /** Known to be equal: nothing needs to be compared. */
  readonly equal: boolean;
}

/**
 * What is neither removed nor added is in `pairs`, by position in the newer array, but for equal elements that both begin or
 * end with. Those that did not move are in the same order in both.
 */
export interface ElementMatch {
  readonly pairs: readonly ElementPair[];
  readonly removed: readonly number[];
  readonly added: readonly number[];
}

const identityFields = ['id', 'key', 'name'] as const;
/** Of both versions together, without what they begin and end with, compared by value: 100,000 take 0.4 s and 70 MB. */
const elementsMax = 100_000;
const matchOptions = { maxEditLength: 2000, timeoutMs: 500 };

/** By `id`, `key` or `name` where each element has one of its own; otherwise by value, or `undefined` for too many of them. */
export function matchElements(
  before: readonly unknown[],
  after: readonly unknown[],
  numbers: ValueNumbers,
): ElementMatch | undefined {
  for (const field of identityFields) {
    const old = placesByIdentity(before, field);
    const now = old === undefined ? undefined : placesByIdentity(after, field);
    if (old !== undefined && now !== undefined) return matchByIdentity(old, now);
  }
  return matchMiddle(before, after, numbers);
}

/** What both begin and end with is only compared: of a long array most stays as it is. */
function matchMiddle(
  before: readonly unknown[],
  after: readonly unknown[],
  numbers: ValueNumbers,
): ElementMatch | undefined {
  const isFew = before.length + after.length <= elementsMax;
  const isEqual = (left: unknown, right: unknown): boolean =>
    isFew ? numbers.of(left) === numbers.of(right) : isSameScalar(left, right);
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isEqual(before[start], after[start])) start++;
  let end = 0;
  while (end < shorter - start && isEqual(before.at(-1 - end), after.at(-1 - end))) end++;
  const old = before.slice(start, before.length - end);
  const now = after.slice(start, after.length - end);
  if (old.length + now.length > elementsMax) return undefined;
  const { pairs, removed, added } = matchByValue(old, now, numbers);
  return {
    pairs: pairs.map((pair) => ({ ...pair, from: pair.from + start, to: pair.to + start })),
    removed: removed.map((at) => at + start),
    added: added.map((at) => at + start),
  };
}

/** Containers would each have to be gone through. */
function isSameScalar(left: unknown, right: unknown): boolean {
  return (typeof left !== 'object' || left === null) && Object.is(left, right);
}

type Identities = ReadonlyMap<string | number, number>;

function placesByIdentity(elements: readonly unknown[], field: string): Identities | undefined {
  const places = new Map<string | number, number>();
  for (const [at, element] of elements.entries()) {
    const identity = isObject(element) && Object.hasOwn(element, field) ? element[field] : undefined;
    if (typeof identity !== 'string' && typeof identity !== 'number') return undefined;
    if (places.has(identity)) return undefined;
    places.set(identity, at);
  }
  return places;
}

function matchByIdentity(before: Identities, after: Identities): ElementMatch {
  const kept: { from: number; to: number }[] = [];
  const added: number[] = [];
  for (const [identity, to] of after) {
    const from = before.get(identity);
    if (from === undefined) added.push(to);
    else kept.push({ from, to });
  }
  const inOrder = new Set(longestRising(kept.map(({ from }) => from)));
  const removed = [...before].filter(([identity]) => !after.has(identity)).map(([, from]) => from);
  const pairs = kept.map((pair, at) => ({ ...pair, moved: !inOrder.has(at), equal: false }));
  return { pairs, removed, added };
}

function matchByValue(
  before: readonly unknown[],
  after: readonly unknown[],
  numbers: ValueNumbers,
): ElementMatch {
  const old = before.map((value) => numbers.of(value));
  const now = after.map((value) => numbers.of(value));
  const common = matchSequences(old, now, matchOptions);
  const pairs: ElementPair[] = common.map(([from, to]) => ({ from, to, moved: false, equal: true }));
  const oldMatched = new Set(common.map(([from]) => from));
  const newMatched = new Set(common.map(([, to]) => to));
  const movedFrom = placesByNumber(old, oldMatched);
  now.forEach((number, to) => {
    const from = newMatched.has(to) ? undefined : movedFrom.get(number)?.pop();
    if (from === undefined) return;
    pairs.push({ from, to, moved: true, equal: true });
    oldMatched.add(from);
    newMatched.add(to);
  });
  const rest = { removed: others(before.length, oldMatched), added: others(after.length, newMatched) };
  const changed = pairInGaps(rest, [...common, [before.length, after.length]]);
  for (const [from, to] of changed) pairs.push({ from, to, moved: false, equal: false });
  const [oldChanged, newChanged] = [
    new Set(changed.map(([from]) => from)),
    new Set(changed.map(([, to]) => to)),
  ];
  return {
    pairs: pairs.sort((left, right) => left.to - right.to),
    removed: rest.removed.filter((from) => !oldChanged.has(from)),
    added: rest.added.filter((to) => !newChanged.has(to)),
  };
}

/** The first place of each number is last in its list. */
function placesByNumber(numbers: readonly number[], without: ReadonlySet<number>): Map<number, number[]> {
  const places = new Map<number, number[]>();
  for (let at = numbers.length - 1; at >= 0; at--) {
    if (without.has(at)) continue;
    const number = numbers[at] ?? -1;
    const known = places.get(number);
    if (known === undefined) places.set(number, [at]);
    else known.push(at);
  }
  return places;
}

function others(length: number, without: ReadonlySet<number>): number[] {
  return Array.from({ length }, (_, at) => at).filter((at) => !without.has(at));
}

/** Between two elements that stayed, as many removed as added ones: each took the place of one. */
function pairInGaps(
  rest: { readonly removed: readonly number[]; readonly added: readonly number[] },
  ends: readonly (readonly [number, number])[],
): (readonly [from: number, to: number])[] {
  const pairs: (readonly [number, number])[] = [];
  let [old, now] = [0, 0];
  for (const [oldEnd, newEnd] of ends) {
    const [oldStart, newStart] = [old, now];
    while (old < rest.removed.length && (rest.removed[old] ?? 0) < oldEnd) old++;
    while (now < rest.added.length && (rest.added[now] ?? 0) < newEnd) now++;
    if (old - oldStart !== now - newStart) continue;
    rest.removed.slice(oldStart, old).forEach((from, at) => {
      pairs.push([from, rest.added[newStart + at] ?? 0]);
    });
  }
  return pairs;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equal values have equal numbers, whatever the order of their keys. Each container is looked at once. Recurses. */
export class ValueNumbers {
  readonly #scalars = new Map<unknown, number>();
  readonly #containers = new Map<string, number>();
  readonly #known = new Map<object, number>();
  #next = 0;

  of(value: unknown): number {
    if (typeof value !== 'object' || value === null) {
      return this.#numberOf(this.#scalars, Object.is(value, -0) ? minusZero : value);
    }
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const number = this.#numberOf(this.#containers, this.#formOf(value));
    this.#known.set(value, number);
    return number;
  }

  #formOf(value: object): string {
    if (Array.isArray(value)) return `[${value.map((element) => this.of(element)).join()}`;
    const members = Object.entries(value).map(([key, member]) => `${this.of(key)}:${this.of(member)}`);
    return `{${members.sort().join()}`;
  }

  #numberOf<Key>(numbers: Map<Key, number>, key: Key): number {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, this.#next);
    return this.#next++;
  }
}

const minusZero = Symbol('-0');
