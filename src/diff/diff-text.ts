/**
 * Two texts line by line, as unified hunks. Lines end with "\n"; a "\r" before it belongs to the line, so that a change of
 * line ends is seen.
 */
import type { DiffNote, TextDiff, TextHunk, TextLine } from './content-diff.ts';
import { createNumbering, type MatchedPair, matchSequences } from './sequence-match.ts';
import { type Marks, markWords, pairLines } from './word-marks.ts';

export interface TextDiffOptions {
  /** For lines; as much again for words. Beyond it the answer is true, but not the shortest. */
  readonly timeoutMs?: number;
  readonly hunksMax?: number;
}

const contextLines = 3;
const linesMax = 100_000;
const defaults = { timeoutMs: 1000, hunksMax: 200 };
/** Myers' algorithm takes the square of it: 0.3 s and 20 MB at 2,000 lines (2 cores, Node 24). */
const maxEditLength = 2000;

/** Time and memory are bounded by the sizes of the texts, and those by `linesMax`. */
export function diffText(before: string, after: string, options: TextDiffOptions = {}): TextDiff | DiffNote {
  const { timeoutMs, hunksMax } = { ...defaults, ...options };
  const oldLines = splitLines(before);
  const newLines = splitLines(after);
  const most = Math.max(oldLines.length, newLines.length);
  if (most > linesMax) {
    return { kind: 'note', message: `too many lines to compare (${most}, at most ${linesMax})` };
  }
  const number = createNumbering();
  const pairs = matchSequences(oldLines.map(number), newLines.map(number), { maxEditLength, timeoutMs });
  const groups = groupEdits(editsBetween(pairs, oldLines.length, newLines.length));
  const deadline = performance.now() + timeoutMs;
  const sides = { oldLines, newLines };
  return {
    kind: 'text',
    addedLines: newLines.length - pairs.length,
    removedLines: oldLines.length - pairs.length,
    hunks: groups.slice(0, hunksMax).map((edits) => makeHunk(edits, sides, deadline)),
    moreHunks: Math.max(0, groups.length - hunksMax),
  };
}

/** With their ends, so that a last line without one is another line. */
function splitLines(text: string): string[] {
  const lines: string[] = [];
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from) + 1 || text.length;
    lines.push(text.slice(from, end));
    from = end;
  }
  return lines;
}

/** Lines `[oldStart, oldEnd)` give way to `[newStart, newEnd)`. From 0. */
interface Edit {
  readonly oldStart: number;
  readonly oldEnd: number;
  readonly newStart: number;
  readonly newEnd: number;
}

function editsBetween(pairs: readonly MatchedPair[], oldCount: number, newCount: number): Edit[] {
  const edits: Edit[] = [];
  let [oldStart, newStart] = [0, 0];
  const edit = (oldEnd: number, newEnd: number) => {
    if (oldEnd > oldStart || newEnd > newStart) edits.push({ oldStart, oldEnd, newStart, newEnd });
    [oldStart, newStart] = [oldEnd + 1, newEnd + 1];
  };
  for (const [old, now] of pairs) edit(old, now);
  edit(oldCount, newCount);
  return edits;
}

/** Edits whose context would touch make one hunk. */
function groupEdits(edits: readonly Edit[]): Edit[][] {
  const groups: Edit[][] = [];
  for (const edit of edits) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (last !== undefined && edit.oldStart - last.oldEnd <= 2 * contextLines) group?.push(edit);
    else groups.push([edit]);
  }
  return groups;
}

interface Sides {
  readonly oldLines: readonly string[];
  readonly newLines: readonly string[];
}

function makeHunk(edits: readonly Edit[], sides: Sides, deadline: number): TextHunk {
  const lines: TextLine[] = [];
  const from = Math.max(0, (edits[0]?.oldStart ?? 0) - contextLines);
  const newFrom = (edits[0]?.newStart ?? 0) - ((edits[0]?.oldStart ?? 0) - from);
  let at = from;
  const same = (end: number) => {
    for (; at < Math.min(end, sides.oldLines.length); at++) lines.push(makeLine('same', sides.oldLines[at]));
  };
  for (const edit of edits) {
    same(edit.oldStart);
    for (const line of editLines(edit, sides, deadline)) lines.push(line);
    at = edit.oldEnd;
  }
  same(at + contextLines);
  const oldLines = lines.filter(({ op }) => op !== 'added').length;
  const newLines = lines.filter(({ op }) => op !== 'removed').length;
  return {
    oldStart: oldLines === 0 ? from : from + 1,
    oldLines,
    newStart: newLines === 0 ? newFrom : newFrom + 1,
    newLines,
    lines,
  };
}

function editLines(edit: Edit, sides: Sides, deadline: number): TextLine[] {
  const removed = sides.oldLines.slice(edit.oldStart, edit.oldEnd);
  const added = sides.newLines.slice(edit.newStart, edit.newEnd);
  const oldMarks = new Map<number, Marks>();
  const newMarks = new Map<number, Marks>();
  for (const [old, now] of performance.now() < deadline ? pairLines(removed, added) : []) {
    if (performance.now() > deadline) break;
    const marks = markWords(withoutEnd(removed[old]), withoutEnd(added[now]));
    oldMarks.set(old, marks.removed);
    newMarks.set(now, marks.added);
  }
  return [
    ...removed.map((line, at) => makeLine('removed', line, oldMarks.get(at))),
    ...added.map((line, at) => makeLine('added', line, newMarks.get(at))),
  ];
}

function makeLine(op: TextLine['op'], line = '', marks: Marks = []): TextLine {
  return {
    op,
    text: withoutEnd(line),
    ...(marks.length === 0 ? {} : { marks }),
    ...(line.endsWith('\n') ? {} : { noEnd: true as const }),
  };
}

function withoutEnd(line = ''): string {
  return line.endsWith('\n') ? line.slice(0, -1) : line;
}
