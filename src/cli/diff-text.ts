/** What differs inside a file, as text for a terminal. Everything that comes from the files is made harmless. */
import type {
  ContentDiff,
  JsonChange,
  JsonDiff,
  RecordsDiff,
  RowDiff,
  SqliteDiff,
  TableDiff,
  TextDiff,
  TextLine,
} from '../index.ts';
import { bold, dim, green, red } from './console.ts';
import { arranged, cellText, focused, shortened, shownCells } from './diff-cells.ts';
import { bytesText, countText, safeText, timeText } from './text.ts';

const indent = '    ';
const valueCharacters = 200;
const cellCharacters = 80;
const rowCharacters = 600;
const hunkLinesShown = 1000;
const lineCharacters = 4000;

/** Lines, indented. */
export function contentLines(diff: ContentDiff): string[] {
  switch (diff.kind) {
    case 'text':
      return textLines(diff);
    case 'json':
      return jsonLines(diff);
    case 'records':
      return recordLines(diff);
    case 'sqlite':
      return sqliteLines(diff);
    case 'binary':
      return [
        `${indent}${diff.beforeType ?? 'binary'}, ${bytesText(diff.beforeBytes)} -> ${diff.afterType ?? 'binary'}, ${bytesText(diff.afterBytes)}`,
      ];
    case 'note':
      return [`${indent}${dim(safeText(diff.message))}`];
  }
}

function textLines({ hunks, moreHunks }: TextDiff): string[] {
  const lines = hunks.flatMap((hunk) => [
    dim(`${indent}@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`),
    ...hunk.lines.slice(0, hunkLinesShown).flatMap(textLine),
    ...(hunk.lines.length > hunkLinesShown
      ? [`${indent}… ${countText(hunk.lines.length - hunkLinesShown, 'more line')}`]
      : []),
  ]);
  return moreHunks > 0 ? [...lines, `${indent}… ${countText(moreHunks, 'more hunk')}`] : lines;
}

function textLine(line: TextLine): string[] {
  const [sign, paint] = { same: [' ', plain], removed: ['-', red], added: ['+', green] }[line.op] as [
    string,
    Paint,
  ];
  const end = line.noEnd ? [`${indent}\\ No newline at end of file`] : [];
  return [`${indent}${paint(sign)}${markedText(line, paint)}`, ...end];
}

type Paint = (text: string) => string;
const plain: Paint = (text) => text;

/** The words that differ are bold. */
function markedText({ text: whole, marks = [] }: TextLine, paint: Paint): string {
  const text = whole.length <= lineCharacters ? whole : `${whole.slice(0, lineCharacters)}…`;
  let at = 0;
  let shown = '';
  for (const [from, to] of marks) {
    shown += paint(safeText(text.slice(at, from))) + bold(paint(safeText(text.slice(from, to))));
    at = to;
  }
  return shown + paint(safeText(text.slice(at)));
}

function jsonLines({ changes, moreChanges, formOnly }: JsonDiff): string[] {
  if (formOnly !== undefined) return [`${indent}${dim(`only ${formOnly} differ`)}`];
  const lines = changes.map((change) => `${indent}${jsonText(change)}`);
  return moreChanges > 0 ? [...lines, `${indent}… ${countText(moreChanges, 'more change')}`] : lines;
}

function jsonText(change: JsonChange): string {
  const path = pathText(change.path);
  switch (change.change) {
    case 'added':
      return `${green('+')} ${path}: ${valueText(change.after)}`;
    case 'removed':
      return `${red('-')} ${path}: ${valueText(change.before)}`;
    case 'changed': {
      const [before, after] = focused(change.before, change.after, cellCharacters);
      return `${path}: ${valueText(before)} -> ${valueText(after)}`;
    }
    case 'moved':
      return `${path}: was at ${change.from ?? '?'}`;
  }
}

/** `agents.list[0].id` */
function pathText(path: JsonChange['path']): string {
  const text = path.reduce<string>((sum, step) => {
    if (typeof step === 'number') return `${sum}[${step}]`;
    const name = /^[\w-]+$/.test(step) ? step : JSON.stringify(step);
    return sum === '' ? name : `${sum}.${name}`;
  }, '');
  return safeText(text === '' ? '(all)' : text);
}

function valueText(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value));
  return safeText(shortened(text, valueCharacters));
}

function recordLines(diff: RecordsDiff): string[] {
  const { appended, removed, changed, how, firstTime, lastTime, records, moreRecords } = diff;
  const counts = [
    ...(appended > 0
      ? [`${countText(appended, 'record')} ${how === 'appended' ? 'appended' : 'added'}`]
      : []),
    ...(changed > 0 ? [`${changed} changed`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
    ...(how === 'rewritten' || how === 'compacted' ? [how] : []),
  ];
  const when =
    firstTime === undefined ? '' : `, ${timeText(firstTime)} to ${timeText(lastTime ?? firstTime)}`;
  const lines = records.map((record) => {
    const sign = record.op === 'added' ? green('+') : record.op === 'removed' ? red('-') : '~';
    return `${indent}${sign} ${saidText(record)}`;
  });
  const more = moreRecords > 0 ? [`${indent}… ${countText(moreRecords, 'more record')}`] : [];
  return [`${indent}${counts.join(', ') || 'no record differs'}${when}`, ...lines, ...more];
}

/** When, who, what. */
function saidText({ time, who, text }: NonNullable<RowDiff['said']>): string {
  const head = [time === undefined ? '' : timeText(time), who ?? ''].filter((part) => part !== '').join(' ');
  return `${dim(safeText(head))}${head === '' ? '' : ': '}${safeText(shortened(text, valueCharacters))}`;
}

function sqliteLines({ schema, tables }: SqliteDiff): string[] {
  if (schema.length + tables.length === 0) return [`${indent}${dim('no row differs')}`];
  const { told, summedUp } = arranged(tables);
  return [
    ...schema.map(({ name, change }) => `${indent}schema: ${safeText(name)} ${change}`),
    ...told.flatMap(tableLines),
    ...summedUpLine(summedUp),
  ];
}

function summedUpLine(tables: readonly TableDiff[]): string[] {
  if (tables.length === 0) return [];
  const names = tables.map((table) => `${safeText(table.name)} (${tableCounts(table)})`);
  return [dim(`${indent}indexes and bookkeeping: ${names.join(', ')}`)];
}

function tableCounts({ added, removed, changed, note }: TableDiff): string {
  if (note !== undefined) return safeText(note);
  const counts = [
    ...(added > 0 ? [`${added} added`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
    ...(changed > 0 ? [`${changed} changed`] : []),
  ];
  return counts.join(', ') || 'differs';
}

function tableLines(table: TableDiff): string[] {
  const head = `${indent}${bold(safeText(table.name))}: ${tableCounts(table)}`;
  const more = table.moreRows > 0 ? [`${indent}  … ${countText(table.moreRows, 'more row')}`] : [];
  return [head, ...table.rows.map(rowLine), ...more];
}

function rowLine(row: RowDiff): string {
  const { op, key, said } = row;
  const sign = op === 'added' ? green('+') : op === 'removed' ? red('-') : '~';
  if (said !== undefined) return `${indent}  ${sign} ${saidText(said)}`;
  const name = key
    .map(({ column, value }) => `${column}=${cellText(value, column, cellCharacters)}`)
    .join(' ');
  const shown = shownCells(row, cellCharacters).map(({ name: column, before, after }) =>
    op === 'changed' ? `${column}: ${before} -> ${after}` : `${column}=${after ?? before}`,
  );
  return `${indent}  ${sign} ${safeText(shortened([name, ...shown].join('  '), rowCharacters))}`;
}
