/**
 * JSONL record by record: transcripts, logs, runs. What both versions begin with is compared as bytes and forgotten; a file
 * that was only appended to, or cut off at the end of a line, is read through in any size. Otherwise the lines that follow
 * are held in memory.
 */
import { hash } from 'node:crypto';
import type { DiffNote, FileVersion, RecordChange, RecordsDiff } from './content-diff.ts';
import { describeRecord, identityOf, isCompaction, oneLine, parseRecord } from './describe-record.ts';
import { createNumbering, matchSequences } from './sequence-match.ts';
import { commonStart, linesFrom, TooMuchError, type VersionLine } from './version-lines.ts';

const MiB = 1024 * 1024;
const lineBytesMax = 16 * MiB;
/** Of both versions together, from the first line that differs. */
const heldBytesMax = 64 * MiB;
const heldLinesMax = 200_000;
const recordsMax = 1000;
const matchOptions = { maxEditLength: 2000, timeoutMs: 1000 };

/** `undefined` for a version that is not there. A note for lines, or differences, that are too long. @throws DamageError */
export function diffRecords(
  before: FileVersion | undefined,
  after: FileVersion | undefined,
): RecordsDiff | DiffNote {
  const old = before ?? nothing;
  const now = after ?? nothing;
  try {
    const start = commonStart(old, now);
    if (start.bytes === old.bytes) return diffAppended(now, start, old.bytes - start.lineStart);
    if (start.bytes === now.bytes && start.lineStart === start.bytes) return diffCutOff(old, start);
    return diffRewritten(old, now, start);
  } catch (error) {
    if (!(error instanceof TooMuchError)) throw error;
    const sizes = `${old.bytes} and ${now.bytes} bytes`;
    return { kind: 'note', message: `not compared record by record (${sizes}): ${error.message}` };
  }
}

const nothing: FileVersion = { path: '', bytes: 0, read: () => [] };

type Start = ReturnType<typeof commonStart>;

/** `openBytes`: of the older version's last line, when that had no end. It may have been finished since. */
function diffAppended(after: FileVersion, start: Start, openBytes: number): RecordsDiff {
  const list = new RecordList();
  let isFirst = true;
  for (const line of linesFrom(after, start, lineBytesMax)) {
    if (!isFirst || openBytes === 0 || line.bytes.length !== openBytes) list.add('added', line);
    isFirst = false;
  }
  return list.finish(list.counts.added === 0 ? 'same' : 'appended');
}

function diffCutOff(before: FileVersion, start: Start): RecordsDiff {
  const list = new RecordList();
  for (const line of linesFrom(before, start, lineBytesMax)) list.add('removed', line);
  return list.finish('rewritten');
}

function diffRewritten(before: FileVersion, after: FileVersion, start: Start): RecordsDiff {
  const held = { bytes: 0, lines: 0 };
  const old = holdLines(before, start, held);
  const now = holdLines(after, start, held);
  const number = createNumbering();
  const oldNumbers = old.map(({ bytes }) => number(hash('sha256', bytes, 'base64')));
  const newNumbers = now.map(({ bytes }) => number(hash('sha256', bytes, 'base64')));
  const pairs = matchSequences(oldNumbers, newNumbers, matchOptions);
  const rest = {
    removed: leftOut(old, new Set(pairs.map(([at]) => at)), new Set(newNumbers), oldNumbers),
    added: leftOut(now, new Set(pairs.map(([, at]) => at)), new Set(oldNumbers), newNumbers),
  };
  const { oldIsChanged, newIsChanged } = findChanged(rest.removed, rest.added);
  const list = new RecordList();
  let [oldAt, newAt] = [0, 0];
  for (const [oldEnd, newEnd] of [...pairs, [old.length, now.length] as const]) {
    for (const line of old.slice(oldAt, oldEnd)) if (!oldIsChanged.has(line)) list.add('removed', line);
    for (const line of now.slice(newAt, newEnd)) list.add(newIsChanged.has(line) ? 'changed' : 'added', line);
    [oldAt, newAt] = [oldEnd + 1, newEnd + 1];
  }
  return list.finish(list.hasCompaction && list.counts.removed > 0 ? 'compacted' : 'rewritten');
}

/** @throws TooMuchError */
function holdLines(
  version: FileVersion,
  start: Start,
  held: { bytes: number; lines: number },
): VersionLine[] {
  const lines: VersionLine[] = [];
  for (const { number, bytes } of linesFrom(version, start, lineBytesMax)) {
    held.bytes += bytes.length;
    held.lines++;
    if (held.bytes > heldBytesMax || held.lines > heldLinesMax) {
      throw new TooMuchError(`more differs than ${heldBytesMax} bytes or ${heldLinesMax} lines`);
    }
    lines.push({ number, bytes: Buffer.from(bytes) });
  }
  return lines;
}

/** Lines without a counterpart. Those that are on the other side in another place did not change. */
function leftOut(
  lines: readonly VersionLine[],
  matched: ReadonlySet<number>,
  otherSide: ReadonlySet<number>,
  numbers: readonly number[],
): VersionLine[] {
  return lines.filter((_, at) => !matched.has(at) && !otherSide.has(numbers[at] ?? -1));
}

/** Records with the identity of one that was removed. */
function findChanged(removed: readonly VersionLine[], added: readonly VersionLine[]) {
  const known = new Map<string, VersionLine>();
  for (const line of removed) {
    const identity = identityOf(parseRecord(line.bytes.toString()));
    if (identity !== undefined) known.set(identity, line);
  }
  const [oldIsChanged, newIsChanged] = [new Set<VersionLine>(), new Set<VersionLine>()];
  for (const line of known.size === 0 ? [] : added) {
    const identity = identityOf(parseRecord(line.bytes.toString())) ?? '';
    const old = known.get(identity);
    if (old === undefined) continue;
    known.delete(identity);
    oldIsChanged.add(old);
    newIsChanged.add(line);
  }
  return { oldIsChanged, newIsChanged };
}

/** Counts all, describes the first ones, and remembers the times of what is new. */
class RecordList {
  readonly counts = { added: 0, removed: 0, changed: 0 };
  hasCompaction = false;
  readonly #records: RecordChange[] = [];
  #moreRecords = 0;
  #firstTime: string | undefined;
  #lastTime: string | undefined;
  /** The newest record that was not described. */
  #last = Buffer.alloc(0);

  add(op: RecordChange['op'], line: VersionLine): void {
    if (isBlank(line.bytes)) return;
    this.counts[op]++;
    const isListed = this.#records.length < recordsMax;
    if (!isListed) this.#moreRecords++;
    if (!isListed && op === 'added') this.#last = Buffer.from(line.bytes);
    const mayCompact = op === 'added' && !this.hasCompaction && line.bytes.includes('"compaction"');
    if (!isListed && !mayCompact) return;
    const record = parseRecord(line.bytes.toString());
    this.hasCompaction ||= op === 'added' && isCompaction(record);
    if (!isListed) return;
    const description = describeRecord(record);
    this.#records.push({ op, line: line.number, ...description });
    if (op === 'added') this.#meet(description.time);
  }

  #meet(time: string | undefined): void {
    if (time === undefined) return;
    this.#firstTime ??= time;
    this.#lastTime = time;
  }

  finish(how: RecordsDiff['how']): RecordsDiff {
    const { added: appended, removed, changed } = this.counts;
    if (this.#last.length > 0) this.#meet(describeRecord(parseRecord(this.#last.toString())).time);
    const times = {
      ...(this.#firstTime === undefined ? {} : { firstTime: this.#firstTime }),
      ...(this.#lastTime === undefined ? {} : { lastTime: this.#lastTime }),
    };
    const lists = { records: this.#records, moreRecords: this.#moreRecords };
    return { kind: 'records', appended, removed, changed, how, ...times, ...lists };
  }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.length < 64 && oneLine(bytes.toString()) === '';
}
