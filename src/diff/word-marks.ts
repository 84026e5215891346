/** Which words differ in a line that was changed, and which removed line an added one took the place of. */
import { createNumbering, type MatchedPair, matchSequences } from './sequence-match.ts';

export type Marks = readonly (readonly [from: number, to: number])[];

export interface LineMarks {
  readonly removed: Marks;
  readonly added: Marks;
}

/** Of what differs between two lines, only this much is compared word by word. */
const comparedCharactersMax = 10_000;
/** Lines that were removed times lines that were added, up to which each is compared with each. */
const comparisonsMax = 4096;
/** Share of words in common from which a line counts as changed, not as another one. */
const likenessMin = 0.5;
const wordOptions = { maxEditLength: 400, timeoutMs: 200 };

/** Numbers of the lines that are likely the same line before and after, in order; as far as one asks for them. */
export function* pairLines(removed: readonly string[], added: readonly string[]): Iterable<MatchedPair> {
  if (removed.length * added.length <= comparisonsMax) {
    const oldWords = removed.map(countWords);
    const newWords = added.map(countWords);
    yield* bestPairs(removed.length, added.length, (old, now) => likeness(oldWords[old], newWords[now]));
  } else if (removed.length === added.length) {
    for (const [at, line] of removed.entries()) {
      if (likeness(countWords(line), countWords(added[at] ?? '')) >= likenessMin) yield [at, at];
    }
  }
}

interface WordCounts {
  readonly counts: ReadonlyMap<string, number>;
  readonly total: number;
}

function countWords(line: string): WordCounts {
  const counts = new Map<string, number>();
  let total = 0;
  for (const word of splitWords(line.slice(0, comparedCharactersMax))) {
    if (word.trim() === '') continue;
    counts.set(word, (counts.get(word) ?? 0) + 1);
    total++;
  }
  return { counts, total };
}

/** From 0, nothing in common, to 1. */
function likeness(before: WordCounts | undefined, after: WordCounts | undefined): number {
  if (before === undefined || after === undefined) return 0;
  if (before.total + after.total === 0) return 1;
  let common = 0;
  for (const [word, count] of before.counts) common += Math.min(count, after.counts.get(word) ?? 0);
  return (2 * common) / (before.total + after.total);
}

/** In order, with the greatest sum of likenesses; none below `likenessMin`. */
function bestPairs(
  oldCount: number,
  newCount: number,
  like: (old: number, now: number) => number,
): MatchedPair[] {
  const width = newCount + 1;
  const likes = new Float64Array(oldCount * newCount);
  const best = new Float64Array((oldCount + 1) * width); // [old][now]: of what begins there
  for (let old = oldCount - 1; old >= 0; old--) {
    for (let now = newCount - 1; now >= 0; now--) {
      const alike = like(old, now);
      likes[old * newCount + now] = alike;
      const paired = alike < likenessMin ? 0 : alike + (best[(old + 1) * width + now + 1] ?? 0);
      const skipped = Math.max(best[(old + 1) * width + now] ?? 0, best[old * width + now + 1] ?? 0);
      best[old * width + now] = Math.max(paired, skipped);
    }
  }
  const pairs: MatchedPair[] = [];
  for (let [old, now] = [0, 0]; old < oldCount && now < newCount; ) {
    const here = best[old * width + now] ?? 0;
    if (here === 0) break;
    if (here === (best[(old + 1) * width + now] ?? 0)) old++;
    else if (here === (best[old * width + now + 1] ?? 0)) now++;
    else pairs.push([old++, now++]);
  }
  return pairs;
}

/** Offsets of the words that differ. Lines that have nothing in common but their ends are marked from end to end. */
export function markWords(before: string, after: string): LineMarks {
  const shorter = Math.min(before.length, after.length);
  let front = 0;
  while (front < shorter && before[front] === after[front]) front++;
  let back = 0;
  while (back < shorter - front && before.at(-1 - back) === after.at(-1 - back)) back++;
  front = wordStart(before, after, front);
  back = wordEnd(before, after, back);
  const oldEnd = before.length - back;
  const newEnd = after.length - back;
  const oldWords = wordsFrom(before, front, oldEnd);
  const newWords = wordsFrom(after, front, newEnd);
  const number = createNumbering();
  const pairs = matchSequences(
    oldWords.map(({ word }) => number(word)),
    newWords.map(({ word }) => number(word)),
    wordOptions,
  );
  return {
    removed: marksBetween(oldWords, new Set(pairs.map(([old]) => old)), oldEnd),
    added: marksBetween(newWords, new Set(pairs.map(([, now]) => now)), newEnd),
  };
}

const wordCharacter = /[\p{L}\p{M}\p{N}_]/u;

/** Ends that are equal in the middle of a word, or of a pair of surrogates, give the word back. */
function wordStart(before: string, after: string, front: number): number {
  let at = front;
  while (at > 0 && (insideWord(before, at) || insideWord(after, at))) at--;
  return at;
}

function wordEnd(before: string, after: string, back: number): number {
  let left = back;
  while (left > 0 && (insideWord(before, before.length - left) || insideWord(after, after.length - left)))
    left--;
  return left;
}

function insideWord(line: string, at: number): boolean {
  if (at <= 0 || at >= line.length) return false;
  if ((line.charCodeAt(at) & 0xfc00) === 0xdc00) return true;
  return wordCharacter.test(line.charAt(at - 1)) && wordCharacter.test(line.charAt(at));
}

interface PlacedWord {
  readonly word: string;
  readonly from: number;
}

function wordsFrom(line: string, start: number, end: number): PlacedWord[] {
  const words: PlacedWord[] = [];
  let from = start;
  for (const word of splitWords(line.slice(start, Math.min(end, start + comparedCharactersMax)))) {
    words.push({ word, from });
    from += word.length;
  }
  return words;
}

/** Words, runs of blanks, and each other character alone. */
function splitWords(text: string): string[] {
  return text.match(/[\p{L}\p{M}\p{N}_]+|\s+|[^\p{L}\p{M}\p{N}_\s]/gu) ?? [];
}

/** What lies beyond the words that were compared is marked as a whole. Blanks alone do not part two marks. */
function marksBetween(words: readonly PlacedWord[], same: ReadonlySet<number>, end: number): Marks {
  const marks: [number, number][] = [];
  const mark = (from: number, to: number) => {
    const last = marks.at(-1);
    if (last !== undefined && last[1] === from) last[1] = to;
    else if (from < to) marks.push([from, to]);
  };
  words.forEach(({ word, from }, at) => {
    const blankBetween = word.trim() === '' && marks.at(-1)?.[1] === from && at + 1 < words.length;
    if (!same.has(at) || (blankBetween && !same.has(at + 1))) mark(from, from + word.length);
  });
  const last = words.at(-1);
  if (last !== undefined) mark(last.from + last.word.length, end);
  return marks;
}
