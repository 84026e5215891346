/** What differs inside a file, as HTML. Everything that comes from the files goes through `text`. */
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
} from '../../index.ts';
import { arranged, cellText, shownCells } from '../diff-cells.ts';
import { bytesText, countText, timeText } from '../text.ts';
import { shortened, text } from './escape.ts';

const hunkLinesMax = 1000;
const lineCharactersMax = 4000;
const valueCharactersMax = 400;
const cellCharactersMax = 120;

type Sign = 'added' | 'removed' | 'changed' | 'same';
const signs: Readonly<Record<Sign, string>> = { added: '+', removed: '\u2212', changed: '~', same: ' ' };

export function insideHtml(diff: ContentDiff): string {
  switch (diff.kind) {
    case 'text':
      return textHtml(diff);
    case 'json':
      return jsonHtml(diff);
    case 'records':
      return recordsHtml(diff);
    case 'sqlite':
      return sqliteHtml(diff);
    case 'binary':
      return note(
        `${diff.beforeType ?? 'binary'}, ${bytesText(diff.beforeBytes)} \u2192 ${diff.afterType ?? 'binary'}, ${bytesText(diff.afterBytes)}`,
      );
    case 'note':
      return note(diff.message);
  }
}

function note(message: string): string {
  return `<p class="note">${text(message)}</p>`;
}

function more(count: number, one: string): string {
  return count > 0 ? note(`\u2026 ${countText(count, `more ${one}`)}`) : '';
}

/** `inner` is HTML already. */
function line(sign: Sign, inner: string): string {
  return `<span class="line ${sign}" data-sign="${signs[sign]}">${inner}</span>`;
}

function textHtml({ hunks, moreHunks }: TextDiff): string {
  const parts = hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) => {
    const place = `<p class="place">lines ${oldStart}\u2013${oldStart + Math.max(0, oldLines - 1)} \u2192 ${newStart}\u2013${newStart + Math.max(0, newLines - 1)}</p>`;
    const shown = lines.slice(0, hunkLinesMax).map(textLine).join('');
    return `${place}${shown}${more(lines.length - hunkLinesMax, 'line')}`;
  });
  return parts.join('') + more(moreHunks, 'hunk');
}

function textLine({ op, text: whole, marks = [], noEnd }: TextLine): string {
  const shown = shortened(whole, lineCharactersMax);
  const tag = op === 'added' ? 'ins' : 'del';
  let at = 0;
  let inner = '';
  for (const [from, to] of marks) {
    const [a, b] = [Math.min(from, shown.length), Math.min(to, shown.length)];
    inner += text(shown.slice(at, a));
    if (b > a) inner += `<${tag}>${text(shown.slice(a, b))}</${tag}>`;
    at = Math.max(at, b);
  }
  const end = noEnd ? ' <span class="note">(no line end)</span>' : '';
  return line(op, inner + text(shown.slice(at)) + end);
}

function jsonHtml({ changes, moreChanges, formOnly }: JsonDiff): string {
  if (formOnly !== undefined) return note(`only ${formOnly} differ`);
  return changes.map(jsonLine).join('') + more(moreChanges, 'change');
}

function jsonLine(change: JsonChange): string {
  const name = `<span class="name">${text(pathText(change.path))}</span>`;
  const [before, after] = [change.before, change.after].map((value) =>
    text(shortened(JSON.stringify(value) ?? 'nothing', valueCharactersMax)),
  );
  switch (change.change) {
    case 'added':
      return line('added', `${name}: ${after}`);
    case 'removed':
      return line('removed', `${name}: ${before}`);
    case 'changed':
      return line('changed', `${name}: ${arrow(before ?? '', after ?? '')}`);
    case 'moved':
      return line('changed', `${name}: was at ${change.from ?? '?'}`);
  }
}

function pathText(path: JsonChange['path']): string {
  const joined = path.reduce<string>((sum, step) => {
    if (typeof step === 'number') return `${sum}[${step}]`;
    return sum === '' ? step : `${sum}.${step}`;
  }, '');
  return joined === '' ? '(all)' : joined;
}

function arrow(before: string, after: string): string {
  return `<span class="old">${before}</span> \u2192 <span class="new">${after}</span>`;
}

function recordsHtml({ appended, removed, changed, how, records, moreRecords }: RecordsDiff): string {
  const counts = `${appended} added, ${changed} changed, ${removed} removed`;
  const lines = records.map((record) => line(record.op, saidHtml(record))).join('');
  return `<p class="place">${text(how === 'same' ? counts : `${how}: ${counts}`)}</p>${lines}${more(moreRecords, 'record')}`;
}

function saidHtml({ time, who, text: said }: NonNullable<RowDiff['said']>): string {
  const when = time === undefined ? '' : `<span class="when">${text(timeText(time))}</span> `;
  const name = who === undefined ? '' : `<span class="who">${text(who)}</span> `;
  return `${when}${name}${text(shortened(said, valueCharactersMax))}`;
}

function sqliteHtml({ schema, tables }: SqliteDiff): string {
  if (schema.length + tables.length === 0) return note('no row differs');
  const shapes = schema.map(({ name, change }) => note(`schema: ${name} ${change}`)).join('');
  const { told, summedUp } = arranged(tables);
  const names = summedUp.map((table) => `${table.name} (${countsOf(table)})`).join(', ');
  return (
    shapes +
    told.map(tableHtml).join('') +
    (summedUp.length > 0 ? note(`indexes and bookkeeping: ${names}`) : '')
  );
}

function countsOf({ added, removed, changed, note: reason }: TableDiff): string {
  if (reason !== undefined) return reason;
  const counts = [
    [added, 'added'],
    [removed, 'removed'],
    [changed, 'changed'],
  ].filter(([count]) => count !== 0);
  return counts.map(([count, word]) => `${count} ${word}`).join(', ') || 'differs';
}

function tableHtml(table: TableDiff): string {
  const head = `<p class="table">${text(table.name)} <span class="when">${text(countsOf(table))}</span></p>`;
  return head + table.rows.map(rowHtml).join('') + more(table.moreRows, 'row');
}

function rowHtml(row: RowDiff): string {
  const { op, key, said } = row;
  if (said !== undefined) return line(op, saidHtml(said));
  const name = key.map(({ column, value }) => `${column}=${cellText(value, column, cellCharactersMax)}`);
  const shown = shownCells(row, cellCharactersMax).map(({ name: column, before = '', after = '' }) => {
    const label = `<span class="when">${text(column)}</span> `;
    return (
      label + (op === 'changed' ? arrow(text(before), text(after)) : text(op === 'added' ? after : before))
    );
  });
  return line(op, [`<span class="name">${text(name.join(' '))}</span>`, ...shown].join('  '));
}
