/** Secrets in a difference, masked. */
import type {
  CellValue,
  ContentDiff,
  JsonChange,
  JsonDiff,
  RecordsDiff,
  SqliteDiff,
  TableDiff,
  TextDiff,
  TextLine,
} from '../diff/content-diff.ts';
import { type MaskOptions, SecretMask } from './secret-mask.ts';

export function maskDiff(diff: ContentDiff, options: MaskOptions): ContentDiff {
  const mask = new SecretMask(options);
  switch (diff.kind) {
    case 'text':
      return maskText(mask, diff);
    case 'json':
      return maskJson(mask, diff);
    case 'records':
      return maskRecords(mask, diff);
    case 'sqlite':
      // A database among credentials holds much else: its tables and columns tell what is secret.
      return maskSqlite(new SecretMask({ ...options, isSecretFile: false }), diff);
    case 'binary':
    case 'note':
      return diff;
  }
}

function maskText(mask: SecretMask, diff: TextDiff): TextDiff {
  const hunks = diff.hunks.map((hunk) => ({
    ...hunk,
    lines: hunk.lines.map((line) => maskLine(mask, line)),
  }));
  return { ...diff, hunks };
}

/** Marks are offsets in the text as it was: a masked line has none. */
function maskLine(mask: SecretMask, line: TextLine): TextLine {
  const text = mask.line(line.text);
  if (text === line.text) return line;
  const { marks: _marks, ...rest } = line;
  return { ...rest, text };
}

function maskJson(mask: SecretMask, diff: JsonDiff): JsonDiff {
  return { ...diff, changes: diff.changes.map((change) => maskChange(mask, change)) };
}

function maskChange(mask: SecretMask, change: JsonChange): JsonChange {
  const path = change.path.map(String);
  return {
    ...change,
    ...('before' in change ? { before: mask.value(path, change.before) } : {}),
    ...('after' in change ? { after: mask.value(path, change.after) } : {}),
  };
}

function maskRecords(mask: SecretMask, diff: RecordsDiff): RecordsDiff {
  return { ...diff, records: diff.records.map((record) => ({ ...record, text: mask.said(record.text) })) };
}

function maskSqlite(mask: SecretMask, diff: SqliteDiff): SqliteDiff {
  return { ...diff, tables: diff.tables.map((table) => maskTable(mask, table)) };
}

function maskTable(mask: SecretMask, table: TableDiff): TableDiff {
  const cell = (column: string, value: CellValue): CellValue =>
    typeof value === 'string' ? mask.cell(table.name, column, value) : value;
  const rows = table.rows.map((row) => ({
    ...row,
    // What a row is known by is called a key, and is none; but it may look like one.
    key: row.key.map(({ column, value }) => ({
      column,
      value: typeof value === 'string' ? mask.looks(value) : value,
    })),
    ...(row.said === undefined ? {} : { said: { ...row.said, text: mask.looks(row.said.text) } }),
    cells: row.cells.map(({ column, before, after }) => ({
      column,
      ...(before === undefined ? {} : { before: cell(column, before) }),
      ...(after === undefined ? {} : { after: cell(column, after) }),
    })),
  }));
  return { ...table, rows };
}
