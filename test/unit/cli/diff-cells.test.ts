import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arranged, shownCells } from '../../../src/cli/diff-cells.ts';
import type { RowDiff, TableDiff } from '../../../src/index.ts';

const row = (op: RowDiff['op'], cells: RowDiff['cells']): RowDiff => ({ op, key: [], cells });

test('shownCells() shows a column of JSON key by key, and times as times', () => {
  const [before, after] = [
    { updatedAt: 1795644705688, same: 1, gone: 'x' },
    { updatedAt: 1795644827516, same: 1 },
  ].map((value) => JSON.stringify(value));
  assert.deepEqual(
    shownCells(row('changed', [{ column: 'entry', before: before ?? '', after: after ?? '' }]), 80),
    [
      { name: 'entry.updatedAt', before: timeOf(1795644705688), after: timeOf(1795644827516) },
      { name: 'entry.gone', before: '"x"', after: 'nothing' },
    ],
  );
  const many = (value: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [at, value])));
  const shown = shownCells(row('changed', [{ column: 'c', before: many(1), after: many(2) }]), 80);
  assert.deepEqual(shown.slice(7), [
    { name: 'c.7', before: '1', after: '2' },
    { name: 'c', before: '…', after: '12 more' },
  ]);
});

function timeOf(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

test('shownCells() leaves out of a new row what is NULL, and says it of a changed one', () => {
  assert.deepEqual(
    shownCells(
      row('added', [
        { column: 'a', after: null },
        { column: 'b', after: 'x' },
      ]),
      80,
    ),
    [{ name: 'b', after: '"x"' }],
  );
  assert.deepEqual(shownCells(row('changed', [{ column: 'a', before: null, after: '{' }]), 80), [
    { name: 'a', before: 'NULL', after: '"{"' },
  ]);
});

test('arranged() has who said what first, and sums up indexes and bookkeeping', () => {
  const table = (name: string, more: Partial<TableDiff>): TableDiff => ({
    ...{ name, added: 1, removed: 0, changed: 0, derived: false, rows: [], moreRows: 0, ...more },
  });
  const { told, summedUp } = arranged([
    table('a', {}),
    table('fts', { derived: true }),
    table('state', { isBookkeeping: true }),
    table('broken', { derived: true, note: 'not compared' }),
    table('said', { rows: [{ op: 'added', key: [], cells: [], said: { text: 'hello' } }] }),
  ]);
  assert.deepEqual(
    told.map(({ name }) => name),
    ['said', 'a', 'broken'],
  );
  assert.deepEqual(
    summedUp.map(({ name }) => name),
    ['fts', 'state'],
  );
});
