/** What of a row is shown: a column that holds JSON key by key, times as times, and nothing of columns that say nothing. */
import { type CellValue, diffJson, type JsonChange, type RowDiff, type TableDiff } from '../index.ts';
import { bytesText, timeText } from './text.ts';

export interface ShownCell {
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
}

const contextCharacters = 20;
/** Of those that differ in one column. */
const keysMax = 8;
/** Longer texts are shown as they are. */
const jsonCharactersMax = 256 * 1024;

/** Not yet made harmless. */
export function shownCells({ op, cells }: RowDiff, characters: number): ShownCell[] {
  return cells.flatMap(({ column, before, after }): ShownCell[] => {
    if (op === 'changed') return changedCell(column, before ?? null, after ?? null, characters);
    const value = (op === 'added' ? after : before) ?? null;
    if (value === null) return [];
    const text = cellText(value, column, characters);
    return [{ name: column, ...(op === 'added' ? { after: text } : { before: text }) }];
  });
}

function changedCell(column: string, before: CellValue, after: CellValue, characters: number): ShownCell[] {
  const changes = jsonChanges(before, after);
  if (changes === undefined) {
    const [old, now] = focused(before, after, characters);
    return [
      {
        name: column,
        before: cellText(old as CellValue, column, characters),
        after: cellText(now as CellValue, column, characters),
      },
    ];
  }
  const keys = changes.slice(0, keysMax).map(({ path, before: old, after: now }) => ({
    name: [column, ...path].join('.'),
    before: jsonText(old, String(path.at(-1)), characters),
    after: jsonText(now, String(path.at(-1)), characters),
  }));
  const rest = changes.length - keysMax;
  return rest > 0 ? [...keys, { name: column, before: '…', after: `${rest} more` }] : keys;
}

/** `undefined` when the column is no JSON, or too long. */
function jsonChanges(before: CellValue, after: CellValue): readonly JsonChange[] | undefined {
  if (typeof before !== 'string' || typeof after !== 'string') return undefined;
  if (!before.startsWith('{') || !after.startsWith('{')) return undefined;
  if (before.length + after.length > jsonCharactersMax) return undefined;
  const diff = diffJson(before, after);
  if (diff.kind !== 'json' || diff.changes.length === 0) return undefined;
  return diff.changes.some(({ change }) => change === 'moved') ? undefined : diff.changes;
}

function jsonText(value: unknown, name: string, characters: number): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return cellText(value, name, characters);
  return shortened(JSON.stringify(value), characters);
}

export function cellText(value: CellValue, column: string, characters: number): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number' && /(_at|At)(_?ms)?$/i.test(column) && value > 1e12 && value < 1e13)
    return timeText(new Date(value).toISOString());
  if (typeof value === 'object') return `<${bytesText(value.bytes)}, ${value.hash}>`;
  return typeof value === 'string' ? JSON.stringify(shortened(value, characters)) : String(value);
}

export function shortened(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters)}…`;
}

/** Of two long texts what comes before the first difference is left out, but for a few words. */
export function focused(before: unknown, after: unknown, characters: number): [unknown, unknown] {
  if (typeof before !== 'string' || typeof after !== 'string') return [before, after];
  let same = 0;
  while (same < before.length && before[same] === after[same]) same++;
  const from = same - contextCharacters;
  if (from <= contextCharacters || Math.max(before.length, after.length) <= characters)
    return [before, after];
  return [`…${before.slice(from)}`, `…${after.slice(from)}`];
}

/** Who said what comes first; what is kept of other data is named in one line. */
export function arranged(tables: readonly TableDiff[]): {
  readonly told: readonly TableDiff[];
  readonly summedUp: readonly TableDiff[];
} {
  const isSummedUp = ({ isBookkeeping, derived, note }: TableDiff): boolean =>
    note === undefined && (isBookkeeping === true || derived);
  const told = tables.filter((table) => !isSummedUp(table));
  const isSaid = ({ rows }: TableDiff): boolean => rows.some(({ said }) => said !== undefined);
  return {
    told: [...told.filter(isSaid), ...told.filter((table) => !isSaid(table))],
    summedUp: tables.filter(isSummedUp),
  };
}
